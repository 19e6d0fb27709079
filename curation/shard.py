"""Write and read one shard: an HDF5 file of readings, one chunk an image."""

import contextlib
import mmap
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capture.errors import InputError, VersionError
from curation.disk import Sink, disk_full
from curation.schema import (
    IDS,
    MASKS,
    QUALITY,
    SHARD_FORMAT,
    SHARD_VERSION,
    TABLES,
    TEXTS,
    Column,
    Reading,
    problems,
)

_MEMORY_BYTES_S = 2e9
"""Images that come slower than this come from a disk."""
Ragged = tuple[Column, NDArray[np.int64]]
"""Flat values of a column, and (n + 1,) offsets: row i owns offsets[i]:offsets[i+1]."""


class ShardWriter:
    """Writes readings one by one; the file appears under its name when it is whole.

    The images go to the disk as they come, the rest of a shard (a few kilobytes a
    reading) is written when it is closed. The same readings give the same bytes.
    """

    def __init__(self, path: Path, image_size: int) -> None:
        """Open a hidden file beside `path`.

        Raises:
            DiskFullError: No space is left.
        """
        import h5py

        self.path, self.image_size, self.count = path, image_size, 0
        self._partial = path.with_name(f".{path.name}.partial")
        self._rows: list[dict[str, Any]] = []
        self._tables: dict[str, list[dict[str, Column]]] = {name: [] for name in TABLES}
        with disk_full(path):
            self._sink = Sink(self._partial, "w+b")
            self._file = h5py.File(self._sink, "w", libver=("earliest", "v110"))
            self._image = self._file.create_dataset(
                "image",
                shape=(0, image_size, image_size),
                maxshape=(None, image_size, image_size),
                chunks=(1, image_size, image_size),
                dtype=np.uint8,
                track_times=False,
                fill_time="never",
            )

    def add(self, reading: Reading) -> None:
        """Append a row.

        Raises:
            ValueError: The reading breaks a rule of the format.
            DiskFullError: No space is left.
        """
        found = problems(reading, self.image_size)
        if found:
            raise ValueError(f"reading {reading.reading_id!r}: {'; '.join(found)}")
        with disk_full(self.path):
            self._image.resize(self.count + 1, axis=0)
            self._image.id.write_direct_chunk(
                (self.count, 0, 0), np.ascontiguousarray(reading.image).tobytes()
            )
            self._sink.check()
        self._rows.append(_row(reading))
        for name, parts in self._tables.items():
            parts.append(reading.table(name))
        self.count += 1

    def close(self) -> None:
        """Write what is left, force it to the disk, and give the file its name.

        Raises:
            DiskFullError: No space is left.
        """
        with disk_full(self.path):
            self._write_rows()
            for name in TABLES:
                self._write_table(name)
            attributes = {"readings": self.count, "image_size": self.image_size}
            self._file.attrs.update(attributes)
            _stamp(self._file, SHARD_FORMAT)
            self._file.close()
            self._sink.check()
            os.fsync(self._sink.fileno())
            self._sink.close()
            self._partial.replace(self.path)

    def abort(self) -> None:
        """Drop the unfinished file."""
        self._file.close()
        self._sink.close()
        self._partial.unlink(missing_ok=True)

    def _write_rows(self) -> None:
        first = self._rows[0] if self._rows else {}
        for name in ("placement", "image_size_px", "labels", "label_source"):
            self._create(name, np.array([row[name] for row in self._rows]))
        for group, names in _ROW_GROUPS.items():
            _stamp(self._file.create_group(group), f"{SHARD_FORMAT}/{group}")
            for name in names if first else ():
                values = [row[group][name] for row in self._rows]
                self._create(f"{group}/{name}", _as_column(values))

    def _write_table(self, name: str) -> None:
        parts = self._tables[name]
        _stamp(self._file.create_group(name), f"{SHARD_FORMAT}/{name}")
        columns = TABLES[name]
        sizes = [len(part[next(iter(columns))]) for part in parts]
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype("<i8")
        self._create(f"{name}/offsets", offsets)
        for column in columns:
            self._create(f"{name}/{column}", np.concatenate([p[column] for p in parts]))

    def _create(self, name: str, values: Column) -> None:
        import h5py

        text = values.dtype == object
        dtype = h5py.string_dtype("utf-8") if text else values.dtype
        self._file.create_dataset(name, data=values, dtype=dtype, track_times=False)


