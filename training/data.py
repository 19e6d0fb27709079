"""Batches for training, read whole from a data set."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from capture.errors import ConfigError, RadgazeError
from curation.dataset import Dataset
from training.config import TrainConfig
from training.fixations import GazeTable
from training.objectives.base import TextUnit
from training.sampling import Ints

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_SECTIONS = ("findings", "impression")
_OTHER_SECTION = 2


class MissingFieldsError(RadgazeError):
    """A data set lacks what the chosen objective reads."""

    def __init__(self, dataset: str, objective: str, missing: Iterable[str]) -> None:
        self.dataset, self.objective = dataset, objective
        self.missing = sorted(missing)
        super().__init__(
            f"{dataset}: objective {objective!r} needs {', '.join(self.missing)}, "
            "which no reading of its training split holds; see what it holds with: "
            f"curate inspect {dataset}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Readings as tensors, before they are encoded."""

    rows: tuple[int, ...]
    """Row numbers in the data set."""
    images: Tensor
    """(b, s, s) uint8, letterboxed with 0."""
    token_ids: Tensor
    """(k, l) int64; every text once, however many readings share it."""
    token_mask: Tensor
    """(k, l) bool, False on padding."""
    text_index: Tensor
    """(b, m) int64, which of the k texts; 0 on padding."""
    text_mask: Tensor
    """(b, m) bool, False on padding."""
    study: Tensor
    """(b,) int64, equal for readings of one study."""
    has_gaze: Tensor
    """(b, m) bool, the text has fixations."""
    xy: Tensor
    """(f, 2) float32 fixations, 0 to 1 over the square."""
    sigma: Tensor
    """(f, 2) float32 one degree of visual angle, in sides of the square."""
    dwell_s: Tensor
    """(f,) float32 time on this fixation during its text."""
    fixation_image: Tensor
    """(f,) int64 in [0, b)."""
    fixation_text: Tensor
    """(f,) int64 in [0, b * m), the text that each belongs to."""


class TrainingData:
    """One split of a data set, with its texts tokenized once.

    Holds texts, tokens and fixations in memory as flat arrays; images stay in the
    memory-mapped shards.
    """

    def __init__(
        self,
        dataset: Dataset,
        split: str,
        tokenizer: "PreTrainedTokenizerBase",
        config: TrainConfig,
        text_unit: TextUnit,
    ) -> None:
        """Index a split.

        Raises:
            ConfigError: It is the test split, which no training may open.
        """
        if split == "test":
            raise ConfigError(
                "training never opens the split 'test': choose by 'validation' and "
                "measure with: train evaluate"
            )
        self.dataset, self.config, self.text_unit = dataset, config, text_unit
        rows = dataset.rows(split)
        texts = _texts_of(dataset, rows, text_unit, config.max_sentences)
        keep = np.array([len(found) > 0 for found in texts], dtype=bool)
        self.rows: Ints = rows[keep]
        self.left_out = int((~keep).sum())
        self.texts = [found for found in texts if len(found)]
        self._tokens, self._text_id = _tokenize(self, tokenizer)
        _, study = np.unique(dataset.ids("study_id").astype(str), return_inverse=True)
        self._study = study.astype(np.int64)
        self._gaze = GazeTable(dataset, self.rows, config)
        self.gaze_rows = self._gaze.rows

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, chosen: Sequence[int] | Ints, draw: int = 0) -> Batch:
        """Read a batch.

        Args:
            chosen: Positions within the split.
            draw: Seed of what is random about it: which sentence stands for an image.

        Returns:
            Tensors on the processor.
        """
        chosen = np.asarray(chosen, dtype=np.int64)
        rows = self.rows[chosen]
        texts = [self.texts[i] for i in chosen]
        if self.text_unit == "sentence":
            rng = np.random.default_rng([self.config.seed, draw])
            texts = [found[rng.integers(len(found))][None] for found in texts]
        width = max(len(found) for found in texts)
        index = np.zeros((len(rows), width), dtype=np.int64)
        mask = np.zeros((len(rows), width), dtype=bool)
        for i, found in enumerate(texts):
            index[i, : len(found)] = self._text_id[found]
            mask[i, : len(found)] = True
        unique, compact = np.unique(index[mask], return_inverse=True)
        index[mask] = compact
        token_ids, token_mask = _pad([self._tokens[i] for i in unique])
        fixations = self._gaze.of(rows, texts, width, self.text_unit)
        has_gaze = torch.zeros(mask.size, dtype=torch.bool)
        has_gaze[fixations["fixation_text"]] = True
        return Batch(
            rows=tuple(rows.tolist()),
            images=torch.from_numpy(self.dataset.image_batch(rows)),
            token_ids=token_ids,
            token_mask=token_mask,
            text_index=torch.from_numpy(index),
            text_mask=torch.from_numpy(mask),
            study=torch.from_numpy(self._study[rows]),
            has_gaze=has_gaze.view(mask.shape),
            **fixations,
        )


