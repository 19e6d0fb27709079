"""The streams of a session: described once, for the network and for the file."""

import socket
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from capture.gaze_channels import EyeGaze, GazeMapping, GazeMappingError, map_gaze
from capture.geometry import Screen
from capture.session import Role

__all__ = [
    "AUDIO_NAME",
    "DISPLAY_NAME",
    "GAZE_LABELS",
    "GAZE_NAME",
    "ChannelFormat",
    "Desc",
    "ExpectedStream",
    "EyeGaze",
    "GazeMapping",
    "GazeMappingError",
    "StreamSpec",
    "audio_spec",
    "display_spec",
    "gaze_spec",
    "map_gaze",
]

ChannelFormat = Literal[
    "int8", "int16", "int32", "int64", "float32", "double64", "string"
]
Desc: TypeAlias = tuple[tuple[str, "str | Desc"], ...]
"""Elements in order, each with text or with elements of its own; no attributes, which
readers of XDF drop."""

GAZE_NAME, DISPLAY_NAME, AUDIO_NAME = "radgaze_gaze", "radgaze_display", "radgaze_audio"
AUDIO_VECTOR_HZ = 100
HEARTBEAT_HZ = 1.0
GAZE_LABELS = (
    "left_gaze_x",
    "left_gaze_y",
    "left_pupil_diameter",
    "right_gaze_x",
    "right_gaze_y",
    "right_pupil_diameter",
)
# a file reader that fits one line through all stamps would smear every gap
_GAPS: Desc = (("synchronization", (("can_drop_samples", "true"),)),)
_SCHEMA: tuple[tuple[str, str], ...] = (("schema_version", "1"), ("clock", "lsl"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedStream:
    """A stream that somebody else publishes and the recorder is to find."""

    name: str
    type: str
    source_id: str = ""
    """Exact id; empty to take any outlet of this name and type."""
    role: Role = "other"
    required: bool = True
    heartbeat_hz: float = 0.0
    """At least so many samples a second, for a stream without a fixed rate; 0 where
    silence means nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSpec:
    """One stream: what an outlet announces and what a file's header says."""

    name: str
    type: str
    channel_count: int
    nominal_rate_hz: float
    """0 for a stream without a fixed rate."""
    channel_format: ChannelFormat
    source_id: str
    """The same after a restart, so that a recorder finds the stream again."""
    role: Role = "other"
    desc: Desc = ()
    """What stands in the header's desc element."""

    def __post_init__(self) -> None:
        if not self.name or not self.source_id:
            raise ValueError(f"a stream needs a name and a source_id: {self}")
        if self.channel_count < 1 or not 0 <= self.nominal_rate_hz < float("inf"):
            raise ValueError(f"channel count or rate cannot be: {self}")
        if self.channel_format not in get_args(ChannelFormat):
            raise ValueError(f"no channel format {self.channel_format!r}")

    def expected(self, *, required: bool = True) -> ExpectedStream:
        """Return how a recorder finds this very stream."""
        return ExpectedStream(
            name=self.name,
            type=self.type,
            source_id=self.source_id,
            role=self.role,
            required=required,
            heartbeat_hz=HEARTBEAT_HZ if self.role == "display" else 0.0,
        )

    def to_header_xml(self) -> str:
        """Return the XML of an XDF stream header, as a recorded outlet would have it.

        It names no host and no moment, so that the same stream gives the same bytes.
        """
        info = ET.Element("info")
        for tag, text in (
            ("name", self.name),
            ("type", self.type),
            ("channel_count", str(self.channel_count)),
            ("channel_format", self.channel_format),
            ("source_id", self.source_id),
            ("nominal_srate", repr(float(self.nominal_rate_hz))),
            ("version", "1.0"),
        ):
            ET.SubElement(info, tag).text = text
        _fill_element(ET.SubElement(info, "desc"), self.desc)
        return '<?xml version="1.0"?>\n' + ET.tostring(info, encoding="unicode")

    def to_stream_info(self) -> Any:
        """Return the pylsl `StreamInfo` that an outlet is opened with."""
        # loads a shared library: only a program that publishes needs it
        from pylsl import StreamInfo

        info = StreamInfo(
            self.name,
            self.type,
            self.channel_count,
            float(self.nominal_rate_hz),
            self.channel_format,
            self.source_id,
        )
        _fill_node(info.desc(), self.desc)
        return info


def gaze_spec(
    screen: Screen,
    rate_hz: float,
    *,
    kind: str = "tracker",
    host: str | None = None,
    acquisition: Mapping[str, str] | None = None,
    calibration: Mapping[str, str] | None = None,
) -> StreamSpec:
    """Describe gaze of two eyes in screen pixels, pupil diameters in mm, NaN for lost.

    Args:
        screen: What the pixels are of.
        rate_hz: Samples a second of the tracker.
        kind: The tracker's short name; part of the source id.
        host: Of the source id; None for this machine.
        acquisition: manufacturer, model, serial_number and the like.
        calibration: Measures of the calibration, as text.
    """
    size = [
        (name, repr(getattr(screen, name)))
        for name in ("width_px", "height_px", "width_mm", "height_mm", "distance_mm")
    ]
    ours: Desc = (
        *_SCHEMA,
        ("screen", (*size, ("origin", "top_left"))),
        ("missing", "nan"),
    )
    if calibration:
        ours = (*ours, ("calibration", tuple(calibration.items())))
    about: Desc = (("acquisition", tuple(acquisition.items())),) if acquisition else ()
    channels: Desc = tuple(("channel", _gaze_channel(label)) for label in GAZE_LABELS)
    return StreamSpec(
        name=GAZE_NAME,
        type="Gaze",
        channel_count=len(GAZE_LABELS),
        nominal_rate_hz=rate_hz,
        channel_format="float32",
        source_id=_source_id(kind, host, "gaze"),
        role="gaze",
        desc=(("channels", channels), *about, *_GAPS, ("radgaze", ours)),
    )


def display_spec(*, kind: str = "display", host: str | None = None) -> StreamSpec:
    """Describe the display's events: JSON text, see `capture.display.events`."""
    label: Desc = (("label", "event"), ("type", "Marker"), ("unit", "json"))
    return StreamSpec(
        name=DISPLAY_NAME,
        type="Markers",
        channel_count=1,
        nominal_rate_hz=0.0,
        channel_format="string",
        source_id=_source_id(kind, host, "display"),
        role="display",
        desc=(
            ("channels", (("channel", label),)),
            *_GAPS,
            ("radgaze", (*_SCHEMA, ("heartbeat_hz", repr(HEARTBEAT_HZ)))),
        ),
    )


def audio_spec(
    rate_hz: int,
    *,
    kind: str = "microphone",
    host: str | None = None,
    stamp_source: Literal["callback", "adc", "simulated"] = "callback",
) -> StreamSpec:
    """Describe mono sound as vectors of 10 ms, each stamped at its first sample.

    Args:
        rate_hz: Audio samples a second, a multiple of 100.
        kind: What recorded it; part of the source id.
        host: Of the source id; None for this machine.
        stamp_source: Which clock the stamps were taken from.

    Raises:
        ValueError: `rate_hz` is not a multiple of 100.
    """
    if rate_hz <= 0 or rate_hz % AUDIO_VECTOR_HZ:
        raise ValueError(f"audio rate must be a multiple of 100 Hz, got {rate_hz}")
    frame = rate_hz // AUDIO_VECTOR_HZ
    sound: Desc = (
        ("sample_rate", str(rate_hz)),
        ("frame_samples", str(frame)),
        ("stamp", "first_sample"),
        ("stamp_source", stamp_source),
    )
    return StreamSpec(
        name=AUDIO_NAME,
        type="Audio",
        channel_count=frame,
        nominal_rate_hz=float(AUDIO_VECTOR_HZ),
        channel_format="int16",
        source_id=_source_id(kind, host, "audio"),
        role="audio",
        desc=(*_GAPS, ("audio", sound), ("radgaze", _SCHEMA)),
    )


def _source_id(kind: str, host: str | None, role: str) -> str:
    return f"radgaze:{kind}:{host or socket.gethostname()}:{role}"


def _gaze_channel(label: str) -> Desc:
    eye, what, part = label.split("_")
    if what == "pupil":
        kind, unit = "Diameter", "mm"
    else:
        kind, unit = f"Screen{part.upper()}", "pixels"
    return (("label", label), ("eye", eye), ("type", kind), ("unit", unit))


def _fill_element(element: ET.Element, desc: Desc) -> None:
    for tag, value in desc:
        child = ET.SubElement(element, tag)
        if isinstance(value, str):
            child.text = value
        else:
            _fill_element(child, value)


def _fill_node(node: Any, desc: Desc) -> None:
    for tag, value in desc:
        if isinstance(value, str):
            node.append_child_value(tag, value)
        else:
            _fill_node(node.append_child(tag), value)
