"""Look at every promise of the data set's format and say which are broken."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from capture.errors import InputError
from capture.findings import FINDINGS
from capture.progress import Progress, ProgressMode
from curation.dataset import read_document
from curation.disk import file_sha256
from curation.schema import (
    FINDING_COUNT,
    IDS,
    MASKS,
    QUALITY,
    SHARD_FORMAT,
    SHARD_VERSION,
    TABLES,
    TEXT,
    TEXTS,
    Reading,
    problems,
)
from curation.shard import ShardReader
from curation.splits import SPLITS

_MOST = 100
"""Problems of one shard that are listed; more say the same."""


def verify(folder: Path | str, *, progress: ProgressMode = "none") -> list[str]:
    """Check a data set.

    Args:
        folder: What `curate run` wrote.
        progress: How progress is shown.

    Returns:
        One line a problem, naming file, group and row; empty when all is well.

    Raises:
        InputError: There is no data set.
        VersionError: It was written in another version of the format.
    """
    folder = Path(folder)
    _, document = read_document(folder)
    tally, found = _Tally(), list[str]()
    with Progress("verify", len(document["shards"]), progress) as bar:
        for shard in document["shards"]:
            found += _shard(folder, shard, document, tally)
            bar.update()
    found += _extra_files(folder, document)
    found += [f"dataset.json: {line}" for line in _splits(document, tally)]
    found += [f"dataset.json: {line}" for line in _totals(document, tally)]
    return found


@dataclass(slots=True)
class _Tally:
    """What the shards hold, to be compared with what dataset.json says."""

    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys((*MASKS, *TABLES), 0)
    )
    owners: dict[str, str] = field(default_factory=dict)
    """Reading to the shard that holds it."""
    patients: dict[str, int] = field(default_factory=dict)
    """Patient to number of readings."""
    complete: bool = True
    """Every shard could be read; else counts are bound to differ."""

    def add(self, reading: Reading, shard: str) -> None:
        self.owners[reading.reading_id] = shard
        patient = reading.patient_id
        self.patients[patient] = self.patients.get(patient, 0) + 1
        for mask, value in reading.masks.items():
            self.counts[mask] += value
        for name, columns in TABLES.items():
            self.counts[name] += len(reading.table(name)[next(iter(columns))])


def _shard(
    folder: Path, entry: Mapping[str, Any], document: Mapping[str, Any], tally: _Tally
) -> list[str]:
    path = folder / str(entry["file"])
    if not path.is_file():
        tally.complete = False
        return [f"{path.name}: is not there"]
    found, size = [], path.stat().st_size
    if size != entry["bytes"]:
        found.append(f"{path.name}: {size} bytes, dataset.json says {entry['bytes']}")
    if file_sha256(path) != entry["sha256"]:
        found.append(f"{path.name}: sha256 differs from dataset.json")
    reader = ShardReader(path)
    try:
        broken = list(_structure(reader, entry, document))
        found += [f"{path.name}: {line}" for line in broken]
        for row in range(0 if broken else reader.readings):
            reading = reader.reading(row)
            prefix = f"{path.name}: row {row} ({reading.reading_id}): "
            found += [prefix + problem for problem in _row(reading, reader, tally)]
            tally.add(reading, path.name)
    except InputError as error:
        broken = [error.found]
        found.append(f"{path.name}: {error.found}")
    tally.complete &= not broken
    if len(found) > _MOST:
        found = [*found[:_MOST], f"{path.name}: … and {len(found) - _MOST} more"]
    return found


def _row(reading: Reading, reader: ShardReader, tally: _Tally) -> Iterator[str]:
    yield from problems(reading, reader.image_size)
    yield from _beyond_fixation(reading)
    if reading.reading_id in tally.owners:
        yield f"ids/reading_id: is also in {tally.owners[reading.reading_id]}"


def _structure(
    reader: ShardReader, entry: Mapping[str, Any], document: Mapping[str, Any]
) -> Iterator[str]:
    n, size = reader.readings, reader.image_size
    if reader.image_shape() != (n, size, size):
        yield f"image: shape {reader.image_shape()}, expected {(n, size, size)}"
    if n != entry["readings"]:
        yield f"{n} readings, dataset.json says {entry['readings']}"
    if size != document["image_size"]:
        yield f"image_size {size}, dataset.json says {document['image_size']}"
    expected: dict[str, tuple[tuple[int, ...], str]] = {
        "placement": ((n, 4), "<f4"),
        "image_size_px": ((n, 2), "<i4"),
        "labels": ((n, FINDING_COUNT), "<i1"),
        "label_source": ((n,), "<i1"),
        **{f"ids/{name}": ((n,), TEXT) for name in IDS},
        **{f"mask/{name}": ((n,), "?") for name in MASKS},
        **{f"text/{name}": ((n,), TEXT) for name in TEXTS},
        **{f"quality/{name}": ((n,), "<f4") for name in QUALITY},
    }
    for group, columns in TABLES.items():
        offsets = reader.column(f"{group}/offsets")
        if offsets.shape != (n + 1,) or offsets.dtype != np.int64:
            yield f"{group}/offsets: shape {offsets.shape}, expected {(n + 1,)}"
            continue
        total = len(reader.column(f"{group}/{next(iter(columns))}"))
        if offsets[0] != 0 or np.any(np.diff(offsets) < 0) or offsets[-1] != total:
            yield f"{group}/offsets: not rising from 0 to {total}"
        expected |= {f"{group}/{c}": ((total,), dtype) for c, dtype in columns.items()}
    for name, (shape, dtype) in expected.items():
        column = reader.column(name)
        if column.shape != shape:
            yield f"{name}: shape {column.shape}, expected {shape}"
        if column.dtype != (object if dtype == TEXT else np.dtype(dtype)):
            yield f"{name}: type {column.dtype}, expected {dtype}"
    for group in ("ids", "mask", "text", "quality", *TABLES):
        stamp = reader.attributes(group)
        if (stamp.get("format"), stamp.get("version")) != (
            f"{SHARD_FORMAT}/{group}",
            SHARD_VERSION,
        ):
            yield f"{group}: format or version missing"


def _beyond_fixation(reading: Reading) -> Iterator[str]:
    """A fixation cannot overlap a sentence for longer than it lasts."""
    pairs, fixations = reading.table("sentence_fixations"), reading.table("fixations")
    if np.any(pairs["fixation"] >= len(fixations["duration_s"])):
        return
    longest = fixations["duration_s"][pairs["fixation"]]
    if np.any(pairs["overlap_s"] > longest + 1e-5):
        yield "sentence_fixations/overlap_s: longer than the fixation"


def _splits(document: Mapping[str, Any], tally: _Tally) -> Iterator[str]:
    splits = document["splits"]
    if set(splits) != set(SPLITS):
        yield f"splits: {sorted(splits)}, expected {sorted(SPLITS)}"
    where: dict[str, str] = {}
    for name, split in splits.items():
        for patient in split["patients"]:
            if patient in where:
                yield f"splits: patient {patient} is in {where[patient]} and in {name}"
            where[patient] = name
    for patient in sorted(set(tally.patients) - set(where)):
        yield f"splits: patient {patient} is in no split"
    if not tally.complete:
        return
    for patient in sorted(set(where) - set(tally.patients)):
        yield f"splits: patient {patient} of {where[patient]} has no reading"
    for name, split in splits.items():
        count = sum(tally.patients.get(p, 0) for p in set(split["patients"]))
        if count != split["readings"]:
            yield f"splits/{name}: {count} readings, it says {split['readings']}"


def _totals(document: Mapping[str, Any], tally: _Tally) -> Iterator[str]:
    if list(document["findings"]) != list(FINDINGS):
        yield "findings: not the fourteen in their order"
    if not tally.complete:
        return
    if document.get("readings") != len(tally.owners):
        stated = document.get("readings")
        yield f"readings: {stated}, the shards hold {len(tally.owners)}"
    for name, total in tally.counts.items():
        stated = (document.get("counts") or {}).get(name)
        if stated != total:
            yield f"counts/{name}: {stated}, the shards hold {total}"
    accepted = [entry["reading_id"] for entry in document.get("accepted") or ()]
    for identity in sorted(set(accepted) - set(tally.owners)):
        yield f"accepted: {identity} is in no shard"


def _extra_files(folder: Path, document: Mapping[str, Any]) -> Iterator[str]:
    known = {str(shard["file"]) for shard in document["shards"]} | {"dataset.json"}
    for path in sorted(folder.glob("shard-*.h5")):
        if path.name not in known:
            yield f"{path.name}: is not in dataset.json"
