"""Any eye tracker whose own program publishes its gaze on the network."""

from typing import TYPE_CHECKING

from capture.display.state import DisplayState
from capture.errors import ConfigError, RadgazeError
from capture.streams import StreamSpec
from capture.trackers.base import PostAction

if TYPE_CHECKING:
    from capture.config import CaptureConfig


_SECOND_STREAM_S = 1.0
UNNAMED = "unnamed"
"""Stands for the empty source id of a program that gives its stream none."""


class GazeStreamError(RadgazeError):
    """The gaze stream of the vendor's program is not there."""


class LslTracker:
    """Names the vendor's stream for the recorder and publishes nothing itself.

    Rate, frame, clock and the mark of a lost eye are the vendor's: they are recorded
    as they come and mapped later by `streams.map_gaze`.
    """

    name = "lsl"
    simulated = False

    def __init__(self, config: "CaptureConfig") -> None:
        if not config.gaze_stream and not config.gaze_type:
            raise ConfigError("the lsl tracker needs gaze_stream or gaze_type")
        self._name, self._type = config.gaze_stream, config.gaze_type
        self._timeout_s = config.find_timeout_s
        self.nominal_rate_hz = 0.0
        self.streams: tuple[StreamSpec, ...] = ()

    def start(self, display: DisplayState, post_action: PostAction) -> None:  # noqa: ARG002
        """Find the stream.

        Raises:
            GazeStreamError: No such stream, or more than one.
        """
        from pylsl import resolve_bypred
        from pylsl.lib import fmt2string

        wanted = {"name": self._name, "type": self._type}
        parts = [f"{key}={value!r}" for key, value in wanted.items() if value]
        wanted_xpath = " and ".join(parts)
        found = resolve_bypred(wanted_xpath, 1, self._timeout_s)
        if found:
            # the first answer ends the search: a second stream gets time to answer too
            found += resolve_bypred(wanted_xpath, 2, _SECOND_STREAM_S)
        unique = {(s.name(), s.type(), s.source_id()) for s in found}
        if len(unique) != 1:
            names = ", ".join(f"{name} ({kind})" for name, kind, _ in sorted(unique))
            raise GazeStreamError(
                f"{len(unique)} gaze streams with {' and '.join(parts)}"
                f"{': ' + names if names else ''}; expected 1: start the tracker's own "
                "program, and see what is there with: radgaze capture check"
            )
        info = found[0]
        self.nominal_rate_hz = float(info.nominal_srate())
        self.streams = (
            StreamSpec(
                name=info.name(),
                type=info.type(),
                channel_count=info.channel_count(),
                nominal_rate_hz=self.nominal_rate_hz,
                channel_format=fmt2string[info.channel_format()],
                source_id=info.source_id() or UNNAMED,
                role="gaze",
            ),
        )

    def begin(self) -> None:
        """Do nothing: the vendor's samples flow already."""

    def stop(self) -> None:
        """Do nothing: the vendor's program goes on."""
