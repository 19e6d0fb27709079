"""The fixations of a split by sentence, and the controls that falsify them."""

import numpy as np
import torch
from torch import Tensor

from curation.dataset import Dataset
from training.config import TrainConfig
from training.gaze import sigma_to_square, to_square
from training.objectives.base import TextUnit
from training.sampling import Ints, derange, nested_subset

_FIXATION_COLUMNS = ("x", "y", "sigma_x", "sigma_y")
_PRIOR_FIXATIONS = 256


class GazeTable:
    """Fixations of the chosen readings, by sentence."""

    def __init__(self, dataset: Dataset, rows: Ints, config: TrainConfig) -> None:
        self.side_px = dataset.image_size
        self.control = config.gaze_control
        self.placement = dataset.placement()
        self.sentence_first = dataset.ragged("sentences", "section")[1]
        fixation_first = dataset.ragged("fixations", "x")[1]
        sentence, self.first = dataset.ragged("sentence_fixations", "sentence")
        fixation = dataset.ragged("sentence_fixations", "fixation")[0]
        self.overlap_s = dataset.ragged("sentence_fixations", "overlap_s")[0]
        owner = np.repeat(np.arange(len(dataset)), np.diff(self.first))
        self.sentence = sentence.astype(np.int64) + self.sentence_first[owner]
        at = fixation.astype(np.int64) + fixation_first[owner]
        columns = {c: dataset.ragged("fixations", c)[0][at] for c in _FIXATION_COLUMNS}
        placement = torch.from_numpy(self.placement[owner].astype(np.float32))
        xy = torch.from_numpy(np.stack([columns["x"], columns["y"]], 1))
        sigma = torch.from_numpy(np.stack([columns["sigma_x"], columns["sigma_y"]], 1))
        self.xy = to_square(xy.float(), placement, self.side_px).numpy()
        self.sigma = sigma_to_square(sigma.float(), placement, self.side_px).numpy()
        with_gaze = rows[np.diff(self.first)[rows] > 0]
        self.rows = nested_subset(
            with_gaze, dataset.ids("reading_id"), config.gaze_fraction, config.seed
        )
        self._allowed = np.zeros(len(dataset), dtype=bool)
        self._allowed[self.rows] = True
        rng = np.random.default_rng([config.seed, 1])
        self._donor = dict(
            zip(self.rows.tolist(), derange(self.rows, rng), strict=True)
        )
        pool = np.concatenate([np.arange(0), *(self._span(r) for r in self.rows)])
        size = min(_PRIOR_FIXATIONS, len(pool))
        self._prior = np.sort(rng.choice(pool, size, replace=False)).astype(np.int64)

    def of(
        self, rows: Ints, texts: list[Ints], width: int, unit: TextUnit
    ) -> dict[str, Tensor]:
        """Collect the fixations of a batch, and where each belongs."""
        entries, images, slots = [], [], []
        for i, (row, found) in enumerate(zip(rows.tolist(), texts, strict=True)):
            if not self._allowed[row] or unit == "report":
                continue
            entry, slot = self._of_row(row, found)
            entries.append(entry)
            slots.append(slot + i * width)
            images.append(np.full(len(entry), i))
        at = np.concatenate([np.zeros(0, np.int64), *entries])
        return {
            "xy": torch.from_numpy(self.xy[at]),
            "sigma": torch.from_numpy(self.sigma[at]),
            "dwell_s": torch.from_numpy(self.overlap_s[at].astype(np.float32)),
            "fixation_image": _join(images),
            "fixation_text": _join(slots),
        }

    def _span(self, row: int) -> Ints:
        return np.arange(self.first[row], self.first[row + 1])

    def _of_row(self, row: int, found: Ints) -> tuple[Ints, Ints]:
        own = self._span(row)
        slot = _slot_of(self.sentence[own], found)
        if self.control == "none":
            return own[slot >= 0], slot[slot >= 0]
        gazed = np.unique(slot[slot >= 0])
        if self.control == "prior":
            entry = np.tile(self._prior, len(gazed))
            return entry, np.repeat(gazed, len(self._prior))
        other = self._span(self._donor[row])
        lent = np.unique(self.sentence[other])
        parts = [
            other[self.sentence[other] == lent[k % len(lent)]]
            for k in range(len(gazed))
        ]
        sizes = [len(part) for part in parts]
        entry = np.concatenate([np.zeros(0, np.int64), *parts])
        return entry, np.repeat(gazed, sizes)


def _slot_of(sentence: Ints, found: Ints) -> Ints:
    """Position in sorted `found` of each sentence, -1 where it is not there."""
    at = np.searchsorted(found, sentence).clip(max=len(found) - 1)
    return np.where(found[at] == sentence, at, -1)


def _join(parts: list[Ints]) -> Tensor:
    return torch.from_numpy(np.concatenate([np.zeros(0, np.int64), *parts]))
