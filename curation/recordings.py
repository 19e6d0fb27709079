"""One recorded session on one clock: gaze, what was shown, and the voice."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capture.display.events import Event, ImageShown, parse_event
from capture.errors import InputError
from capture.geometry import Points
from capture.session import RECORDING_FILE, SESSION_FILE, SessionInfo, read_session
from capture.streams import map_gaze
from capture.xdf import XdfStream, read_streams
from curation.clocks import recorder_time

Floats = NDArray[np.float64]
GAP_PERIODS = 3
"""A step between stamps above this many sample periods is a drop-out."""


@dataclass(frozen=True, slots=True, eq=False)
class Gaze:
    """Where both eyes together looked."""

    time_s: Floats
    """(n,) strictly increasing, on the recorder's clock."""
    xy_px: Points
    """(n, 2) screen pixels, mean of the eyes that were seen; NaN where none was."""
    period_s: float
    """Median step between samples."""
    gaps_s: NDArray[np.float64]
    """(k, 2) start and end of drop-outs."""


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """The voice, as it came: vectors stamped at their first sample."""

    stamps_s: Floats
    """(n,) on the recorder's clock."""
    frames: NDArray[np.int16]
    """(n, samples of a vector)."""
    rate_hz: int
    """Audio samples a second."""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A session folder, read."""

    folder: Path
    info: SessionInfo
    gaze: Gaze
    display: tuple[tuple[float, Event], ...]
    """Stamp and event, in order."""
    audio: Audio | None
    truncated: bool
    """The recording was cut off; what is there is used."""
    notes: Mapping[str, int]
    """How many samples were duplicate or out of order, drop-outs, damaged chunks."""


def find_sessions(roots: Iterable[Path]) -> list[Path]:
    """List the session folders below the given folders, sorted, each once.

    Raises:
        InputError: A folder does not exist or holds no session.
    """
    found: set[Path] = set()
    for root in roots:
        if root.is_file() and root.suffix.lower() == ".xdf":
            raise _foreign(root, "is a recording, not a folder of sessions")
        if not root.is_dir():
            raise InputError(root, "is not a folder", "name a folder of sessions")
        here = {path.parent.resolve() for path in root.rglob(SESSION_FILE)}
        if not here and any(root.rglob("*.xdf")):
            raise _foreign(
                root, f"holds recordings, but no {SESSION_FILE} at any depth"
            )
        if not here:
            raise InputError(
                root,
                f"holds no session (no {SESSION_FILE} at any depth)",
                "record one with: radgaze capture",
            )
        found |= here
    return sorted(found, key=lambda folder: (folder.parent.name, folder.name))


def read_recording(folder: Path) -> Recording:
    """Read the streams of a session and put them on the recorder's clock.

    Raises:
        InputError: The recording is missing, unreadable, or lacks gaze or display
            events.
        VersionError: The session was written in another version.
        GazeMappingError: The channels of the gaze stream are not understood.
    """
    info = read_session(folder)
    path = folder / RECORDING_FILE
    try:
        streams = read_streams(path)
    except (ValueError, OSError) as error:
        raise _unreadable(path) from error
    notes = dict.fromkeys(("duplicate", "out_of_order", "gaps", "damaged_chunks"), 0)
    notes["damaged_chunks"] = sum(stream.damaged_chunks for stream in streams)
    display = _display(path, _pick(streams, info, "display", "markers"), notes)
    gaze = _gaze(path, _pick(streams, info, "gaze", "gaze"), info, notes)
    return Recording(
        folder=folder,
        info=info,
        gaze=gaze,
        display=display,
        audio=_audio(path, _pick(streams, info, "audio", "audio"), notes),
        truncated=any(stream.truncated for stream in streams),
        notes=notes,
    )


def _pick(
    streams: Sequence[XdfStream], info: SessionInfo, role: str, kind: str
) -> list[XdfStream]:
    """Find the streams of a role; one that reconnected is there several times."""
    names = {stream.name for stream in info.streams if stream.role == role}
    named = [stream for stream in streams if stream.name in names]
    found = named or [stream for stream in streams if stream.type.lower() == kind]
    return [stream for stream in found if len(stream.stamps_s)]


def _ordered(
    streams: Sequence[XdfStream], notes: dict[str, int]
) -> tuple[Floats, NDArray[np.intp], list[Floats]]:
    """Join stamps on the recorder's clock; which samples stay, in order of time."""
    parts = [recorder_time(s.stamps_s, s.clock_offsets) for s in streams]
    time_s = np.concatenate(parts)
    order = np.argsort(time_s, kind="stable")
    notes["out_of_order"] += int(sum((np.diff(part) < 0).sum() for part in parts))
    return time_s[order], order, parts


