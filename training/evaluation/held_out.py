"""What an evaluation looks at: the rows of one split, as the model sees them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from capture.errors import InputError, UnknownNameError
from capture.progress import Progress, ProgressMode
from curation.dataset import Dataset

Vectors = NDArray[np.float32]

SIMILARITY: dict[str, str] = {"egma": "patchmax", "clip": "pooled"}
"""Objective to the image vector that its loss trains, declared before any result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageVectors:
    """Images as unit vectors in the space they share with text."""

    tokens: Vectors
    """(n, p, d) patch vectors, row-major over the grid."""
    pooled: Vectors
    """(n, d) whole-image vectors."""
    grid: tuple[int, int]
    """Patches down and across."""


class Encoder(Protocol):
    """The two towers of a trained model, as plain arrays."""

    def encode_image(self, images: NDArray[np.uint8]) -> ImageVectors:
        """Return the vectors of (b, s, s) gray levels."""

    def encode_text(self, texts: Sequence[str]) -> Vectors:
        """Return (k, d) unit vectors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """Rows of one split with their image vectors, and a way to embed text."""

    model: Encoder
    """Already on its device, in evaluation mode."""
    objective: str
    """What the model was trained with: decides the headline similarity."""
    dataset: Dataset
    """The open data set."""
    rows: NDArray[np.int64]
    """(n,) global rows of the split."""
    images: ImageVectors
    """Vectors of those rows, in their order."""
    batch_size: int
    """Images or texts through the model at once."""
    resamples: int
    """Bootstrap samples over patients."""
    seed: int
    """Fixes bootstrap and shuffles."""

    @property
    def headline(self) -> str:
        """The similarity declared for this objective: `pooled` or `patchmax`."""
        return SIMILARITY.get(self.objective, "pooled")

    def ids(self, name: str) -> NDArray[np.str_]:
        """Pseudonymous ids of the rows: patient_id, study_id, image_id, ..."""
        return np.asarray(self.dataset.ids(name), dtype=str)[self.rows]

    def mask(self, name: str) -> NDArray[np.bool_]:
        """(n,) what the rows hold, for example `has_report`."""
        return np.asarray(self.dataset.mask(name), dtype=bool)[self.rows]

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts, each different one once.

        Returns:
            (k, d) unit vectors in the order of `texts`.
        """
        unique, back = np.unique(np.asarray(texts, dtype=object), return_inverse=True)
        known = [str(text) for text in unique]
        parts = [
            self.model.encode_text(known[i : i + self.batch_size])
            for i in range(0, len(known), self.batch_size)
        ]
        return np.concatenate(parts)[back]


def hold_out(
    model: Encoder,
    dataset: Dataset,
    *,
    objective: str,
    split: str,
    batch_size: int = 64,
    resamples: int = 2000,
    seed: int = 0,
    progress: ProgressMode = "none",
) -> HeldOut:
    """Encode the images of a split once, for every task that follows.

    Raises:
        UnknownNameError: The data set has no split of this name.
        InputError: The split holds no reading.
    """
    if split not in dataset.document["splits"]:
        raise UnknownNameError("split", split, dataset.document["splits"])
    rows = np.asarray(dataset.rows(split), dtype=np.int64)
    if not len(rows):
        raise InputError(
            dataset.folder,
            f"the split {split!r} holds no reading",
            "curate more patients, or name another split with --split",
        )
    images = _encode(model, dataset, rows, batch_size, progress)
    return HeldOut(
        model=model,
        objective=objective,
        dataset=dataset,
        rows=rows,
        images=images,
        batch_size=batch_size,
        resamples=resamples,
        seed=seed,
    )


def join(parts: Sequence[ImageVectors]) -> ImageVectors:
    """Put batches of image vectors behind one another."""
    return ImageVectors(
        tokens=np.concatenate([part.tokens for part in parts]),
        pooled=np.concatenate([part.pooled for part in parts]),
        grid=parts[0].grid,
    )


def _encode(
    model: Encoder,
    dataset: Dataset,
    rows: NDArray[np.int64],
    batch_size: int,
    progress: ProgressMode,
) -> ImageVectors:
    parts = []
    with Progress("encode images", len(rows), progress) as bar:
        for start in range(0, len(rows), batch_size):
            batch = rows[start : start + batch_size]
            parts.append(model.encode_image(dataset.image_batch(batch)))
            bar.update(len(batch))
    return join(parts)
