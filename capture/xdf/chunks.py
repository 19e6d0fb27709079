"""The chunks an XDF file is made of, and how to find them in a damaged file.

Source:
    XDF 1.0, github.com/sccn/xdf/wiki/Specifications.
"""

import mmap
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from capture.errors import InputError

MAGIC = b"XDF:"
FILE_HEADER, STREAM_HEADER, SAMPLES, CLOCK_OFFSET, BOUNDARY, STREAM_FOOTER = range(1, 7)
BOUNDARY_MARK = bytes.fromhex("43A546DCCBF5410FB30ED5467383CBE4")

DTYPES: dict[str, np.dtype[np.generic]] = {
    "int8": np.dtype("<i1"),
    "int16": np.dtype("<i2"),
    "int32": np.dtype("<i4"),
    "int64": np.dtype("<i8"),
    "float32": np.dtype("<f4"),
    "double64": np.dtype("<f8"),
}
"""Channel format to the layout of one value; strings are not in it."""

Buffer: TypeAlias = bytes | mmap.mmap
_LENGTHS = {1: "<B", 4: "<I", 8: "<Q"}
_WITH_STREAM = (STREAM_HEADER, SAMPLES, CLOCK_OFFSET, STREAM_FOOTER)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Where one whole chunk lies in its file, in bytes."""

    tag: int
    stream_id: int | None
    """None for the file header and for boundaries."""
    start: int
    body: int
    """Where the content begins, after the stream id."""
    end: int


def varlen(number: int) -> bytes:
    """Return `number` as XDF has it: how many bytes, then the bytes."""
    for size, top in ((1, 1 << 8), (4, 1 << 32)):
        if number < top:
            return bytes([size]) + struct.pack(_LENGTHS[size], number)
    return b"\x08" + struct.pack("<Q", number)


def read_varlen(data: Buffer, at: int, end: int) -> tuple[int, int] | None:
    """Return a `varlen` at byte `at` and where it ends; None where there is none."""
    if at >= end or (size := data[at]) not in _LENGTHS or at + 1 + size > end:
        return None
    return struct.unpack_from(_LENGTHS[size], data, at + 1)[0], at + 1 + size


def encode_chunk(tag: int, body: bytes) -> bytes:
    """Return a chunk; tags 2, 3, 4 and 6 begin their body with the stream id."""
    return varlen(len(body) + 2) + struct.pack("<H", tag) + body


def sample_dtype(channel_format: str, channel_count: int) -> np.dtype[np.void]:
    """Return the layout of a numeric sample with its stamp: k is 8, t, v."""
    value = DTYPES[channel_format]
    return np.dtype([("k", "u1"), ("t", "<f8"), ("v", value, (channel_count,))])


def encode_numbers(
    stream_id: int,
    stamps_s: NDArray[np.float64],
    values: NDArray[np.generic],
    layout: np.dtype[np.void],
) -> bytes:
    """Return a chunk of numeric samples.

    Args:
        stream_id: Of a stream whose header was written.
        stamps_s: (n,) seconds.
        values: (n, channels) in the stream's format.
        layout: From `sample_dtype`.
    """
    record = np.empty(len(stamps_s), layout)
    record["k"], record["t"], record["v"] = 8, stamps_s, values
    head = struct.pack("<IBI", stream_id, 4, len(record))
    return encode_chunk(SAMPLES, head + record.tobytes())


def encode_strings(
    stream_id: int, stamps_s: NDArray[np.float64], values: list[tuple[str, ...]]
) -> bytes:
    """Return a chunk of string samples, one tuple of channels a stamp."""
    parts = [struct.pack("<IBI", stream_id, 4, len(stamps_s))]
    for stamp_s, texts in zip(stamps_s, values, strict=True):
        parts.append(struct.pack("<Bd", 8, stamp_s))
        for text in texts:
            raw = text.encode("utf-8", "replace")
            parts += [varlen(len(raw)), raw]
    return encode_chunk(SAMPLES, b"".join(parts))


@contextmanager
def mapped(path: Path) -> Iterator[Buffer]:
    """Open an XDF file for reading without loading it.

    Raises:
        InputError: It is missing, or does not begin as an XDF file does.
    """
    try:
        file = Path(path).open("rb")  # noqa: SIM115 # closed below
    except OSError as error:
        raise InputError(path, error.strerror or "cannot be read") from error
    with file:
        if file.read(len(MAGIC)) != MAGIC:
            raise InputError(path, "is not an XDF file: it does not begin with XDF:")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield data


def scan(path: Path) -> list[Chunk]:
    """List the whole chunks of a file, in order; damaged stretches are left out.

    Raises:
        InputError: Not an XDF file.
    """
    with mapped(path) as data:
        return list(find_chunks(data))


def find_chunks(data: Buffer) -> Iterator[Chunk]:
    """Yield the whole chunks; after damage go on behind the next boundary.

    A chunk that would swallow a boundary has a damaged length.
    """
    at, size = len(MAGIC), len(data)
    mark = data.find(BOUNDARY_MARK, at)
    while at < size:
        if 0 <= mark < at:
            mark = data.find(BOUNDARY_MARK, at)
        chunk = _chunk_at(data, at, size)
        if chunk and (mark < 0 or chunk.end <= mark or chunk.body == mark):
            yield chunk
            at = chunk.end
        elif mark < 0:
            return
        else:
            at = mark + len(BOUNDARY_MARK)


def _chunk_at(data: Buffer, start: int, size: int) -> Chunk | None:
    length = read_varlen(data, start, size)
    if length is None or length[0] < 2 or length[1] + length[0] > size:
        return None
    end = length[1] + length[0]
    (tag,) = struct.unpack_from("<H", data, length[1])
    body, stream_id = length[1] + 2, None
    if tag == BOUNDARY and data[body:end] != BOUNDARY_MARK:
        return None
    if tag in _WITH_STREAM:
        if end - body < 4:
            return None
        (stream_id,) = struct.unpack_from("<I", data, body)
        body += 4
    elif tag not in (FILE_HEADER, BOUNDARY):
        # nobody writes other kinds: a stray number is damage
        return None
    if tag == CLOCK_OFFSET and end - body != 16:
        return None
    return Chunk(tag, stream_id, start, body, end)
