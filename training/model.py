"""The model that is pretrained: two encoders and the space they share."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, normalize

from training.encoders import TextEncoder, VisionEncoder

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class ImageFeatures(NamedTuple):
    """Images in the shared space."""

    tokens: Tensor
    """(b, n, d) unit vectors, one per patch, rows of the grid first."""
    pooled: Tensor
    """(b, d) unit vectors, one per image."""
    grid: tuple[int, int]
    """Rows and columns of patches; n is their product."""


class ImageTextModel(nn.Module):
    """Image and text encoder with a bias-free projection each to unit vectors.

    Patches and pooled image share one projection, so that an objective which only ever
    sees patches trains the pooled vector too.
    """

    def __init__(
        self,
        vision: VisionEncoder,
        text: TextEncoder,
        tokenizer: "PreTrainedTokenizerBase",
        *,
        joint_dim: int,
        image_size: int,
        text_max_tokens: int = 64,
    ) -> None:
        super().__init__()
        self.vision, self.text, self.tokenizer = vision, text, tokenizer
        self.image_size, self.text_max_tokens = image_size, text_max_tokens
        self.joint_dim = joint_dim
        image_width, text_width = self._widths()
        self.image_projection = nn.Linear(image_width, joint_dim, bias=False)
        self.text_projection = nn.Linear(text_width, joint_dim, bias=False)
        for layer in (self.image_projection, self.text_projection):
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5)

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return self.image_projection.weight.device

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches at `image_size`."""
        was_training = self.vision.training
        self.vision.eval()
        with torch.no_grad():
            blank = torch.zeros(1, self.image_size, self.image_size, device=self.device)
            grid = self.vision(blank).grid
        self.vision.train(was_training)
        return (int(grid[0]), int(grid[1]))

    def encode_image(self, images: Tensor) -> ImageFeatures:
        """Map images to the shared space.

        Args:
            images: (b, s, s) uint8, or float from 0 black to 1 white; any square size,
                brought to `image_size`.

        Returns:
            Unit vectors of patches and images.

        Raises:
            ValueError: `images` is not a stack of squares.
        """
        if images.ndim != 3 or images.shape[1] != images.shape[2]:
            raise ValueError(f"images must have shape (b, s, s), got {images.shape}")
        images = images.to(self.device)
        if not images.is_floating_point():
            images = images.float() / 255
        if images.shape[-1] != self.image_size:
            size = (self.image_size, self.image_size)
            images = interpolate(
                images[:, None], size, mode="bilinear", antialias=True
            )[:, 0]
        features = self.vision(images)
        return ImageFeatures(
            normalize(self.image_projection(features.tokens).float(), dim=-1),
            normalize(self.image_projection(features.pooled).float(), dim=-1),
            features.grid,
        )

    def encode_tokens(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Map tokenized text to the shared space.

        Args:
            ids: (k, l) token ids.
            mask: (k, l) bool, False on padding.

        Returns:
            (k, d) unit vectors.
        """
        hidden = self.text(ids.to(self.device), mask.to(self.device))
        return normalize(self.text_projection(hidden).float(), dim=-1)

    def encode_text(self, texts: Sequence[str], *, batch_size: int = 256) -> Tensor:
        """Map sentences to the shared space.

        Args:
            texts: k sentences; one longer than `text_max_tokens` is cut.
            batch_size: Sentences per pass.

        Returns:
            (k, d) unit vectors; a sentence's vector does not depend on its neighbors.
        """
        if not texts:
            return torch.zeros(0, self.joint_dim, device=self.device)
        parts = [
            self.encode_tokens(*self._tokenize(texts[start : start + batch_size]))
            for start in range(0, len(texts), batch_size)
        ]
        return torch.cat(parts)

    def _tokenize(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        found = self.tokenizer(
            list(texts),
            padding=True,
            truncation=True,
            max_length=self.text_max_tokens,
            return_tensors="pt",
        )
        return found["input_ids"], found["attention_mask"].bool()

    def _widths(self) -> tuple[int, int]:
        was_training = self.training
        self.eval()
        with torch.no_grad():
            side = self.image_size
            device = next(self.vision.parameters()).device
            image = self.vision(torch.zeros(1, side, side, device=device)).tokens
            one = torch.ones(1, 1, dtype=torch.long, device=device)
            text = self.text(one, one.bool())
        self.train(was_training)
        return int(image.shape[-1]), int(text.shape[-1])
