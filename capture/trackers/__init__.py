"""Where gaze comes from. A new tracker is one module and one line in the table."""

from importlib import import_module
from typing import TYPE_CHECKING

from capture.errors import UnknownNameError

if TYPE_CHECKING:
    from capture.config import CaptureConfig
    from capture.trackers.base import Tracker, TrackerFactory

TRACKERS: dict[str, str] = {
    "mouse": "capture.trackers.mouse:MouseTracker",
    "lsl": "capture.trackers.lsl:LslTracker",
    "simulated": "capture.trackers.simulated:SimulatedTracker",
}
"""Name on the command line to module:class, which is loaded when it is asked for."""


def make_tracker(name: str, config: "CaptureConfig") -> "Tracker":
    """Build the tracker called `name` for one session.

    Raises:
        UnknownNameError: `name` is not in `TRACKERS`.
    """
    if name not in TRACKERS:
        raise UnknownNameError("tracker", name, TRACKERS)
    module, _, attribute = TRACKERS[name].partition(":")
    factory: TrackerFactory = getattr(import_module(module), attribute)
    return factory(config)
