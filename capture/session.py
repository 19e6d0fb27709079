"""The session folder: one recording and the file that says what it is of."""

import json
import os
import platform
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from capture.display.events import EndState
from capture.documents import read_document
from capture.errors import InputError, writing
from capture.geometry import Screen
from capture.pseudonyms import pseudonym
from capture.studies import Study

FORMAT, VERSION = "radgaze-session", 1
SESSION_FILE, RECORDING_FILE = "session.json", "recording.xdf"
Role = Literal["gaze", "display", "audio", "other"]

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerInfo:
    """What watched the eyes."""

    name: str
    nominal_rate_hz: float
    accuracy_deg: float | None = None
    """As stated by its maker or measured; None where unknown."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Model, firmware and the like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStudy:
    """An image of the session, by pseudonym and by content."""

    image_id: str
    study_id: str
    patient_id: str
    file_sha256: str
    file_bytes: int
    pixel_sha256: str
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStream:
    """A stream that the recording is to hold."""

    name: str
    type: str
    role: Role
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnd:
    """How far the session came."""

    state: EndState = "unfinished"
    images_read: int = 0


def created_by() -> dict[str, str]:
    """Return the versions of what writes the session."""
    return {"radgaze": version("radgaze"), "python": platform.python_version()}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionInfo:
    """What session.json holds: pseudonyms and measures, no dates, paths or names."""

    session_id: str
    reader_id: str
    simulated: bool
    screen: Screen
    tracker: TrackerInfo
    studies: tuple[SessionStudy, ...]
    streams: tuple[SessionStream, ...]
    calibration: Mapping[str, Any] | None = None
    validation: Mapping[str, Any] | None = None
    end: SessionEnd = SessionEnd()
    created_by: Mapping[str, str] = field(default_factory=created_by)


def describe_study(
    study: Study, key: bytes, *, pixel_sha256: str, width_px: int, height_px: int
) -> SessionStudy:
    """Describe a study by pseudonyms and by the content of its image file.

    Args:
        study: From the study list.
        key: From `pseudonyms.load_or_make_key`.
        pixel_sha256: Of the stored pixels.
        width_px: Of the original image.
        height_px: Of the original image.

    Raises:
        InputError: The image file cannot be read.
    """
    from capture.images import file_bytes, file_sha256  # decoders cost 0.3 s to load

    sha256 = file_sha256(study.image)
    return SessionStudy(
        image_id=pseudonym("image", sha256, key),
        study_id=pseudonym("study", study.study_id, key),
        patient_id=pseudonym("patient", study.patient_id, key),
        file_sha256=sha256,
        file_bytes=file_bytes(study.image),
        pixel_sha256=pixel_sha256,
        width_px=width_px,
        height_px=height_px,
    )


def new_session_folder(root: Path, reader_id: str, session_id: str) -> Path:
    """Make `root/reader_id/session_id`, which must not be there yet.

    Raises:
        InputError: The folder exists already, or an id cannot be a folder's name.
    """
    for name in (reader_id, session_id):
        if not _SAFE_NAME.fullmatch(name):
            raise InputError(
                Path(root),
                f"{name!r} cannot name a folder",
                "use letters, digits, - _ .",
            )
    folder = Path(root) / reader_id / session_id
    try:
        with writing(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
    except InputError as error:
        if not folder.exists():
            raise
        raise InputError(
            folder, "exists already; sessions are never overwritten", "start a new one"
        ) from error
    return folder


def write_session(folder: Path, info: SessionInfo) -> None:
    """Write session.json, replacing one that is there in a single step."""
    values: dict[str, Any] = asdict(info)
    values["tracker"] = values["tracker"].pop("details") | values["tracker"]
    data = {"format": FORMAT, "version": VERSION} | values
    target = Path(folder) / SESSION_FILE
    beside = target.with_name(f".{SESSION_FILE}.tmp")
    with writing(target):
        with beside.open("w", encoding="utf-8") as file:
            json.dump(data, file, indent=1, allow_nan=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)


def read_session(folder: Path) -> SessionInfo:
    """Read session.json of a session folder.

    Raises:
        InputError: The file is missing, no JSON, or lacks a field.
        VersionError: It was written in another version of the format.
    """
    path = Path(folder) / SESSION_FILE
    if not path.exists():
        raise InputError(folder, f"is not a session: it has no {SESSION_FILE}")
    data = read_document(path, FORMAT, VERSION)
    try:
        return _info(data)
    except KeyError as error:
        raise InputError(path, f"lacks the field {error}") from error
    except (TypeError, ValueError) as error:
        raise InputError(path, f"holds a field that cannot be: {error}") from error


def _info(data: dict[str, Any]) -> SessionInfo:
    tracker = dict(data["tracker"])
    known = {name: tracker.pop(name) for name in ("name", "nominal_rate_hz")}
    return SessionInfo(
        session_id=str(data["session_id"]),
        reader_id=str(data["reader_id"]),
        simulated=bool(data["simulated"]),
        screen=Screen(**data["screen"]),
        tracker=TrackerInfo(
            **known, accuracy_deg=tracker.pop("accuracy_deg", None), details=tracker
        ),
        studies=tuple(SessionStudy(**study) for study in data["studies"]),
        streams=tuple(SessionStream(**stream) for stream in data["streams"]),
        calibration=data.get("calibration"),
        validation=data.get("validation"),
        end=SessionEnd(**data["end"]),
        created_by=data["created_by"],
    )
