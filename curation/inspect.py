"""What a data set holds, in numbers."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from curation.dataset import open_dataset
from curation.schema import MASKS, NOT_STATED, QUALITY, TABLES


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """Numbers of a data set; `as_dict` of it is what `--json` prints."""

    folder: str
    identity: str
    readings: int
    image_size: int
    shards: int
    bytes: int
    patients: int
    readers: int
    splits: dict[str, dict[str, int]]
    holds: dict[str, int]
    """Rows that have something, by mask."""
    tables: dict[str, int]
    """Rows of the ragged tables."""
    labels: dict[str, dict[str, int]]
    """Present, absent, uncertain and not stated, by finding."""
    quality: dict[str, float | None]
    """Medians over the rows with gaze."""
    policy: dict[str, Any]
    rejected: int
    """Readings and whole sessions that are not in the data set."""
    rejected_for: dict[str, int]
    """How many had each reason, the most frequent first; `…` stands for numbers."""


def inspect(folder: Path) -> Inspection:
    """Sum a data set up.

    Raises:
        InputError: It is no data set, or incomplete.
        VersionError: It was written in another version of the format.
    """
    dataset = open_dataset(folder)
    document = dataset.document
    readers = dataset.ids("reader_id")[dataset.mask("has_reader")]
    return Inspection(
        folder=str(folder),
        identity=dataset.identity,
        readings=len(dataset),
        image_size=dataset.image_size,
        shards=len(dataset.shards),
        bytes=sum(shard["bytes"] for shard in document["shards"]),
        patients=len(set(dataset.ids("patient_id"))),
        readers=len(set(readers)),
        splits={
            name: {"patients": len(split["patients"]), "readings": split["readings"]}
            for name, split in document["splits"].items()
        },
        holds={name: int(dataset.mask(name).sum()) for name in MASKS},
        tables={
            name: int(dataset.ragged(name, _first(name))[1][-1]) for name in TABLES
        },
        labels={
            finding: _label_counts(dataset.labels[:, i])
            for i, finding in enumerate(dataset.findings)
        },
        quality={name: _median(dataset.column(f"quality/{name}")) for name in QUALITY},
        policy=dict(document.get("policy") or {}),
        rejected=len(document.get("rejected") or ()),
        rejected_for=_reasons(document.get("rejected") or ()),
    )


def _reasons(rejected: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Count reasons that differ in their numbers as one."""
    reasons = (reason for entry in rejected for reason in entry["reasons"])
    counts = Counter(re.sub(r"\d+(?:\.\d+)?", "…", reason) for reason in reasons)
    return dict(sorted(counts.items(), key=lambda count: (-count[1], count[0])))


def _first(table: str) -> str:
    return next(iter(TABLES[table]))


def _label_counts(column: np.ndarray[Any, np.dtype[np.int8]]) -> dict[str, int]:
    names = {"present": 1, "absent": 0, "uncertain": -1, "not_stated": NOT_STATED}
    return {name: int((column == value).sum()) for name, value in names.items()}


def _median(column: np.ndarray[Any, np.dtype[np.float32]]) -> float | None:
    known = column[np.isfinite(column)]
    return float(np.median(known)) if len(known) else None
