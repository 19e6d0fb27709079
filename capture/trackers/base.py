"""What a source of gaze must do to take part in a session."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from capture.display.state import DisplayState
from capture.display.view import Action
from capture.errors import RadgazeError

if TYPE_CHECKING:
    from capture.config import CaptureConfig
    from capture.streams import StreamSpec

PostAction = Callable[[Action], None]
"""Plays an action into the window as real input; only simulated readers use it."""


class TrackerError(RadgazeError):
    """A tracker failed while a session ran."""


class Tracker(Protocol):
    """A source of gaze: start opens its streams, begin lets samples flow, stop ends.

    Built by `make_tracker` from the name on the command line and the session's
    configuration.
    """

    name: str
    """The name in the table of trackers."""
    nominal_rate_hz: float
    """Samples a second it means to deliver."""
    simulated: bool
    """Whether nobody real is looking; noted in the session."""
    streams: "tuple[StreamSpec, ...]"
    """Every stream it publishes, or expects of the vendor's own program."""

    def start(self, display: DisplayState, post_action: PostAction) -> None:
        """Open the outlets, so that the recorder can find them.

        Args:
            display: What is on the screen, for trackers that need to know.
            post_action: Plays input into the window, for simulated readers.

        Raises:
            RadgazeError: The device or its stream is not there.
        """

    def begin(self) -> None:
        """Let samples flow: the recorder is connected.

        A tracker that has to give up from now on posts the action `stop`, which ends
        the session safely, and tells why when it is stopped itself.
        """

    def stop(self) -> None:
        """End the samples; the last one is pushed when this returns.

        A second call does nothing.

        Raises:
            RadgazeError: The tracker had to give up before.
        """


@runtime_checkable
class KnowsTruth(Protocol):
    """A simulated tracker, which knows what its reader really did."""

    def write_truth(self, folder: Path) -> None:
        """Write it into the session folder; called after `Tracker.stop`."""


class TrackerFactory(Protocol):
    """Builds a tracker; a tracker class with this `__init__` is one."""

    def __call__(self, config: "CaptureConfig") -> Tracker:
        """Build the tracker for one session, without touching any device."""
