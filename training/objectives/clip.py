"""CLIP on images and reports: the control without gaze. Radford et al., ICML 2021.

arXiv:2103.00020; for radiographs Zhang et al., ConVIRT, 2020, arXiv:2010.00747.
"""

import math
from collections.abc import Mapping
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from training.config import ClipConfig, TrainConfig
from training.objectives.base import Objective, require_two
from training.objectives.contrastive import info_nce, same_study, siglip


class Clip(Objective):
    """Contrast of the pooled image with the text of its reading."""

    fields: ClassVar[frozenset[str]] = frozenset({"report"})

    def __init__(self, config: ClipConfig | None = None) -> None:
        super().__init__()
        self.config = config or ClipConfig()
        self.text_unit = self.config.text_unit
        if self.config.loss == "siglip":
            with torch.no_grad():
                self.logit_scale.fill_(math.log(10))
            self.logit_bias = nn.Parameter(torch.tensor([-10.0]))

    @classmethod
    def from_config(cls, config: TrainConfig) -> Self:
        """Build it with the settings `clip` of a run."""
        return cls(config.clip)

    def forward(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the loss and the number of images with text."""
        require_two(batch)
        present = batch["text_mask"][:, 0]
        similarity = batch["pooled"].float() @ batch["texts"][:, 0].float().T
        positives = self._positives(batch["study"])
        if self.config.loss == "siglip":
            loss = siglip(similarity, positives, present, self.scale, self.logit_bias)
        else:
            loss = symmetric(self.scale * similarity, positives, present)
        return {"loss": loss, "images_with_text": present.sum()}

    def _positives(self, study: Tensor) -> Tensor:
        if self.config.positives == "study":
            return same_study(study)
        return torch.eye(len(study), dtype=torch.bool, device=study.device)


def symmetric(logits: Tensor, positives: Tensor, present: Tensor) -> Tensor:
    """Average the losses of finding the text of an image and the image of a text.

    Args:
        logits: (b, b) scaled similarities, images in rows.
        positives: (b, b) bool, symmetric.
        present: (b,) bool; images without text take no part.

    Returns:
        () loss, in nats.
    """
    image_to_text = info_nce(logits, positives, present)
    text_to_image = info_nce(logits.T, positives, present)
    return (image_to_text + text_to_image) / 2
