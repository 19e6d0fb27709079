"""One step: from a batch of readings to the terms of the loss."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from training.augment import Augmentation
from training.config import AugmentConfig
from training.data import Batch
from training.gaze import render_gaze
from training.model import ImageTextModel
from training.objectives.base import Objective

_TENSORS = (
    "token_ids",
    "token_mask",
    "text_index",
    "text_mask",
    "study",
    "has_gaze",
    "xy",
    "sigma",
    "dwell_s",
    "fixation_image",
    "fixation_text",
)


class TrainStep(nn.Module):
    """Model and objective as one module, so that one wrapper moves and shares both."""

    def __init__(self, model: ImageTextModel, objective: Objective) -> None:
        super().__init__()
        self.model, self.objective = model, objective

    def forward(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Encode a batch and compute its loss.

        Args:
            inputs: What `augmented` or `plain` returned.

        Returns:
            Scalars; `loss` is minimized.
        """
        features = self.model.encode_image(inputs["images"])
        unique = self.model.encode_tokens(inputs["token_ids"], inputs["token_mask"])
        encoded = {
            "patches": features.tokens,
            "pooled": features.pooled,
            "texts": unique[inputs["text_index"]],
            "text_mask": inputs["text_mask"],
            "study": inputs["study"],
        }
        if "fixations" in self.objective.fields:
            encoded |= gaze_entries(inputs, features.grid)
        with torch.autocast(features.pooled.device.type, enabled=False):
            terms: dict[str, Tensor] = self.objective(encoded)
        return terms


class Taken:
    """A step under way: its losses are on their way to the processor."""

    def __init__(
        self, step: int, batch: Batch, terms: dict[str, Tensor], learning_rate: float
    ) -> None:
        """Begin to fetch the losses.

        Args:
            step: Which step, from 0.
            batch: What it was taken on.
            terms: Scalars, on any device; at least one.
            learning_rate: The pace it was taken at.
        """
        self.step, self.batch, self.learning_rate = step, batch, learning_rate
        self._names = list(terms)
        found = torch.stack([v.detach().float().reshape(()) for v in terms.values()])
        # asking an accelerator for a number would wait until it has nothing left to do
        self._found = found.to("cpu", non_blocking=found.is_cuda)
        self._ready: Any = None
        if found.is_cuda:
            self._ready = torch.cuda.current_stream(found.device).record_event()

    def values(self) -> dict[str, float]:
        """Wait for the losses, and return them by name."""
        if self._ready is not None:
            self._ready.synchronize()
        return dict(zip(self._names, self._found.tolist(), strict=True))


def gaze_entries(
    inputs: Mapping[str, Tensor], grid: tuple[int, int]
) -> dict[str, Tensor]:
    """Render the fixations of a batch on the patch grid.

    Args:
        inputs: What `augmented` or `plain` returned.
        grid: Rows and columns of patches.

    Returns:
        `gaze_grid` (b, m, n) seconds and `has_gaze` (b, m) bool, False also where every
        fixation lies off the image.
    """
    images, texts = inputs["text_mask"].shape
    maps = render_gaze(
        inputs["xy"],
        inputs["sigma"],
        inputs["dwell_s"],
        inputs["fixation_text"],
        images * texts,
        grid,
    ).view(images, texts, -1)
    seen = inputs["has_gaze"] & (maps.amax(2) > 1e-6)
    return {"gaze_grid": maps, "has_gaze": seen}


def plain(batch: Batch, device: torch.device) -> dict[str, Tensor]:
    """Move a batch to the device, images as floats from 0 to 1."""
    inputs = {
        name: getattr(batch, name).to(device, non_blocking=True) for name in _TENSORS
    }
    return inputs | {"images": batch.images.to(device).float() / 255}


def augmented(
    batch: Batch, config: AugmentConfig, device: torch.device
) -> dict[str, Tensor]:
    """Move a batch to the device and change its images and gaze at random.

    The changes are drawn from torch's own generator on the processor.
    """
    inputs = plain(batch, device)
    change = Augmentation(config, len(batch.rows), torch.default_generator)
    inputs["images"] = change.images(inputs["images"])
    inputs["xy"] = change.points(inputs["xy"], inputs["fixation_image"])
    inputs["sigma"] = change.widths(inputs["sigma"], inputs["fixation_image"])
    return inputs