def _gaze(
    path: Path, streams: list[XdfStream], info: SessionInfo, notes: dict[str, int]
) -> Gaze:
    if not streams:
        raise _missing(path, "gaze")
    points = []
    for stream in streams:
        eyes = map_gaze(stream.header).to_screen_px(stream.values, info.screen)
        points.append(combine_eyes([eye.xy_px for eye in eyes.values()]))
    time_s, order, _ = _ordered(streams, notes)
    fresh = np.diff(time_s, prepend=-np.inf) > 0
    notes["duplicate"] += int((~fresh).sum())
    time_s, xy_px = time_s[fresh], np.concatenate(points)[order][fresh]
    steps_s = np.diff(time_s)
    if len(steps_s) < 1:
        raise _missing(path, "gaze")
    period_s = float(np.median(steps_s))
    at = np.flatnonzero(steps_s > GAP_PERIODS * period_s)
    notes["gaps"] = len(at)
    gaps_s = np.column_stack([time_s[at], time_s[at + 1]])
    return Gaze(time_s, xy_px, period_s, gaps_s)


def combine_eyes(eyes: Sequence[Points]) -> Points:
    """Average the eyes that were seen.

    Args:
        eyes: (n, 2) points of each eye; NaN where it was lost.

    Returns:
        (n, 2) their mean; the one eye where the other was lost; NaN where both were.
    """
    stack = np.stack(eyes)
    seen = np.isfinite(stack).all(axis=2, keepdims=True)
    total = np.where(seen, stack, 0.0).sum(axis=0)
    count = seen.sum(axis=0)
    mean: Points = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return mean


def _display(
    path: Path, streams: list[XdfStream], notes: dict[str, int]
) -> tuple[tuple[float, Event], ...]:
    streams = [s for s in streams if s.values.dtype == object]
    if not streams:
        raise _missing(path, "display")
    time_s, order, _ = _ordered(streams, notes)
    texts = [text for stream in streams for text in stream.texts]
    events = tuple(
        (float(t), parse_event(texts[i])) for t, i in zip(time_s, order, strict=True)
    )
    if not any(isinstance(event, ImageShown) for _, event in events):
        raise InputError(path, "its display stream shows no image", "nothing to curate")
    return events


def _audio(path: Path, streams: list[XdfStream], notes: dict[str, int]) -> Audio | None:
    streams = [s for s in streams if s.values.dtype != object]
    if not streams:
        return None
    width = streams[-1].values.shape[1]
    streams = [s for s in streams if s.values.shape[1] == width]
    time_s, order, _ = _ordered(streams, notes)
    frames = np.concatenate([stream.values for stream in streams])[order]
    stated = _text(streams[-1].header, "info", "desc", "audio", "sample_rate")
    try:
        rate_hz = float(stated or width * streams[-1].nominal_rate_hz)
    except ValueError:
        rate_hz = 0.0
    if not 1000 <= rate_hz < 1e6:
        raise InputError(
            path,
            f"its audio stream states no sample rate that can be: {rate_hz:g} Hz",
            "sample_rate in its header must say how many samples a second",
        )
    if frames.dtype != np.int16:
        frames = np.clip(frames * 32767.0, -32768, 32767).astype(np.int16)
    return Audio(time_s, frames, round(rate_hz))


def _text(node: Any, *path: str) -> str:
    for tag in path:
        node = node.get(tag) if isinstance(node, Mapping) else None
        node = node[0] if isinstance(node, list) and node else node
    return node if isinstance(node, str) else ""


def _foreign(path: Path, found: str) -> InputError:
    """Made by another program, or moved away from its description."""
    return InputError(
        path,
        found,
        f"put {RECORDING_FILE} beside the {SESSION_FILE} that names its screen, "
        "reader and images by pseudonym, as radgaze capture writes it; other "
        "programs' recordings cannot be curated without one",
    )


def _missing(path: Path, role: str) -> InputError:
    return InputError(
        path,
        f"has no {role} stream with samples",
        "if the recording was cut off, try: radgaze capture repair; "
        "else the session cannot be curated",
    )


def _unreadable(path: Path) -> InputError:
    return InputError(path, "cannot be read as XDF", "try: radgaze capture repair")
