"""Write an XDF file that is whole after every chunk, whatever happens next."""

import os
import struct
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capture.errors import InputError, RadgazeError, writing
from capture.xdf import chunks
from capture.xdf.headers import CleanHeader, clean_header

BOUNDARY_EVERY_S = 2.0
FILE_HEADER_XML = '<?xml version="1.0"?>\n<info><version>1.0</version></info>'


@dataclass(slots=True)
class StreamTally:
    """What a stream's footer sums up."""

    first_s: float | None = None
    last_s: float | None = None
    count: int = 0
    offsets: list[tuple[float, float]] = field(default_factory=list)

    def add(self, stamps_s: NDArray[np.float64]) -> None:
        """Count the samples of one chunk."""
        if len(stamps_s):
            self.first_s = float(stamps_s[0]) if self.first_s is None else self.first_s
            self.last_s = float(stamps_s[-1])
            self.count += len(stamps_s)

    def to_xml(self) -> str:
        """Return the content of the stream's footer."""
        info = ET.Element("info")
        ET.SubElement(info, "first_timestamp").text = repr(self.first_s or 0.0)
        ET.SubElement(info, "last_timestamp").text = repr(self.last_s or 0.0)
        ET.SubElement(info, "sample_count").text = str(self.count)
        listed = ET.SubElement(info, "clock_offsets")
        for time_s, value_s in self.offsets:
            offset = ET.SubElement(listed, "offset")
            ET.SubElement(offset, "time").text = repr(time_s)
            ET.SubElement(offset, "value").text = repr(value_s)
        return '<?xml version="1.0"?>\n' + ET.tostring(info, encoding="unicode")


@dataclass(slots=True)
class _Stream:
    header: CleanHeader
    layout: np.dtype[np.void] | None
    tally: StreamTally = field(default_factory=StreamTally)
    boundary_s: float | None = None
    closed: bool = False


