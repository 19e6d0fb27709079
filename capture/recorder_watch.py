"""Watch the recorder while a session runs: pass its alarms on, notice its end."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from capture.errors import RadgazeError

if TYPE_CHECKING:
    from capture.recorder import RecorderProcess

Notify = Callable[[str], None]
"""Takes a line for the user."""

_ANSWER_S = 3.0  # the recorder speaks every second
_SILENT = "the recorder does not answer"


class RecorderLostError(RadgazeError):
    """The recorder ended while the session ran."""

    def __init__(self, recording: Path, why: str = "") -> None:
        self.recording = recording
        super().__init__(
            f"{why or f'{recording}: the recorder ended while the session ran'}; the "
            "session was stopped; make what is recorded whole with: "
            f"radgaze capture repair {recording}"
        )


class RecorderWatch:
    """Tells what is wrong with a recording that goes on.

    Args:
        recorder: It records.
        notify: Is given every alarm once.
        clock: Returns seconds.
    """

    def __init__(
        self,
        recorder: "RecorderProcess",
        notify: Notify,
        clock: Callable[[], float],
    ) -> None:
        self._recorder, self._notify, self._clock = recorder, notify, clock
        self._alarms: dict[str, str] = {}
        self._silent = False
        self._heard_s = clock()

    def look(self) -> str:
        """Take what the recorder said since the last call.

        Returns:
            What is wrong at present, for the reader's eyes; empty if nothing is.

        Raises:
            RecorderLostError: It has ended, so that nothing is recorded any more.
        """
        said = self._recorder.poll()
        self._hear(bool(said))
        why = ""
        for status in said:
            text = str(status.get("message", ""))
            if status["event"] == "alarm":
                self._alarms[str(status.get("stream"))] = text
                self._notify(text)
            elif status["event"] == "resumed":
                self._alarms.pop(str(status["stream"]), None)
                self._notify(f"stream {status['stream']!r} is back")
            elif status["event"] == "error":
                why = text
        if why or not self._recorder.running:
            raise RecorderLostError(self._recorder.path, why)
        return ", ".join([*([_SILENT] if self._silent else ()), *self._alarms.values()])

    def _hear(self, spoke: bool) -> None:
        """Notice a recorder that hangs; what it is to record waits for it."""
        now_s = self._clock()
        if spoke:
            self._heard_s = now_s
        silent = now_s - self._heard_s > _ANSWER_S
        if silent and not self._silent:
            self._notify(f"{_SILENT}: is the disk or the network slow?")
        if self._silent and not silent:
            self._notify("the recorder answers again")
        self._silent = silent
