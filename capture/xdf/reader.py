"""Read an XDF file as it was recorded: raw stamps, whole chunks, no corrections."""

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capture.xdf import chunks
from capture.xdf.chunks import Buffer, Chunk
from capture.xdf.headers import clean_header, header_dict, header_text


@dataclass(frozen=True, slots=True)
class XdfStream:
    """One stream of a recording."""

    stream_id: int
    header: dict[str, Any]
    """As pyxdf has it: `header["info"]["name"][0]`."""
    stamps_s: NDArray[np.float64]
    """(n,) seconds on the stream's own clock, as recorded."""
    values: NDArray[Any]
    """(n, channels) in the recorded format; Python strings for a string stream."""
    clock_offsets: NDArray[np.float64]
    """(k, 2) collection time on the stream's clock, and what to add to its stamps."""
    truncated: bool
    """The stream has no footer, so the recording was cut off."""
    damaged_chunks: int = 0
    """Chunks whose content could not be read."""

    @property
    def name(self) -> str:
        """Name of the stream."""
        return header_text(self.header, "name")

    @property
    def type(self) -> str:
        """Type of the stream, such as Gaze."""
        return header_text(self.header, "type")

    @property
    def source_id(self) -> str:
        """Id of what published it; empty where it has none."""
        return header_text(self.header, "source_id")

    @property
    def nominal_rate_hz(self) -> float:
        """Samples a second as announced; 0 for none."""
        return float(header_text(self.header, "nominal_srate") or 0)

    @property
    def texts(self) -> list[str]:
        """First channel of every sample of a string stream."""
        return [str(text) for text in self.values[:, 0]]


@dataclass(slots=True)
class StreamParts:
    """What has been read of one stream."""

    header: dict[str, Any]
    channel_format: str
    channel_count: int
    step_s: float
    last_s: float = 0.0
    stamps: list[NDArray[np.float64]] = field(default_factory=list)
    values: list[NDArray[Any]] = field(default_factory=list)
    offsets: list[tuple[float, float]] = field(default_factory=list)
    footer: bool = False
    damaged: int = 0

    def to_stream(self, stream_id: int) -> XdfStream:
        """Join the parts."""
        dtype = chunks.DTYPES.get(self.channel_format, np.dtype(object))
        none = np.empty((0, self.channel_count), dtype)
        return XdfStream(
            stream_id=stream_id,
            header=self.header,
            stamps_s=np.concatenate([np.empty(0), *self.stamps]),
            values=np.concatenate(self.values) if self.values else none,
            clock_offsets=np.array(self.offsets, dtype=np.float64).reshape(-1, 2),
            truncated=not self.footer,
            damaged_chunks=self.damaged,
        )


def read_streams(path: Path) -> list[XdfStream]:
    """Read all streams of an XDF file, also of one that was cut off or damaged.

    Nothing is corrected: apply the clock offsets and look for gaps yourself. Compared
    with pyxdf it keeps every whole chunk of a damaged file.

    Args:
        path: The file.

    Returns:
        The streams in the order of their headers.

    Raises:
        InputError: Not an XDF file.
    """
    with chunks.mapped(Path(path)) as data:
        parts: dict[int, StreamParts] = {}
        for chunk in chunks.find_chunks(data):
            take(data, chunk, parts)
        return [part.to_stream(number) for number, part in parts.items()]


def take(data: Buffer, chunk: Chunk, parts: dict[int, StreamParts]) -> bool:
    """Add a chunk to its stream; False if nothing can be read from it."""
    if chunk.stream_id is None:
        return True
    body = data[chunk.body : chunk.end]
    part = parts.get(chunk.stream_id)
    if chunk.tag == chunks.STREAM_HEADER and part is None:
        if (part := _start(body)) is None:
            return False
        parts[chunk.stream_id] = part
        return True
    if part is None or chunk.tag == chunks.STREAM_HEADER:
        return False
    if chunk.tag == chunks.CLOCK_OFFSET:
        time_s, offset_s = struct.unpack("<dd", body)
        part.offsets.append((time_s, offset_s))
    elif chunk.tag == chunks.STREAM_FOOTER:
        part.footer = True
    elif chunk.tag == chunks.SAMPLES and not _take_samples(body, part):
        part.damaged += 1
        return False
    return True


def _start(body: bytes) -> StreamParts | None:
    try:
        clean = clean_header(body.decode("utf-8", "replace"))
    except ValueError:
        return None
    rate_hz = clean.nominal_rate_hz
    return StreamParts(
        header=header_dict(clean.xml),
        channel_format=clean.channel_format,
        channel_count=clean.channel_count,
        step_s=1 / rate_hz if rate_hz > 0 else 0.0,
    )


def _take_samples(body: bytes, part: StreamParts) -> bool:
    count = chunks.read_varlen(body, 0, len(body))
    if count is None:
        return False
    if part.channel_format == "string":
        samples = _strings(body, count[1], count[0], part)
    else:
        samples = _numbers(body, count[1], count[0], part)
    if samples is None:
        return False
    if len(samples[0]):
        part.stamps.append(samples[0])
        part.values.append(samples[1])
        part.last_s = float(samples[0][-1])
    return True


def _numbers(
    body: bytes, at: int, count: int, part: StreamParts
) -> tuple[NDArray[np.float64], NDArray[Any]] | None:
    layout = chunks.sample_dtype(part.channel_format, part.channel_count)
    if len(body) - at == count * layout.itemsize:
        record = np.frombuffer(body, layout, count, at)
        if (record["k"] == 8).all():
            return record["t"].astype(np.float64), record["v"].copy()
    return _mixed_numbers(body, at, count, part)


def _mixed_numbers(
    body: bytes, at: int, count: int, part: StreamParts
) -> tuple[NDArray[np.float64], NDArray[Any]] | None:
    dtype = chunks.DTYPES[part.channel_format]
    size = dtype.itemsize * part.channel_count
    if count * (1 + size) > len(body) - at:
        return None
    stamps, pieces, last_s = np.empty(count), [], part.last_s
    for i in range(count):
        stamp = _stamp(body, at, last_s + part.step_s)
        if stamp is None or stamp[1] + size > len(body):
            return None
        last_s, at = stamp
        stamps[i] = last_s
        pieces.append(body[at : at + size])
        at += size
    values = np.frombuffer(b"".join(pieces), dtype)
    return stamps, values.reshape(count, part.channel_count).copy()


def _strings(
    body: bytes, at: int, count: int, part: StreamParts
) -> tuple[NDArray[np.float64], NDArray[Any]] | None:
    if count * (1 + 2 * part.channel_count) > len(body) - at:
        return None
    stamps, last_s = np.empty(count), part.last_s
    values = np.empty((count, part.channel_count), dtype=object)
    for i in range(count):
        stamp = _stamp(body, at, last_s + part.step_s)
        if stamp is None:
            return None
        last_s, at = stamp
        stamps[i] = last_s
        for channel in range(part.channel_count):
            length = chunks.read_varlen(body, at, len(body))
            if length is None or length[0] + length[1] > len(body):
                return None
            at = length[0] + length[1]
            values[i, channel] = body[length[1] : at].decode("utf-8", "replace")
    return stamps, values


def _stamp(body: bytes, at: int, deduced_s: float) -> tuple[float, int] | None:
    if at < len(body) and body[at] == 0:
        return deduced_s, at + 1
    if at + 9 > len(body) or body[at] != 8:
        return None
    return struct.unpack_from("<d", body, at + 1)[0], at + 9
