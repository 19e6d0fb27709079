"""The recorder: a process of its own that writes all streams of a session to a file.

A window that hangs or a tracker that crashes cannot take the recording along, and the
death of this process leaves a file that `capture.xdf.repair` makes whole.
"""

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from capture.audio import MicrophoneConfig
from capture.errors import RadgazeError
from capture.streams import ExpectedStream

__all__ = ["ExpectedStream", "MicrophoneConfig", "RecorderError", "RecorderProcess"]

Status = dict[str, Any]
"""One line of the recorder: `event` is found, missing, recording, status, alarm, error
or stopped; alarms have `kind`, `stream` and `message`."""

_STOP_WITHIN_S = 20.0


class RecorderError(RadgazeError):
    """The recording could not begin, or did not end as it should."""


class RecorderProcess:
    """Runs the recorder; also a context manager that stops it.

    Args:
        path: Recording to make; it must not exist.
        streams: What to record.
        microphone: Recorded by the recorder itself, without a network in between.
        environment: Added to this process's own, such as `lsl_config.machine_only`.
    """

    def __init__(
        self,
        path: Path,
        streams: Sequence[ExpectedStream],
        microphone: MicrophoneConfig | None = None,
        *,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.path, self.streams, self.microphone = Path(path), streams, microphone
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.SimpleQueue[Status | None] = queue.SimpleQueue()
        self._kept: list[Status] = []
        self._found: set[str] = set()
        self._ended = False
        self._summary: Status | None = None
        self._error = self._tail = ""

    @property
    def pid(self) -> int | None:
        """Process id; None before `start`."""
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        """Whether the process is there and has not said that it stopped."""
        alive = self._process is not None and self._process.poll() is None
        return alive and self._summary is None

    def start(self) -> None:
        """Start the process, which looks for the streams at once."""
        config = {
            "path": os.fspath(self.path.absolute()),
            "streams": [asdict(stream) for stream in self.streams],
            "microphone": asdict(self.microphone) if self.microphone else None,
        }
        self._errors = tempfile.TemporaryFile("w+b")  # noqa: SIM115 # lives as long as we
        self._process = subprocess.Popen(
            [sys.executable, "-m", "capture.recorder"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=os.environ | self._environment,
            text=True,
            encoding="utf-8",
            # the terminal's Ctrl-C is for the program that reads, which then stops us
            start_new_session=True,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._tell(json.dumps(config))

    def wait_until_recording(self, timeout_s: float = 10.0) -> None:
        """Return when all required streams, and the microphone, are being recorded.

        Raises:
            RecorderError: One of them was not found in time, or the recorder failed; it
                is stopped then.
        """
        deadline_s = time.monotonic() + timeout_s
        while True:
            line = self._next(deadline_s - time.monotonic())
            if line is not None:
                self._kept.append(line)
                if line["event"] == "recording":
                    return
            if self._error or self._ended:
                self.kill()
                raise RecorderError(self._failure())
            if time.monotonic() >= deadline_s:
                self.kill()
                raise RecorderError(self._missing(timeout_s))

    def poll(self) -> list[Status]:
        """Return what the recorder said since the last call, without waiting."""
        lines, self._kept = self._kept, []
        while (line := self._next(0.0)) is not None:
            lines.append(line)
        return lines

    def stop(self) -> Status:
        """Drain the streams, close the file, and return what was written.

        Returns:
            `streams` maps each stream's name to its number of samples, `alarms` counts
            the alarms, `path` and `bytes` say what came of it.

        Raises:
            RecorderError: The recorder failed or did not answer.
        """
        if self._process is None:
            raise RecorderError("the recorder was not started")
        if self._summary is None:
            self._tell("stop")
            deadline_s = time.monotonic() + _STOP_WITHIN_S
            while self._summary is None and not self._ended:
                line = self._next(deadline_s - time.monotonic())
                if line is not None:
                    self._kept.append(line)
                elif time.monotonic() >= deadline_s:
                    break
        if self._summary is None or self._error:
            self.kill()
            raise RecorderError(self._failure())
        self._finish()
        return self._summary

    def kill(self) -> None:
        """End the process at once; what is on the disk can be repaired."""
        if self._process is not None:
            self._process.kill()
            self._finish()

    def __enter__(self) -> Self:
        if self._process is None:
            self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        try:
            self.stop()
        except RecorderError:
            if kind is None:
                raise

    def _tell(self, line: str) -> None:
        if self._process is None or self._process.stdin is None:
            return
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            # it has ended: what it said last tells why
            return

    def _listen(self) -> None:
        if self._process is not None and self._process.stdout is not None:
            for text in self._process.stdout:
                self._lines.put(json.loads(text))
        self._lines.put(None)

    def _next(self, timeout_s: float) -> Status | None:
        try:
            if timeout_s > 0:
                line = self._lines.get(timeout=timeout_s)
            else:
                line = self._lines.get_nowait()
        except queue.Empty:
            return None
        if line is None:
            self._ended = True
        elif line["event"] == "found":
            self._found.add(line["stream"])
        elif line["event"] == "stopped":
            self._summary = line
        elif line["event"] == "error":
            self._error = line["message"]
        return line

    def _missing(self, timeout_s: float) -> str:
        missing = [
            f"{s.name!r} (type {s.type!r}"
            + (f", id {s.source_id!r})" if s.source_id else ")")
            for s in self.streams
            if s.required and s.name not in self._found
        ]
        if not missing:
            return f"the recorder was not ready within {timeout_s:g} s"
        return (
            f"no stream {', '.join(missing)} was found within {timeout_s:g} s; start "
            "what publishes it, and check that firewall and LSL session id allow it"
        )

    def _failure(self) -> str:
        if self._error:
            return self._error
        return f"the recorder ended unexpectedly: {self._tail or 'it said nothing'}"

    def _finish(self) -> None:
        process = self._process
        if process is None or process.stdin is None or self._errors.closed:
            return
        process.wait(_STOP_WITHIN_S)
        self._listener.join(_STOP_WITHIN_S)
        with self._errors:
            self._errors.seek(0)
            self._tail = self._errors.read().decode("utf-8", "replace").strip()[-500:]
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        if process.stdout is not None:
            process.stdout.close()


if __name__ == "__main__":
    from capture.recorder_process import main

    sys.exit(main())
