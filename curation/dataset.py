"""A data set: shards, the patients of each split, and how it was made."""

import contextlib
import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capture.errors import InputError, VersionError
from capture.findings import FINDINGS
from curation.disk import disk_full, file_sha256, write_json
from curation.schema import MASKS, TABLES, Column, Reading
from curation.shard import Ragged, ShardReader, ShardWriter
from curation.splits import split_patients

DATASET_FORMAT, DATASET_VERSION = "radgaze-dataset", 1
SHARD_BYTES = 2**30
"""Images of one shard, unless a number of readings is asked for."""


class DatasetWriter:
    """Streams readings into shards; the folder appears when everything is complete.

    Use as a context manager: leaving it without `finish` drops what was written and
    leaves an earlier data set of the same name untouched.
    """

    def __init__(
        self, folder: Path, *, image_size: int, readings_per_shard: int | None = None
    ) -> None:
        """Start in a hidden folder beside `folder`.

        Raises:
            InputError: `folder` holds something else than a data set.
            DiskFullError: No space is left.
        """
        check_target(folder)
        folder = folder.resolve()  # of a link, what it points to is replaced
        self.folder, self.image_size = folder, image_size
        self.limit = readings_per_shard or max(1, SHARD_BYTES // image_size**2)
        self._partial = folder.with_name(f".{folder.name}.partial")
        with disk_full(folder):
            shutil.rmtree(self._partial, ignore_errors=True)
            self._partial.mkdir(parents=True)
        self._shard: ShardWriter | None = None
        self._shards: list[dict[str, object]] = []
        self._patients: dict[str, int] = {}
        self._ids: set[str] = set()
        self._counts: dict[str, int] = dict.fromkeys((*MASKS, *TABLES), 0)

    def __enter__(self) -> "DatasetWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.abort()

    def add(self, reading: Reading) -> None:
        """Append a row.

        Raises:
            ValueError: The reading breaks a rule of the format, or its id is used.
            DiskFullError: No space is left.
        """
        if reading.reading_id in self._ids:
            raise ValueError(f"reading {reading.reading_id!r} was added before")
        if self._shard is None:
            name = f"shard-{len(self._shards):05d}.h5"
            self._shard = ShardWriter(self._partial / name, self.image_size)
        self._shard.add(reading)
        self._ids.add(reading.reading_id)
        self._patients[reading.patient_id] = (
            self._patients.get(reading.patient_id, 0) + 1
        )
        for mask, value in reading.masks.items():
            self._counts[mask] += value
        for name, columns in TABLES.items():
            self._counts[name] += len(reading.table(name)[next(iter(columns))])
        if self._shard.count == self.limit:
            self._close_shard()

    def finish(
        self,
        *,
        split_seed: int = 0,
        split_shares: tuple[float, float, float] = (0.7, 0.1, 0.2),
        **provenance: object,
    ) -> Path:
        """Write dataset.json and put the folder in its place.

        Args:
            split_seed: Another seed is another division into splits.
            split_shares: Of train, validation and test patients.
            **provenance: Further entries of dataset.json: config, policy, created_by,
                accepted, rejected.

        Returns:
            The folder.

        Raises:
            InputError: No reading was added.
            DiskFullError: No space is left.
        """
        if not self._ids:
            raise InputError(self.folder, "no reading to write", "nothing was written")
        if self._shard is not None:
            self._close_shard()
        splits = split_patients(self._patients, seed=split_seed, shares=split_shares)
        document = {
            "format": DATASET_FORMAT,
            "version": DATASET_VERSION,
            "image_size": self.image_size,
            "readings": len(self._ids),
            "shards": self._shards,
            "splits": {
                name: {
                    "patients": patients,
                    "readings": sum(self._patients[p] for p in patients),
                }
                for name, patients in splits.items()
            },
            "split_seed": split_seed,
            "counts": self._counts,
            "findings": list(FINDINGS),
            **provenance,
        }
        with disk_full(self.folder):
            write_json(self._partial / "dataset.json", document)
            _swap(self._partial, self.folder)
        return self.folder

    def abort(self) -> None:
        """Drop what is not finished."""
        if self._shard is not None:
            self._shard.abort()
            self._shard = None
        shutil.rmtree(self._partial, ignore_errors=True)

    def _close_shard(self) -> None:
        shard = self._shard
        if shard is None:
            return
        shard.close()
        self._shard = None
        self._shards.append(
            {
                "file": shard.path.name,
                "readings": shard.count,
                "bytes": shard.path.stat().st_size,
                "sha256": file_sha256(shard.path),
            }
        )


class Dataset:
    """Reads a data set at the speed of a memory map; rows count over all shards.

    Nothing is open until it is used, and it can be pickled to a worker process.
    """

    def __init__(
        self, folder: Path, document: Mapping[str, Any], identity: str
    ) -> None:
        self.folder, self.document, self.identity = folder, document, identity
        self.image_size: int = document["image_size"]
        self.findings: tuple[str, ...] = tuple(document["findings"])
        self.shards = [ShardReader(folder / s["file"]) for s in document["shards"]]
        counts = [shard["readings"] for shard in document["shards"]]
        self._first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self._cache: dict[str, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_cache": {}}

    def __len__(self) -> int:
        return int(self._first[-1])

    def rows(self, split: str | None = None) -> NDArray[np.int64]:
        """Return the row numbers of a split, or all; sorted.

        Raises:
            ValueError: No split has this name.
        """
        if split is None:
            return np.arange(len(self))
        if split not in self.document["splits"]:
            raise ValueError(f"no split {split!r}; known: {[*self.document['splits']]}")
        patients = set(self.document["splits"][split]["patients"])
        return np.flatnonzero([p in patients for p in self.ids("patient_id")])

    def image_batch(self, rows: Sequence[int] | NDArray[Any]) -> NDArray[np.uint8]:
        """Copy (b, s, s) gray levels out of the shards, in the order of `rows`."""
        rows = np.asarray(rows, dtype=np.int64)
        out = np.empty((len(rows), self.image_size, self.image_size), np.uint8)
        if len(self.shards) == 1:
            self.shards[0].images_into(rows, out)
            return out
        owner = np.searchsorted(self._first, rows, side="right") - 1
        for shard in np.unique(owner).tolist():
            at = np.flatnonzero(owner == shard)
            out[at] = self.shards[shard].images(rows[at] - self._first[shard])
        return out

    def reading(self, row: int) -> Reading:
        """Put one row back together with all that belongs to it."""
        shard = int(np.searchsorted(self._first, row, side="right")) - 1
        return self.shards[shard].reading(int(row - self._first[shard]))

    def column(self, name: str) -> Column:
        """Read one value a row, for example `labels` or `quality/valid_share`."""
        if name not in self._cache:
            parts = [shard.column(name) for shard in self.shards]
            self._cache[name] = np.concatenate(parts)
        column: Column = self._cache[name]
        return column

    def ragged(self, group: str, column: str) -> Ragged:
        """Read a column of a ragged table over all rows.

        Args:
            group: `sentences`, `words`, `fixations`, `sentence_fixations`, `mentions`
                or `regions`.
            column: Name of the column; indices count within a row's own reading.

        Returns:
            Flat values (an object array of str for text), and (n + 1,) offsets: row i
            owns `values[offsets[i]:offsets[i + 1]]`.
        """
        key = f"{group}/offsets"
        if key not in self._cache:
            sizes = [np.diff(shard.column(key)) for shard in self.shards]
            self._cache[key] = np.concatenate([[0], np.cumsum(np.concatenate(sizes))])
        return self.column(f"{group}/{column}"), self._cache[key]

    def placement(
        self, rows: Sequence[int] | NDArray[Any] | None = None
    ) -> NDArray[np.float32]:
        """Left, top, width, height of the originals in shard pixels, (b, 4)."""
        values: NDArray[np.float32] = self.column("placement")
        return values if rows is None else values[rows]

    def text(self, name: str) -> Column:
        """Texts of `report`, `findings` or `impression`; see the mask of that name."""
        return self.column(f"text/{name}")

    def mask(self, name: str) -> NDArray[np.bool_]:
        """(n,) whether a row has something, for example `has_gaze`."""
        values: NDArray[np.bool_] = self.column(f"mask/{name}")
        return values

    def ids(self, name: str) -> Column:
        """(n,) pseudonyms: `reading_id`, `patient_id`, `reader_id` …."""
        return self.column(f"ids/{name}")

    @property
    def labels(self) -> NDArray[np.int8]:
        """(n, 14) 1 present, 0 absent, -1 uncertain, -2 not stated."""
        values: NDArray[np.int8] = self.column("labels")
        return values

    @property
    def label_source(self) -> NDArray[np.int8]:
        """(n,) 0 none, 1 rules on the report, 2 annotations."""
        values: NDArray[np.int8] = self.column("label_source")
        return values


def open_dataset(folder: Path | str) -> Dataset:
    """Open what `curate run` wrote; checks sizes, not content (see `curate verify`).

    Raises:
        InputError: It is no data set, or a shard is missing or has another size.
        VersionError: It was written in another version of the format.
    """
    folder = Path(folder)
    raw, document = read_document(folder)
    for shard in document["shards"]:
        path = folder / shard["file"]
        if not path.is_file():
            raise InputError(path, "is not there", "copy the data set again")
        if path.stat().st_size != shard["bytes"]:
            raise InputError(
                path,
                f"has {path.stat().st_size} bytes, dataset.json says {shard['bytes']}",
                "copy the data set again",
            )
    return Dataset(folder, document, hashlib.sha256(raw).hexdigest())


def read_document(folder: Path) -> tuple[bytes, dict[str, Any]]:
    """Read dataset.json and check what can be read from it.

    Raises:
        InputError: It is missing or no data set's.
        VersionError: It was written in another version of the format.
    """
    path = folder / "dataset.json"
    if not path.is_file():
        raise InputError(
            folder, "is not a data set (no dataset.json)", "make one with: curate run"
        )
    raw = path.read_bytes()
    try:
        document = json.loads(raw)
    except ValueError as error:
        raise InputError(path, f"is not JSON ({error})", "curate again") from error
    if not isinstance(document, dict) or document.get("format") != DATASET_FORMAT:
        raise InputError(path, "does not describe a data set of radgaze")
    if document.get("version") != DATASET_VERSION:
        raise VersionError(
            path, DATASET_FORMAT, document.get("version"), DATASET_VERSION
        )
    damaged = [name for name, fits in _FORM.items() if not fits(document.get(name))]
    if damaged:
        raise InputError(
            path, f"has no or a damaged entry: {', '.join(damaged)}", "curate again"
        )
    return raw, document


def _entries(kinds: Mapping[str, type], value: object) -> bool:
    """Whether `value` is a list of objects with these entries of these types."""
    return isinstance(value, list) and all(
        isinstance(entry, dict)
        and all(isinstance(entry.get(name), kind) for name, kind in kinds.items())
        for entry in value
    )


_SHARD = {"file": str, "readings": int, "bytes": int, "sha256": str}
_SPLIT = {"patients": list, "readings": int}
_FORM: Mapping[str, Callable[[Any], bool]] = {
    "image_size": lambda value: isinstance(value, int) and value > 0,
    "shards": lambda value: bool(value) and _entries(_SHARD, value),
    "splits": lambda value: (
        isinstance(value, dict) and _entries(_SPLIT, list(value.values()))
    ),
    "findings": lambda value: isinstance(value, list),
    "counts": lambda value: value is None or isinstance(value, dict),
    "accepted": lambda value: value is None or _entries({"reading_id": str}, value),
    "rejected": lambda value: value is None or _entries({"reasons": list}, value),
}
"""What must be in dataset.json before anything else can be read or checked."""


def check_target(folder: Path) -> None:
    """Refuse to replace what is not a data set.

    Raises:
        InputError: `folder` is a file, holds something else, or is where we are.
    """
    if folder.resolve() == Path.cwd():
        raise InputError(
            folder, "is the folder this runs in", "name a folder inside it with --out"
        )
    if not folder.exists() or (folder / "dataset.json").is_file():
        return
    if not folder.is_dir() or any(folder.iterdir()):
        raise InputError(folder, "is not a data set", "choose another --out")


def _swap(new: Path, folder: Path) -> None:
    """Rename `new` to `folder`; an earlier data set goes when the new one is in."""
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    with contextlib.suppress(FileNotFoundError):
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