class ShardReader:
    """One shard, opened on first use and closed when forgotten; it can be pickled.

    Images come through a memory map at their place in the file, which is as fast as
    a plain array; everything else is read once and kept.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._cache: dict[str, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "_cache": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    @property
    def readings(self) -> int:
        """Number of rows."""
        return int(self._header()["readings"])

    @property
    def image_size(self) -> int:
        """Edge of the square images, in pixels."""
        return int(self._header()["image_size"])

    def column(self, name: str) -> Column:
        """Read a whole data set, for example `labels` or `fixations/x`.

        Raises:
            InputError: The shard does not hold it, or is damaged.
        """
        if name not in self._cache:
            with self._open() as file:
                self._read(file, name)
        column: Column = self._cache[name]
        return column

    def _read(self, file: Any, name: str) -> None:
        if name not in file:
            raise InputError(self.path, f"has no {name}", "see: curate verify")
        values = file[name]
        text = values.dtype == object
        self._cache[name] = values.asstr()[...] if text else values[...]

    def attributes(self, group: str) -> dict[str, Any]:
        """Read the attributes of a group."""
        with self._open() as file:
            return dict(file[group].attrs) if group in file else {}

    def image_shape(self) -> tuple[int, ...]:
        """Return the shape of the stack of images as the file states it."""
        with self._open() as file:
            return tuple(file["image"].shape)

    def ragged(self, group: str, column: str) -> Ragged:
        """Read a column of a ragged table with the offsets of its rows."""
        return self.column(f"{group}/{column}"), self.column(f"{group}/offsets")

    def images(self, rows: Sequence[int] | NDArray[Any]) -> NDArray[np.uint8]:
        """Copy images out of the file.

        Args:
            rows: (b,) row numbers in this shard.

        Returns:
            (b, s, s) gray levels.
        """
        size = self.image_size
        out = np.empty((len(rows), size, size), np.uint8)
        self.images_into(rows, out)
        return out

    def images_into(
        self, rows: Sequence[int] | NDArray[Any], out: NDArray[np.uint8]
    ) -> None:
        """Copy images out of the file into (b, s, s) `out`."""
        starts = self._image_offsets()[np.asarray(rows, dtype=np.intp)]
        view, length = self._map(), self.image_size**2
        if self._cache.get("cold", True):
            mapped = self._cache["mmap"]
            for start in (starts // mmap.PAGESIZE * mmap.PAGESIZE).tolist():
                mapped.madvise(mmap.MADV_WILLNEED, start, length)
        begin_s = time.perf_counter()
        flat = out.reshape(len(out), length)
        for i, start in enumerate(starts.tolist()):
            flat[i] = view[start : start + length]
        # asking for pages ahead is 5 times faster from a disk and slower from memory
        elapsed_s = time.perf_counter() - begin_s
        self._cache["cold"] = flat.nbytes < _MEMORY_BYTES_S * elapsed_s

    def reading(self, row: int) -> Reading:
        """Put one row back together.

        Raises:
            InputError: The shard is damaged.
        """
        missing = [name for name in _COLUMNS if name not in self._cache]
        if missing:
            with self._open() as file:  # once: it takes as long as ten columns
                for name in missing:
                    self._read(file, name)
        masks = {name: bool(self.column(f"mask/{name}")[row]) for name in MASKS}

        def text(name: str) -> str | None:
            there = masks[f"has_{name}"]
            return str(self.column(f"text/{name}")[row]) if there else None

        ids: dict[str, str] = {n: str(self.column(f"ids/{n}")[row]) for n in IDS}
        left, top, width, height = self.column("placement")[row].tolist()
        width_px, height_px = self.column("image_size_px")[row].tolist()
        return Reading(
            **ids,
            image=self.images([row])[0],
            placement=(left, top, width, height),
            image_size_px=(width_px, height_px),
            report=text("report"),
            findings=text("findings"),
            impression=text("impression"),
            has_gaze=masks["has_gaze"],
            has_audio=masks["has_audio"],
            has_regions=masks["has_regions"],
            tables={name: self._table_rows(name, row) for name in TABLES},
            labels=self.column("labels")[row],
            label_source=int(self.column("label_source")[row]),
            quality={n: float(self.column(f"quality/{n}")[row]) for n in QUALITY},
        )

    def _table_rows(self, name: str, row: int) -> dict[str, Column]:
        first, last = self.column(f"{name}/offsets")[row : row + 2]
        return {c: self.column(f"{name}/{c}")[first:last] for c in TABLES[name]}

    def _header(self) -> dict[str, Any]:
        if "header" not in self._cache:
            with self._open() as file:
                self._cache["header"] = dict(file.attrs)
        header: dict[str, Any] = self._cache["header"]
        return header

    def _image_offsets(self) -> NDArray[np.int64]:
        if "image_offsets" not in self._cache:
            offsets = np.full(self.readings, -1, np.int64)

            def note(chunk: Any) -> None:
                if chunk.chunk_offset[0] < len(offsets):
                    offsets[chunk.chunk_offset[0]] = chunk.byte_offset

            with self._open() as file:
                file["image"].id.chunk_iter(note)
            end = self.path.stat().st_size - self.image_size**2
            if np.any((offsets < 0) | (offsets > end)):
                raise InputError(self.path, "images are missing", "write it again")
            self._cache["image_offsets"] = offsets
        found: NDArray[np.int64] = self._cache["image_offsets"]
        return found

    def _map(self) -> NDArray[np.uint8]:
        if "map" not in self._cache:
            with self.path.open("rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._cache["mmap"] = mapped
            self._cache["map"] = np.frombuffer(mapped, np.uint8)
        view: NDArray[np.uint8] = self._cache["map"]
        return view

    @contextlib.contextmanager
    def _open(self) -> Iterator[Any]:
        import h5py

        if not self.path.is_file():
            raise InputError(self.path, "is not there", "copy the data set again")
        try:
            with h5py.File(self.path, "r") as file:
                if file.attrs.get("format") != SHARD_FORMAT:
                    raise InputError(self.path, "is not a shard of radgaze")
                version = np.asarray(file.attrs.get("version")).item()
                if version != SHARD_VERSION:
                    raise VersionError(self.path, SHARD_FORMAT, version, SHARD_VERSION)
                yield file
        except (OSError, RuntimeError, KeyError, UnicodeDecodeError) as error:
            raise InputError(
                self.path, f"is damaged ({error})", "curate the sessions again"
            ) from error


_ROW_GROUPS = {"ids": IDS, "mask": MASKS, "text": TEXTS, "quality": QUALITY}
_COLUMNS = (
    *("placement", "image_size_px", "labels", "label_source"),
    *(f"{group}/{name}" for group, names in _ROW_GROUPS.items() for name in names),
    *(f"{t}/{name}" for t, names in TABLES.items() for name in ("offsets", *names)),
)
"""All that a shard holds besides the images."""


def _row(reading: Reading) -> dict[str, Any]:
    quality = {n: np.float32(reading.quality.get(n, np.nan)) for n in QUALITY}
    return {
        "placement": np.array(reading.placement, "<f4"),
        "image_size_px": np.array(reading.image_size_px, "<i4"),
        "labels": np.asarray(reading.labels, "<i1"),
        "label_source": np.int8(reading.label_source),
        "ids": {name: getattr(reading, name) for name in IDS},
        "mask": reading.masks,
        "text": {name: getattr(reading, name) or "" for name in TEXTS},
        "quality": quality,
    }


def _as_column(values: list[Any]) -> Column:
    if values and isinstance(values[0], str):
        column = np.empty(len(values), dtype=object)
        column[:] = values
        return column
    return np.array(values)


def _stamp(group: Any, fmt: str) -> None:
    group.attrs["format"] = fmt
    group.attrs["version"] = SHARD_VERSION
