"""A trained run as two functions from arrays to arrays."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.checkpoint import LoadedRun, load_model
from training.evaluation.held_out import ImageVectors, Vectors


class Towers:
    """The image and the text encoder of a run, without gradients."""

    def __init__(self, loaded: LoadedRun) -> None:
        self.objective: str = loaded.config.objective
        self._model = loaded.model
        if torch.cuda.is_available():
            self._model.to("cuda")
        self._model.eval()
        if self.objective == "clip" and loaded.config.clip.text_unit == "report":
            # trained on whole reports, so it must see as much of one as in training
            self._model.text_max_tokens = loaded.config.report_max_tokens
        self.description: dict[str, Any] = {
            "objective": self.objective,
            "seed": loaded.config.seed,
            "model": {
                key: loaded.info[key]
                for key in sorted(loaded.info)
                if isinstance(loaded.info[key], int | float | str)
            },
        }

    @torch.no_grad()
    def encode_image(self, images: NDArray[np.uint8]) -> ImageVectors:
        """Return the vectors of (b, s, s) gray levels."""
        found = self._model.encode_image(torch.from_numpy(images))
        return ImageVectors(
            tokens=_host(found.tokens),
            pooled=_host(found.pooled),
            grid=(int(found.grid[0]), int(found.grid[1])),
        )

    @torch.no_grad()
    def encode_text(self, texts: Sequence[str]) -> Vectors:
        """Return (k, d) unit vectors."""
        return _host(self._model.encode_text(texts))


def load_towers(run: Path) -> Towers:
    """Load a run for evaluation.

    Raises:
        InputError: `run` is not a run folder, or its model is damaged.
        VersionError: It was written in another version.
    """
    return Towers(load_model(run))


def _host(tensor: Tensor) -> Vectors:
    array: Vectors = tensor.detach().float().cpu().numpy()
    return array
