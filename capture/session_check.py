"""Compare what a recording holds with what its session says it holds.

Reading a recording needs more than describing a session does, so this is not part of
`capture.session`.
"""

from pathlib import Path

from capture.display.events import ImageShown, parse_event
from capture.errors import InputError
from capture.session import RECORDING_FILE, SessionInfo, read_session
from capture.xdf import XdfStream, read_streams


def validate_session(folder: Path) -> list[str]:
    """Look for what is wrong with a session; an empty list means nothing is.

    Reads the whole recording once, so it takes about a second for 100 MB.
    """
    try:
        info = read_session(folder)
    except InputError as error:
        return [str(error)]
    problems = _check_recording(Path(folder) / RECORDING_FILE, info)
    if info.end.state == "unfinished":
        problems.append("the session was not ended: its state is unfinished")
    return problems


def _check_recording(path: Path, info: SessionInfo) -> list[str]:
    """Return what is wrong with a session's recording; nothing: an empty list."""
    try:
        streams = read_streams(path)
    except InputError as error:
        return [str(error)]
    problems = []
    for stream in streams:
        if stream.truncated:
            problems.append(
                f"stream {stream.name!r} was cut off; mend it with: "
                f"radgaze capture repair {path}"
            )
        if stream.damaged_chunks:
            problems.append(
                f"stream {stream.name!r} lost {stream.damaged_chunks} damaged chunks"
            )
    for wanted in info.streams:
        found = [s for s in streams if (s.name, s.type) == (wanted.name, wanted.type)]
        if wanted.required and not sum(len(s.stamps_s) for s in found):
            problems.append(
                f"required stream {wanted.name!r} ({wanted.role}) has no samples"
            )
        if wanted.role == "display":
            problems += _check_display(found, info)
    return problems


def _check_display(streams: list[XdfStream], info: SessionInfo) -> list[str]:
    events = [parse_event(text) for stream in streams for text in stream.texts]
    shown = {event.image_id for event in events if isinstance(event, ImageShown)}
    unknown = sorted(shown - {study.image_id for study in info.studies})
    problems = [f"image {name} was shown and is not in the session" for name in unknown]
    if len(shown) < info.end.images_read:
        problems.append(
            f"{info.end.images_read} images were read, {len(shown)} were shown"
        )
    return problems