class XdfWriter:
    """One recording being written; a context manager.

    Each chunk is one unbuffered write, and what is written reaches the disk within
    `sync_every_s` as long as anything is written or `sync` is called. The bytes depend
    on nothing but the calls.

    Args:
        path: File to make; its folder must be there.
        sync_every_s: Longest time that written data may stay in memory.

    Raises:
        InputError: The file exists already, or its folder does not.
        DiskFullError: No space is left.
    """

    def __init__(self, path: Path, *, sync_every_s: float = 0.25) -> None:
        self.path, self.sync_every_s = Path(path), sync_every_s
        self._streams: dict[int, _Stream] = {}
        self._failed = False
        self._end = self._synced_end = 0
        self._synced_s = time.monotonic()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        try:
            self._file: int | None = os.open(self.path, flags, 0o644)
        except FileExistsError as error:
            raise InputError(
                path, "exists already; recordings are never overwritten"
            ) from error
        except OSError as error:
            raise InputError(path, f"cannot be made: {error.strerror}") from error
        header = chunks.encode_chunk(chunks.FILE_HEADER, FILE_HEADER_XML.encode())
        self._write(chunks.MAGIC + header)

    def add_stream(self, header_xml: str) -> int:
        """Write a stream's header and return the stream's id.

        A stream that was lost and found again, or that changed, is a new stream.

        Raises:
            ValueError: The header does not state a channel count and format.
            DiskFullError: No space is left.
        """
        header = clean_header(header_xml)
        stream_id = len(self._streams) + 1
        body = struct.pack("<I", stream_id) + header.xml.encode()
        self._write(chunks.encode_chunk(chunks.STREAM_HEADER, body))
        layout = None
        if header.channel_format != "string":
            layout = chunks.sample_dtype(header.channel_format, header.channel_count)
        self._streams[stream_id] = _Stream(header, layout)
        return stream_id

    def header(self, stream_id: int) -> CleanHeader:
        """Return the header as it was written."""
        return self._stream(stream_id).header

    def sample_count(self, stream_id: int) -> int:
        """Return how many samples of the stream were written."""
        return self._stream(stream_id).tally.count

    def write_samples(
        self,
        stream_id: int,
        stamps_s: ArrayLike,
        values: ArrayLike | Sequence[str] | Sequence[Sequence[str]],
    ) -> None:
        """Write samples as one chunk.

        Args:
            stream_id: From `add_stream`.
            stamps_s: (n,) seconds on the stream's clock.
            values: (n, channels) numbers; for a string stream n texts, or n sequences
                of one text a channel.

        Raises:
            ValueError: Shapes or numbers do not fit the stream.
            DiskFullError: No space is left.
        """
        stream = self._stream(stream_id)
        stamps = np.asarray(stamps_s, dtype=np.float64)
        if stamps.ndim != 1:
            raise ValueError(f"stamps must have shape (n,), got {stamps.shape}")
        if stream.layout is None:
            texts = _texts(values, len(stamps), stream.header)
            data = chunks.encode_strings(stream_id, stamps, texts)
        else:
            numbers = _numbers(values, len(stamps), stream.header)
            data = chunks.encode_numbers(stream_id, stamps, numbers, stream.layout)
        if not len(stamps):
            return
        if stream.boundary_s is None:
            stream.boundary_s = float(stamps[0])
        elif abs(stamps[-1] - stream.boundary_s) >= BOUNDARY_EVERY_S:
            self.write_boundary()
            stream.boundary_s = float(stamps[0])
        self._write(data)
        stream.tally.add(stamps)

    def write_clock_offset(
        self, stream_id: int, collection_time_s: float, offset_s: float
    ) -> None:
        """Write one measurement of a stream's clock.

        Args:
            stream_id: From `add_stream`.
            collection_time_s: When, on the stream's clock: now - `offset_s`.
            offset_s: What added to the stream's stamps gives the recorder's time.

        Raises:
            DiskFullError: No space is left.
        """
        stream = self._stream(stream_id)
        body = struct.pack("<Idd", stream_id, collection_time_s, offset_s)
        self._write(chunks.encode_chunk(chunks.CLOCK_OFFSET, body))
        stream.tally.offsets.append((float(collection_time_s), float(offset_s)))

    def write_boundary(self) -> None:
        """Write a mark from which a reader of a damaged file can go on.

        The writer does this by itself every 2 s of a stream's time.

        Raises:
            DiskFullError: No space is left.
        """
        self._write(chunks.encode_chunk(chunks.BOUNDARY, chunks.BOUNDARY_MARK))
        for stream in self._streams.values():
            stream.boundary_s = stream.tally.last_s

    def write_footer(self, stream_id: int) -> None:
        """Write the footer of a stream that has ended; `close` does the others.

        Raises:
            DiskFullError: No space is left.
        """
        stream = self._stream(stream_id)
        body = struct.pack("<I", stream_id) + stream.tally.to_xml().encode()
        self._write(chunks.encode_chunk(chunks.STREAM_FOOTER, body))
        stream.closed = True

    def sync(self) -> None:
        """Make sure that all that was written is on the disk.

        Raises:
            DiskFullError: No space is left.
        """
        if self._file is None:
            return
        with self._truncating():
            _sync(self._file)
        self._synced_s, self._synced_end = time.monotonic(), self._end

    def sync_if_due(self) -> None:
        """Call `sync` if something was written and `sync_every_s` is over.

        Raises:
            DiskFullError: No space is left.
        """
        late = time.monotonic() - self._synced_s >= self.sync_every_s
        if late and self._synced_end != self._end and not self._failed:
            self.sync()

    def close(self) -> None:
        """Write the footers that are missing, sync and close; a second call is nothing.

        Raises:
            DiskFullError: No space is left for the footers; the file can be repaired.
        """
        if self._file is None:
            return
        try:
            if not self._failed:
                for stream_id, stream in self._streams.items():
                    if not stream.closed:
                        self.write_footer(stream_id)
                self.sync()
        finally:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _stream(self, stream_id: int) -> _Stream:
        stream = self._streams.get(stream_id)
        if stream is None or stream.closed:
            raise ValueError(f"no open stream {stream_id} in {self.path}")
        return stream

    def _write(self, data: bytes) -> None:
        if self._file is None or self._failed:
            raise ValueError(f"{self.path} is no longer written")
        view = memoryview(data)
        with self._truncating():
            while view:
                view = view[os.write(self._file, view) :]
        self._end += len(data)
        if time.monotonic() - self._synced_s >= self.sync_every_s:
            self.sync()

    @contextmanager
    def _truncating(self) -> Iterator[None]:
        """Cut the file after its last whole chunk if it cannot be written any more."""
        try:
            with writing(self.path):
                yield
        except RadgazeError:
            self._failed = True
            if self._file is not None:
                os.ftruncate(self._file, self._end)  # shrinking needs no space
            raise


def _sync(file: int) -> None:
    # only Linux and the like can leave the file's own dates for later
    getattr(os, "fdatasync", os.fsync)(file)


def _numbers(values: object, count: int, header: CleanHeader) -> NDArray[np.generic]:
    numbers = np.asarray(values)
    wanted = chunks.DTYPES[header.channel_format]
    shape = (count, header.channel_count)
    if numbers.shape != shape:
        raise ValueError(
            f"values of stream {header.name!r} must have shape {shape}, got "
            f"{numbers.shape}"
        )
    if numbers.dtype == wanted:
        return numbers
    if not np.can_cast(numbers.dtype, wanted, "same_kind"):
        raise ValueError(
            f"stream {header.name!r} holds {wanted}, not {numbers.dtype} values"
        )
    if wanted.kind == "i" and numbers.size:
        top = 2 ** (8 * wanted.itemsize - 1)
        if int(numbers.min()) < -top or int(numbers.max()) >= top:
            raise ValueError(f"stream {header.name!r} holds {wanted}: value too large")
    return numbers.astype(wanted)


def _texts(values: object, count: int, header: CleanHeader) -> list[tuple[str, ...]]:
    if not isinstance(values, Sequence | np.ndarray) or isinstance(values, str):
        raise ValueError(f"stream {header.name!r} holds texts, not {type(values)}")
    texts = [(v,) if isinstance(v, str) else tuple(map(str, v)) for v in values]
    if len(texts) != count or any(len(t) != header.channel_count for t in texts):
        raise ValueError(
            f"stream {header.name!r} needs {count} samples of {header.channel_count} "
            "texts"
        )
    return texts
