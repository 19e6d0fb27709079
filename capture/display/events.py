"""What the display stream says: one JSON object a sample, stamped at the flip."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal, TypeAlias, get_args

from capture.display.view import ActionKind, ViewState

Cause = Literal["zoom", "pan", "window", "invert", "fit", "reset"]
CAUSES: dict[ActionKind, Cause] = {
    "zoom": "zoom",
    "one_to_one": "zoom",
    "pan": "pan",
    "window": "window",
    "invert": "invert",
    "fit": "fit",
    "reset": "reset",
}
"""What a reader's action is called where it changes the view."""
EndState = Literal["complete", "stopped", "unfinished"]


class _Event:
    """A display event; `to_json` gives the text of its sample."""

    __slots__ = ()
    event: ClassVar[str]

    def to_json(self) -> str:
        """Return the event as one line of JSON."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}  # type: ignore[arg-type]
        return json.dumps({"event": self.event} | values, allow_nan=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted(_Event):
    """The display stream begins."""

    event: ClassVar[str] = "session_started"
    session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(_Event):
    """The last event of a session that ended on purpose."""

    event: ClassVar[str] = "session_ended"
    state: EndState


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat(_Event):
    """Sent every second, so that a display that hangs can be told from a calm one."""

    event: ClassVar[str] = "heartbeat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(_Event):
    """Free text by the program; never about a patient."""

    event: ClassVar[str] = "note"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Blank(_Event):
    """The empty screen between two images."""

    event: ClassVar[str] = "blank"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageShown(_Event):
    """An image is on the screen for the first time."""

    event: ClassVar[str] = "image_shown"
    image_id: str
    index: int
    """Position in the session's list of studies, from 0."""
    width_px: int
    """Width of the original image."""
    height_px: int
    """Height of the original image."""
    pixel_sha256: str
    affine: tuple[float, ...]
    """Original image pixels to screen pixels, as `geometry.View.as_affine` has it."""
    window_center: float
    window_width: float
    invert: bool

    @classmethod
    def of(
        cls, state: ViewState, *, image_id: str, index: int, pixel_sha256: str
    ) -> "ImageShown":
        """Tell of an image that is first seen in the view `state`."""
        return cls(
            image_id=image_id,
            index=index,
            width_px=state.image_width_px,
            height_px=state.image_height_px,
            pixel_sha256=pixel_sha256,
            affine=tuple(state.view.as_affine()),
            window_center=state.window_center,
            window_width=state.window_width,
            invert=state.invert,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewChanged(_Event):
    """The same image in another position, size or gray scale."""

    event: ClassVar[str] = "view_changed"
    image_id: str
    affine: tuple[float, ...]
    """Original image pixels to screen pixels, as `geometry.View.as_affine` has it."""
    window_center: float
    window_width: float
    invert: bool
    cause: Cause

    @classmethod
    def of(cls, state: ViewState, *, image_id: str, cause: Cause) -> "ViewChanged":
        """Tell of an image that is now seen in the view `state`."""
        return cls(
            image_id=image_id,
            affine=tuple(state.view.as_affine()),
            window_center=state.window_center,
            window_width=state.window_width,
            invert=state.invert,
            cause=cause,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageHidden(_Event):
    """The image left the screen."""

    event: ClassVar[str] = "image_hidden"
    image_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Other(_Event):
    """An event that this version does not know, or text that is no event at all."""

    event: ClassVar[str] = "other"
    text: str
    """The sample as it was."""
    name: str = ""
    """Its `event` field; empty where there is none."""
    data: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the sample as it was."""
        return self.text


Event: TypeAlias = (
    SessionStarted
    | SessionEnded
    | Heartbeat
    | Note
    | Blank
    | ImageShown
    | ViewChanged
    | ImageHidden
    | Other
)

EVENTS: dict[str, type[Event]] = {
    kind.event: kind for kind in get_args(Event) if kind is not Other
}
"""The `event` field to its class."""


def parse_event(text: str) -> Event:
    """Read one sample of the display stream.

    Unknown events and fields of later versions do not hurt: an event that lacks a
    field, or holds one of the wrong type, comes back as `Other`.
    """
    try:
        data = json.loads(text)
    except ValueError:
        return Other(text=text)
    if not isinstance(data, dict):
        return Other(text=text)
    name = data.get("event")
    kind = EVENTS.get(name) if isinstance(name, str) else None
    values = None if kind is None else _values(kind, data)
    if kind is None or values is None:
        return Other(text=text, name=str(name or ""), data=data)
    return kind(**values)


def _values(kind: type[Event], data: Mapping[str, Any]) -> dict[str, Any] | None:
    values = {}
    for item in fields(kind):
        value = data.get(item.name)
        if item.type in (float, "float") and type(value) is int:
            value = float(value)
        if item.name == "affine":
            value = _affine(value)
        elif not _fits(value, item.type):
            return None
        if value is None:
            return None
        values[item.name] = value
    return values


def _fits(value: object, wanted: object) -> bool:
    if wanted in (str, int, float, bool):
        return type(value) is wanted
    return value in get_args(wanted)


def _affine(value: object) -> tuple[float, ...] | None:
    if not isinstance(value, list | tuple) or len(value) != 6:
        return None
    if not all(type(number) in (int, float) for number in value):
        return None
    return tuple(float(number) for number in value)
