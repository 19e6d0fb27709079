"""Random changes of training images, on the device; gaze moves with them."""

import math

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from training.config import AugmentConfig


class Augmentation:
    """One random change per image of a batch.

    Geometry is a rotation, a change of size and a shift about the center. Nothing is
    mirrored: left and right are words of the report.
    """

    def __init__(
        self, config: AugmentConfig, images: int, generator: torch.Generator
    ) -> None:
        """Draw the changes.

        Args:
            config: How large they may be.
            images: How many images the batch has.
            generator: On the processor; fixes what is drawn.
        """
        draw = 2 * torch.rand(images, 6, generator=generator) - 1
        self.angle = draw[:, 0] * math.radians(config.rotation_deg)
        self.scale = 1 + draw[:, 1] * config.scale
        self.shift = draw[:, 2:4] * config.shift
        self.brightness = draw[:, 4] * config.brightness
        self.contrast = 1 + draw[:, 5] * config.contrast
        cos, sin = self.angle.cos(), self.angle.sin()
        self._rotation = torch.stack([cos, -sin, sin, cos], 1).view(-1, 2, 2)

    def images(self, images: Tensor) -> Tensor:
        """Change (b, s, s) float images, 0 black to 1 white; outside becomes black."""
        device = images.device
        back = self._rotation.mT / self.scale[:, None, None]
        # grid coordinates run from -1 to 1, twice as far as those of the square
        offset = -(back @ (2 * self.shift[:, :, None]))
        theta = torch.cat([back, offset], 2).to(device)
        grid = affine_grid(theta, [len(images), 1, *images.shape[1:]], False)
        moved = grid_sample(images[:, None], grid, align_corners=False)[:, 0]
        contrast = self.contrast.to(device)[:, None, None]
        brightness = self.brightness.to(device)[:, None, None]
        return ((moved - 0.5) * contrast + 0.5 + brightness).clamp(0, 1)

    def points(self, xy: Tensor, image: Tensor) -> Tensor:
        """Move points as the images move.

        Args:
            xy: (f, 2) points, 0 to 1 over the square.
            image: (f,) int64, the image that each is on.

        Returns:
            (f, 2) moved points.
        """
        turn = (self._rotation * self.scale[:, None, None]).to(xy)[image]
        shift = self.shift.to(xy)[image]
        return (turn @ (xy - 0.5)[:, :, None])[:, :, 0] + 0.5 + shift

    def widths(self, sigma: Tensor, image: Tensor) -> Tensor:
        """Scale (f, 2) widths as the images are scaled; blur is taken to be round."""
        return sigma * self.scale.to(sigma)[image, None]
