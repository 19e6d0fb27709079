"""What can be seen before a session: streams that are there, files that fail."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from capture import gaze_channels
from capture.config import CheckConfig
from capture.errors import InputError
from capture.images import load_image
from capture.progress import Progress, ProgressMode
from capture.studies import read_studies
from capture.xdf.headers import clean_header, header_dict

_SAMPLE_S = 1.5
_GAZE_TYPES = ("gaze", "eye_data", "gazedata", "eyetracking")
_PYTHON_HASH = re.compile(r"-?\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundStream:
    """A stream on the network."""

    name: str
    type: str
    source_id: str
    host: str
    channels: int
    rate_hz: float
    format: str
    problems: tuple[str, ...]
    """What will go wrong when it is recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadFile:
    """An image of the study list that cannot be read."""

    row: int
    """Line of the study list on which it is named, from 1."""
    file: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All that a check found."""

    streams: tuple[FoundStream, ...] = ()
    files_read: int = 0
    files_bad: tuple[BadFile, ...] = ()

    @property
    def problems(self) -> int:
        """How many things are wrong."""
        return len(self.files_bad) + sum(len(s.problems) for s in self.streams)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self) | {"problems": self.problems}

    def to_table(self) -> str:
        """Return lines for a person."""
        header = ("NAME", "TYPE", "RATE", "CHANNELS", "FORMAT", "HOST", "SOURCE")
        rows = [header] + [
            (
                stream.name,
                stream.type,
                f"{stream.rate_hz:g} Hz" if stream.rate_hz else "irregular",
                str(stream.channels),
                stream.format,
                stream.host,
                stream.source_id,
            )
            for stream in self.streams
        ]
        lines = _aligned(rows) if self.streams else ["no streams found"]
        for stream in self.streams:
            lines += [f"{stream.name}: {problem}" for problem in stream.problems]
        if self.files_read or self.files_bad:
            lines.append(f"{self.files_read} images can be read")
            lines += [
                f"row {bad.row}: {bad.file}: {bad.problem}" for bad in self.files_bad
            ]
        return "\n".join(lines)


def check(config: CheckConfig, *, progress: ProgressMode = "auto") -> Found:
    """Open every image of a study list, and look for streams.

    Args:
        config: What to look at.
        progress: How to say how far it is.

    Raises:
        InputError: The study list itself cannot be read.
    """
    read: int = 0
    bad: list[BadFile] = []
    if config.studies is not None:
        read, bad = _check_files(config.studies, progress)
    streams = _find_streams(config.wait_s) if config.streams else []
    return Found(streams=tuple(streams), files_read=read, files_bad=tuple(bad))


def _check_files(listed_in: Path, progress: ProgressMode) -> tuple[int, list[BadFile]]:
    studies = read_studies(listed_in)
    bad: list[BadFile] = []
    with Progress("opening images", len(studies), progress) as bar:
        for study in studies:
            try:
                load_image(study.image)
            except InputError as error:
                problem = "; ".join(
                    part for part in (error.found, error.remedy) if part
                )
                bad.append(
                    BadFile(row=study.row, file=str(study.image), problem=problem)
                )
            bar.update()
    return len(studies) - len(bad), bad


def _find_streams(wait_s: float) -> list[FoundStream]:
    from pylsl import resolve_streams

    found = resolve_streams(wait_s)
    return sorted(map(_describe, found), key=lambda stream: (stream.type, stream.name))


def _describe(info: Any) -> FoundStream:
    from pylsl.lib import fmt2string

    return FoundStream(
        name=info.name(),
        type=info.type(),
        source_id=info.source_id(),
        host=info.hostname(),
        channels=info.channel_count(),
        rate_hz=float(info.nominal_srate()),
        format=fmt2string[info.channel_format()],
        problems=tuple(_problems(info)),
    )


def _problems(info: Any) -> list[str]:
    from pylsl import StreamInlet
    from pylsl.util import LostError
    from pylsl.util import TimeoutError as LslTimeoutError

    problems = []
    if not info.source_id():
        problems.append("it has no source id, so it is lost if its program restarts")
    elif _PYTHON_HASH.fullmatch(info.source_id()):
        problems.append(
            "its source id changes with every start, so it is lost if its program "
            "restarts; let the program set one"
        )
    inlet = StreamInlet(info, max_buflen=2, recover=False)
    try:
        header = inlet.info(_SAMPLE_S)
        sample, _ = inlet.pull_sample(timeout=_SAMPLE_S)
    except (LostError, LslTimeoutError):
        return [*problems, "it cannot be opened: is a firewall in the way?"]
    finally:
        inlet.close_stream()
    if sample is None:
        problems.append(
            "no sample arrived: is its program recording, or a firewall on?"
        )
    if info.type().casefold() in _GAZE_TYPES:
        problems += _gaze_problems(header.as_xml())
    return problems


def _gaze_problems(header_xml: str) -> list[str]:
    try:
        gaze_channels.map_gaze(header_dict(clean_header(header_xml).xml))
    except gaze_channels.GazeMappingError as error:
        return [str(error)]
    return []


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
