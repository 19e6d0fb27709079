"""Which channels of a gaze stream are which eye's x, y and pupil, and in what unit."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capture.errors import RadgazeError
from capture.geometry import Points, Screen

Eye = Literal["left", "right", "both"]
Unit = Literal["pixels", "normalized"]
Origin = Literal["top_left", "bottom_left", "center"]

_UNITS: dict[str, Unit] = {
    "pixels": "pixels",
    "pixel": "pixels",
    "px": "pixels",
    "normalized": "normalized",
    "normalised": "normalized",
    "screencoords": "normalized",
}
_ORIGINS: tuple[Origin, ...] = ("top_left", "bottom_left", "center")
_EYES: tuple[tuple[re.Pattern[str], Eye], ...] = (
    (re.compile(r"(^|[^a-z])(left|l)([^a-z]|$)|^left"), "left"),
    (re.compile(r"(^|[^a-z])(right|r)([^a-z]|$)|^right"), "right"),
)
_X = re.compile(r"(^|[^a-z])x([^a-z]|$)|(gaze|eye|por|pog)x$")
_Y = re.compile(r"(^|[^a-z])y([^a-z]|$)|(gaze|eye|por|pog)y$")
# places in the room and in the camera image are no gaze on the screen
_NOT_ON_SCREEN = re.compile(
    r"origin|user_coordinates|head|position_?[xyz]|3d|normal|dir"
)
_SDK_MISSING = -32768.0
_FAR = 5.0  # screens away from the screen: a garbled number, no gaze


class GazeMappingError(RadgazeError):
    """A stream's channels do not say where on the screen the eyes look."""

    def __init__(self, stream: str, found: str, labels: list[str]) -> None:
        self.stream, self.labels = stream, labels
        super().__init__(
            f"stream {stream!r}: {found}; channel labels found: "
            f"{', '.join(labels) or 'none'}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EyeChannels:
    """Channel numbers of one eye."""

    x: int
    y: int
    pupil: int | None = None
    pupil_factor: float = 1.0
    """What the pupil is multiplied by to become a diameter: 2 for a radius."""


@dataclass(frozen=True, slots=True)
class EyeGaze:
    """What one eye did."""

    xy_px: Points
    """(n, 2) screen pixels; NaN where the eye was lost."""
    pupil: NDArray[np.float64]
    """(n,) diameter in the stream's unit; NaN where unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GazeMapping:
    """How the channels of one gaze stream become points on the screen."""

    eyes: Mapping[Eye, EyeChannels]
    """left and right, or both where the stream has one combined point."""
    unit: Unit
    origin: Origin
    pupil_unit: str = ""
    """As the stream has it; empty where it does not say."""

    def to_screen_px(self, values: ArrayLike, screen: Screen) -> dict[Eye, EyeGaze]:
        """Take each eye out of the samples.

        Lost gaze becomes NaN, however it was marked: not finite, both coordinates
        exactly 0, the SDKs' -32768, or more than 5 screens off.

        Args:
            values: (n, channels) samples as recorded.
            screen: What normalized coordinates are shares of.

        Returns:
            For each eye (n, 2) pixels from the top-left corner, and (n,) pupils.

        Raises:
            ValueError: `values` has fewer channels than the mapping names.
        """
        data = np.asarray(values)
        last = max(max(c.x, c.y, c.pupil or 0) for c in self.eyes.values())
        if data.ndim != 2 or data.shape[1] <= last:
            raise ValueError(f"values must have over {last} channels, got {data.shape}")
        return {eye: self._one(data, c, screen) for eye, c in self.eyes.items()}

    def _one(self, data: NDArray[Any], eye: EyeChannels, screen: Screen) -> EyeGaze:
        size_px = np.array([screen.width_px, screen.height_px], dtype=np.float64)
        xy = data[:, [eye.x, eye.y]].astype(np.float64)
        lost = ~np.isfinite(xy).all(1) | (xy == _SDK_MISSING).any(1)
        if self.origin != "center":
            lost |= (xy == 0).all(1)
        if self.unit == "normalized":
            xy = xy * size_px
        if self.origin == "bottom_left":
            xy[:, 1] = size_px[1] - xy[:, 1]
        elif self.origin == "center":
            xy = size_px / 2 + xy * (1, -1)
        with np.errstate(invalid="ignore"):
            lost |= (np.abs(xy) > _FAR * size_px).any(1)
        xy[lost] = np.nan
        pupil = np.full(len(data), np.nan)
        if eye.pupil is not None:
            pupil = data[:, eye.pupil].astype(np.float64) * eye.pupil_factor
            with np.errstate(invalid="ignore"):
                pupil[~(pupil > 0)] = np.nan
        return EyeGaze(xy, pupil)


@dataclass(frozen=True, slots=True)
class _Channel:
    number: int
    label: str
    kind: str
    eye: Eye
    unit: str


_Header: TypeAlias = Mapping[str, Any]


def map_gaze(
    header: _Header, *, unit: Unit | None = None, origin: Origin | None = None
) -> GazeMapping:
    """Find the gaze of each eye among the channels of a stream.

    By type (ScreenX, ScreenY, Diameter) and eye where the header states them, else by
    label; never by position.

    Args:
        header: Stream header as pyxdf and `capture.xdf.read_streams` have it: every
            element a list, with or without the outer `info`.
        unit: Of the coordinates, where the header does not say or is wrong.
        origin: Of the coordinates, where the header does not say or is wrong; at the
            center y points up.

    Raises:
        GazeMappingError: No eye has both x and y, or unit or origin is unknown.
    """
    info = _first(header, "info") if "info" in header else header
    name = str(_text(info, "name"))
    channels = list(_channels(info))
    labels = [channel.label for channel in channels]
    eyes = _eyes(channels)
    if not eyes:
        raise GazeMappingError(name, "no channels for x and y on the screen", labels)
    used = next(iter(eyes.values()))
    stated = channels[used.x].unit
    unit = unit or _UNITS.get(stated)
    if unit is None:
        raise GazeMappingError(
            name,
            f"the unit of the gaze is {stated or 'not stated'!r}, which cannot be "
            "placed on the screen; state it as pixels or normalized",
            labels,
        )
    origin = origin or _origin(info)
    if origin is None:
        raise GazeMappingError(
            name, f"the origin is not stated; state it: {', '.join(_ORIGINS)}", labels
        )
    pupil_unit = "" if used.pupil is None else channels[used.pupil].unit
    return GazeMapping(eyes=eyes, unit=unit, origin=origin, pupil_unit=pupil_unit)


def _eyes(channels: list[_Channel]) -> dict[Eye, EyeChannels]:
    found: dict[Eye, EyeChannels] = {}
    eyes: tuple[Eye, ...] = ("left", "right", "both")
    for eye in eyes:
        mine = [channel for channel in channels if channel.eye == eye]
        x, y = _find(mine, "screenx", _X), _find(mine, "screeny", _Y)
        if x is None or y is None:
            continue
        pupil = next((c for c in mine if _is_pupil(c)), None)
        found[eye] = EyeChannels(
            x=x.number,
            y=y.number,
            pupil=pupil.number if pupil else None,
            pupil_factor=2.0 if pupil and "radius" in _words(pupil) else 1.0,
        )
    if "left" in found or "right" in found:
        found.pop("both", None)
    return found


def _find(
    channels: list[_Channel], kind: str, label: re.Pattern[str]
) -> _Channel | None:
    typed = [channel for channel in channels if channel.kind == kind]
    if typed or any(channel.kind in ("screenx", "screeny") for channel in channels):
        return typed[0] if typed else None
    for channel in channels:
        text = channel.label.lower()
        off = _NOT_ON_SCREEN.search(text) or _is_pupil(channel)
        if label.search(text) and not off:
            return channel
    return None


def _is_pupil(channel: _Channel) -> bool:
    if channel.kind in ("diameter", "radius", "diameterx"):
        return True
    text = channel.label.lower()
    return "pupil" in text and re.search(r"_[xyz]$|[xyz]_", text) is None


def _words(channel: _Channel) -> str:
    return f"{channel.kind} {channel.label.lower()}"


def _channels(info: _Header) -> Iterator[_Channel]:
    count = int(float(_text(info, "channel_count") or 0))
    listed = _first(_first(info, "desc"), "channels").get("channel") or []
    described = [item for item in listed if isinstance(item, Mapping)]
    for number in range(count):
        item = described[number] if number < len(described) else {}
        label = _text(item, "label") or f"ch{number}"
        yield _Channel(
            number=number,
            label=label,
            kind=(_text(item, "type") or _text(item, "metatype")).lower(),
            eye=_eye(_text(item, "eye").lower(), label.lower()),
            unit=_text(item, "unit").lower(),
        )


def _eye(stated: str, label: str) -> Eye:
    for pattern, eye in _EYES:
        if stated == eye or (not stated and pattern.search(label)):
            return eye
    return "both"


def _origin(info: _Header) -> Origin | None:
    screen = _first(_first(_first(info, "desc"), "radgaze"), "screen")
    stated = _text(screen, "origin").lower().replace("-", "_")
    return next((origin for origin in _ORIGINS if origin == stated), None)


def _first(parent: _Header, tag: str) -> _Header:
    value = parent.get(tag)
    if isinstance(value, list):
        value = value[0] if value else None
    return value if isinstance(value, Mapping) else {}


def _text(parent: _Header, tag: str) -> str:
    value = parent.get(tag)
    if isinstance(value, list):
        value = value[0] if value else None
    return value.strip() if isinstance(value, str) else ""
