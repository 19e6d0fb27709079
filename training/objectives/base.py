"""What every pretraining objective is: a loss over a batch of encoded readings."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Literal, Self

import torch
from torch import Tensor, nn

from training.config import TrainConfig

TextUnit = Literal["report", "sentence", "sentences"]
"""What a reading brings as text: its report, one sentence, or every sentence."""

LOG_SCALE_START = math.log(1 / 0.07)
LOG_SCALE_MAX = math.log(100)


class Objective(nn.Module, ABC):
    """A loss over one batch, with the heads and temperatures it learns.

    A batch holds encoded readings, in float32 and with unit vectors:

    - `patches` (b, n, d) and `pooled` (b, d): the image.
    - `texts` (b, m, d) and `text_mask` (b, m) bool: its texts, padded; any may be none.
    - `study` (b,) int64: equal where two readings are of one study.
    - `gaze_grid` (b, m, n) dwell seconds on every patch during every sentence, and
      `has_gaze` (b, m) bool: present if the objective reads gaze.
    """

    fields: ClassVar[frozenset[str]]
    """Shard arrays it reads besides the image; a shard without them is refused."""

    text_unit: TextUnit
    """Which texts the loader gives it."""

    def __init__(self) -> None:
        super().__init__()
        # shape (1,): sharded training refuses parameters without a dimension
        self.logit_scale = nn.Parameter(torch.tensor([LOG_SCALE_START]))

    @classmethod
    @abstractmethod
    def from_config(cls, config: TrainConfig) -> Self:
        """Build it with its own part of a run's settings."""

    @abstractmethod
    def forward(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return scalar terms by name: `loss` is minimized, the rest are logged."""

    @property
    def scale(self) -> Tensor:
        """What cosines are multiplied with, shape (1,)."""
        return self.logit_scale.float().exp()

    @torch.no_grad()
    def clamp(self) -> None:
        """Keep the scale within 1 and 100; called once after every step."""
        self.logit_scale.clamp_(0, LOG_SCALE_MAX)


def require_two(batch: Mapping[str, Tensor]) -> None:
    """Refuse a batch in which an image has no other to be compared with.

    Raises:
        ValueError: It holds fewer than 2 images.
    """
    if len(batch["pooled"]) < 2:
        raise ValueError(
            f"a batch must hold at least 2 images, got {len(batch['pooled'])}"
        )