def training_texts(dataset: Dataset) -> list[str]:
    """Return every sentence of the training split, for a tokenizer to learn from."""
    text, first = dataset.ragged("sentences", "text")
    return [
        str(one)
        for row in dataset.rows("train").tolist()
        for one in text[first[row] : first[row + 1]]
    ]


def _texts_of(dataset: Dataset, rows: Ints, unit: TextUnit, most: int) -> list[Ints]:
    """Positions of each row's texts: sentences of the data set, or the row itself."""
    if unit == "report":
        has = dataset.mask("has_report")
        return [np.array([row] if has[row] else [], dtype=np.int64) for row in rows]
    section, first = dataset.ragged("sentences", "section")
    found = []
    for row in rows.tolist():
        own = np.arange(first[row], first[row + 1])
        described = own[section[own] != _OTHER_SECTION]
        found.append((described if len(described) else own)[:most])
    return found


def _tokenize(
    data: TrainingData, tokenizer: "PreTrainedTokenizerBase"
) -> tuple[list[list[int]], Ints]:
    """Tokenize each different text once; also the number of each text position."""
    if data.text_unit == "report":
        values, limit = report_texts(data.dataset), data.config.report_max_tokens
    else:
        values = data.dataset.ragged("sentences", "text")[0]
        limit = data.config.text_max_tokens
    used = np.unique(np.concatenate([np.zeros(0, np.int64), *data.texts]))
    number = np.zeros(len(values), dtype=np.int64)
    unique, inverse = np.unique(values[used].astype(str), return_inverse=True)
    number[used] = inverse
    if not len(unique):
        return [], number
    encoded = tokenizer(
        unique.tolist(),
        truncation=True,
        max_length=limit,
        padding=False,
        return_attention_mask=False,
        return_token_type_ids=False,
    )
    return list(encoded["input_ids"]), number


def report_texts(dataset: Dataset) -> NDArray[Any]:
    """Join findings and impression of every row; the whole report where neither is."""
    parts = [(dataset.text(n), dataset.mask(f"has_{n}")) for n in _SECTIONS]
    whole = dataset.text("report")
    joined = np.empty(len(dataset), dtype=object)
    for row in range(len(dataset)):
        found = [str(text[row]) for text, has in parts if has[row]]
        joined[row] = " ".join(found) if found else str(whole[row])
    return joined


def _pad(tokens: list[list[int]]) -> tuple[Tensor, Tensor]:
    width = max(len(ids) for ids in tokens)
    ids = torch.zeros(len(tokens), width, dtype=torch.long)
    mask = torch.zeros(len(tokens), width, dtype=torch.bool)
    for i, found in enumerate(tokens):
        ids[i, : len(found)] = torch.tensor(found)
        mask[i, : len(found)] = True
    return ids, mask
