"""The mouse as a gaze tracker: for trying a session out without any device."""

import math
import threading
from typing import TYPE_CHECKING

from capture.display.state import DisplayState
from capture.streams import GAZE_LABELS, StreamSpec, gaze_spec
from capture.trackers.base import PostAction

if TYPE_CHECKING:
    from capture.config import CaptureConfig

_LOST = [math.nan] * len(GAZE_LABELS)


class MouseTracker:
    """Publishes the mouse position as the gaze of both eyes; no pupil.

    Frame: screen pixels. Clock: LSL. Outside the window the gaze is lost: NaN.
    """

    name = "mouse"
    simulated = False

    def __init__(self, config: "CaptureConfig") -> None:
        self.nominal_rate_hz = config.mouse_rate_hz
        self.streams: tuple[StreamSpec, ...] = (
            gaze_spec(
                config.screen,
                self.nominal_rate_hz,
                kind="mouse",
                acquisition={"manufacturer": "radgaze", "model": "mouse as gaze"},
            ),
        )
        self._display: DisplayState | None = None
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, display: DisplayState, post_action: PostAction) -> None:  # noqa: ARG002
        """Open the gaze outlet; the mouse plays nothing into the window."""
        from pylsl import StreamOutlet

        self._display = display
        self._outlet = StreamOutlet(self.streams[0].to_stream_info())

    def begin(self) -> None:
        """Publish the mouse position from now on, in a thread of its own."""
        self._thread = threading.Thread(target=self._publish, name="mouse", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the samples."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _publish(self) -> None:
        from pylsl import local_clock

        period_s = 1 / self.nominal_rate_hz
        due_s = local_clock()
        while not self._ended.wait(max(0.0, due_s - local_clock())):
            self._outlet.push_sample(self._sample(), local_clock())
            # after a stall go on from now: a burst would not be where the mouse was
            due_s = max(due_s + period_s, local_clock())

    def _sample(self) -> list[float]:
        at_px = None if self._display is None else self._display.mouse_px()
        if at_px is None:
            return _LOST
        return [*at_px, math.nan, *at_px, math.nan]
