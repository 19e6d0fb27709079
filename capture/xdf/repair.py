"""Make a recording that was cut off or damaged readable for every program."""

import os
import struct
from dataclasses import dataclass
from pathlib import Path

from capture.errors import RadgazeError, writing
from capture.xdf import chunks
from capture.xdf.chunks import Buffer, Chunk
from capture.xdf.reader import StreamParts, take
from capture.xdf.writer import FILE_HEADER_XML, StreamTally


@dataclass(frozen=True, slots=True)
class Repair:
    """What a repair did."""

    changed: bool
    """False: the file was whole."""
    chunks_kept: int
    bytes_dropped: int
    """Of the damaged stretches and the chunk that was cut."""
    footers_added: int
    original: Path | None
    """Where the file as it was is kept; None if only its unfinished end is gone."""


def repair(path: Path) -> Repair:
    """Keep the whole chunks of a recording and give every stream its footer.

    The new file replaces the old one in a single step. If more than the unfinished end
    was damaged, the old one is kept beside it with the ending `.damaged`.

    Args:
        path: An XDF file that nothing writes to any more.

    Raises:
        InputError: Not an XDF file, or nothing can be written beside it.
        DiskFullError: No space is left for the new file; the old one is as it was.
    """
    path = Path(path)
    with chunks.mapped(path) as data:
        kept, parts = _whole(data)
        size = len(data)
        used = len(chunks.MAGIC) + sum(chunk.end - chunk.start for chunk in kept)
        lacking = [number for number, part in parts.items() if not part.footer]
        begins = bool(kept) and kept[0].tag == chunks.FILE_HEADER
        if used == size and not lacking and begins:
            return Repair(False, len(kept), 0, 0, None)
        last = kept[-1].end if kept else len(chunks.MAGIC)
        beside = path.with_name(f".{path.name}.repair")
        try:
            with writing(beside), beside.open("wb") as file:
                file.write(chunks.MAGIC)
                if not begins:
                    head = FILE_HEADER_XML.encode()
                    file.write(chunks.encode_chunk(chunks.FILE_HEADER, head))
                for chunk in kept:
                    file.write(data[chunk.start : chunk.end])
                for number in lacking:
                    file.write(_footer(number, parts[number]))
                file.flush()
                os.fsync(file.fileno())
        except RadgazeError:
            beside.unlink(missing_ok=True)
            raise
    with writing(path):
        original = _keep(path) if used != last else None
        beside.replace(path)
    return Repair(True, len(kept), size - used, len(lacking), original)


def _whole(data: Buffer) -> tuple[list[Chunk], dict[int, StreamParts]]:
    parts: dict[int, StreamParts] = {}
    # a chunk of a stream without a header makes some readers give up
    kept = [chunk for chunk in chunks.find_chunks(data) if take(data, chunk, parts)]
    return kept, parts


def _footer(number: int, part: StreamParts) -> bytes:
    tally = StreamTally(offsets=part.offsets)
    for stamps_s in part.stamps:
        tally.add(stamps_s)
    body = struct.pack("<I", number) + tally.to_xml().encode()
    return chunks.encode_chunk(chunks.STREAM_FOOTER, body)


def _keep(path: Path) -> Path:
    number, kept = 1, path.with_name(f"{path.name}.damaged")
    while kept.exists():
        number += 1
        kept = path.with_name(f"{path.name}.damaged{number}")
    os.link(path, kept)
    return kept
