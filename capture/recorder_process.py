"""The recorder's own side: takes its orders on stdin and speaks JSON on stdout."""

import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

import numpy as np
import pylsl
from numpy.typing import NDArray

from capture.audio import (
    Microphone,
    MicrophoneConfig,
    MicrophoneError,
    OpenStream,
)
from capture.errors import RadgazeError
from capture.recorder_inlets import (
    OFFSET_EVERY_S,
    Header,
    InletThread,
    Item,
    Offset,
    Said,
    Samples,
    Segment,
)
from capture.streams import ExpectedStream, audio_spec
from capture.xdf import XdfWriter, clean_header

_TICK_S = 0.05
_STATUS_S = 1.0
_BOUNDARY_S = 2.0
_SYNC_S = 0.2  # with the tick: on the disk within 0.25 s
_OPTIONAL_WAIT_S = 2.0
_FIRST_SAMPLE_S = 10.0
_JOIN_S = 6.0

Say = Callable[[dict[str, Any]], None]


@dataclass(slots=True)
class _Watch:
    """When a stream spoke last, and how long it may be silent."""

    limit_s: float | None
    since_s: float
    samples: int = 0
    silent: bool = False


class Recorder:
    """Writes the streams it is told to until `stop` is set.

    Args:
        path: Recording to make.
        streams: What to record.
        microphone: Device to record, or None.
        say: Takes one status line.
        stop: Set when the recording is to end.
        open_stream: Opens the microphone; None for PortAudio.
    """

    def __init__(
        self,
        path: Path,
        streams: list[ExpectedStream],
        microphone: MicrophoneConfig | None,
        say: Say,
        stop: threading.Event,
        open_stream: OpenStream | None = None,
    ) -> None:
        self.path, self.stop, self._say_line = path, stop, say
        self._queue: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self._threads = [InletThread(s, self._queue.put, stop) for s in streams]
        self._ids: dict[Segment, int] = {}
        self._watches: dict[str, _Watch] = {}
        self._alarms = 0
        self._recording = False
        self._microphone: Microphone | None = None
        if microphone is not None:
            self._prepare_microphone(microphone, open_stream)

    def run(self) -> dict[str, Any]:
        """Record; return what was written.

        Raises:
            RadgazeError: The file cannot be made, the disk is full, or the microphone
                is required and missing.
        """
        self._start_microphone()
        for thread in self._threads:
            thread.start()
        waiting = self._wait_for_streams()
        if self.stop.is_set():
            self._stop_intake()
            return self._summary(0)
        with XdfWriter(self.path, sync_every_s=_SYNC_S) as writer:
            self._recording = True
            self._begin_audio()
            for item in waiting:
                self._take(writer, item)
            self._say(event="recording", streams=sorted(self._watches))
            self._loop(writer)
            self._stop_intake()
            while not self._queue.empty():
                self._take(writer, self._queue.get())
        return self._summary(self.path.stat().st_size)

    def _wait_for_streams(self) -> list[Item]:
        waiting: list[Item] = []
        start_s = time.monotonic()
        while not self.stop.is_set():
            needed = [
                thread
                for thread in self._threads
                if thread.stream.required
                or time.monotonic() - start_s < _OPTIONAL_WAIT_S
            ]
            if all(thread.ready.is_set() for thread in needed):
                break
            if (item := self._next()) is not None:
                if isinstance(item, Said):
                    self._say(**item.fields)
                else:
                    waiting.append(item)
        return waiting

    def _loop(self, writer: XdfWriter) -> None:
        now_s = time.monotonic()
        status_s = boundary_s = offset_s = now_s
        while not self.stop.is_set():
            if (item := self._next()) is not None:
                self._take(writer, item)
            now_s = time.monotonic()
            writer.sync_if_due()
            if now_s - status_s >= _STATUS_S:
                status_s = now_s
                self._say_status(now_s)
            if now_s - boundary_s >= _BOUNDARY_S:
                boundary_s = now_s
                writer.write_boundary()
            if now_s - offset_s >= OFFSET_EVERY_S:
                offset_s = now_s
                self._measure_audio_clock()
            self._check_silence(now_s)

    def _next(self) -> Item | None:
        try:
            return self._queue.get(timeout=_TICK_S)
        except queue.Empty:
            return None

    def _take(self, writer: XdfWriter, item: Item) -> None:
        if isinstance(item, Said):
            self._say(**item.fields)
        elif isinstance(item, Header):
            self._add_stream(writer, item)
        elif (stream_id := self._ids.get(item.segment)) is None:
            return
        elif isinstance(item, Offset):
            writer.write_clock_offset(stream_id, item.collection_s, item.offset_s)
        elif len(item.stamps_s):
            writer.write_samples(stream_id, item.stamps_s, item.values)
            self._saw(item)

    def _add_stream(self, writer: XdfWriter, item: Header) -> None:
        stream = item.segment.stream
        try:
            clean = clean_header(item.xml)
        except ValueError as error:
            self._alarm("bad_header", stream.name, f"cannot be recorded: {error}")
            return
        if clean.repaired:
            beside = self.path.with_name(f"{self.path.name}.header{len(self._ids)}.txt")
            beside.write_text(item.xml, encoding="utf-8")
            self._alarm(
                "header_mended",
                stream.name,
                f"has a header that is no XML; it was mended, see {beside.name}",
            )
        self._ids[item.segment] = writer.add_stream(item.xml)
        limit_s = None
        if stream.heartbeat_hz > 0:
            limit_s = 1.5 / stream.heartbeat_hz
        elif clean.nominal_rate_hz > 0:
            limit_s = max(5 / clean.nominal_rate_hz, 1.0)
        if (watch := self._watches.get(stream.name)) is None:
            self._watches[stream.name] = _Watch(limit_s, time.monotonic())
        else:
            watch.limit_s = limit_s

    def _saw(self, item: Samples) -> None:
        watch = self._watches[item.segment.stream.name]
        now_s = time.monotonic()
        if watch.silent:
            gap_s = now_s - watch.since_s
            self._say(
                event="resumed", stream=item.segment.stream.name, gap_s=round(gap_s, 3)
            )
        watch.since_s, watch.silent = now_s, False
        watch.samples += len(item.stamps_s)

    def _check_silence(self, now_s: float) -> None:
        for name, watch in self._watches.items():
            if watch.limit_s is None or watch.silent:
                continue
            limit_s = watch.limit_s if watch.samples else _FIRST_SAMPLE_S
            if now_s - watch.since_s > limit_s:
                watch.silent = True
                for_s = now_s - watch.since_s
                kind = "stalled" if watch.samples else "no_samples"
                self._alarm(kind, name, f"has sent nothing for {for_s:.1f} s")

    def _say_status(self, now_s: float) -> None:
        streams = {
            name: {
                "samples": watch.samples,
                "silent_s": round(now_s - watch.since_s, 3),
            }
            for name, watch in self._watches.items()
        }
        self._say(event="status", streams=streams, bytes=self.path.stat().st_size)

    def _stop_intake(self) -> None:
        self.stop.set()
        if self._microphone is not None:
            self._microphone.stop()
            self._measure_audio_clock()
        deadline_s = time.monotonic() + _JOIN_S
        for thread in self._threads:
            thread.join(max(deadline_s - time.monotonic(), 0.0))

    def _prepare_microphone(
        self, config: MicrophoneConfig, open_stream: OpenStream | None
    ) -> None:
        self._spec = audio_spec(config.rate_hz)
        stream = self._spec.expected(required=config.required)
        self._audio = Segment(stream, "microphone")
        self._microphone = Microphone(
            config, self._put_audio, pylsl.local_clock, open_stream
        )

    def _start_microphone(self) -> None:
        if self._microphone is None:
            return
        try:
            self._microphone.start()
        except MicrophoneError as error:
            if self._microphone.config.required:
                raise
            self._microphone = None
            self._alarm("microphone", self._spec.name, f"is not recorded: {error}")

    def _begin_audio(self) -> None:
        if self._microphone is not None:
            self._queue.put(Header(self._audio, self._spec.to_header_xml()))
            self._measure_audio_clock()

    def _put_audio(
        self, stamps_s: NDArray[np.float64], values: NDArray[np.int16]
    ) -> None:
        if self._recording:
            self._queue.put(Samples(self._audio, stamps_s, values))

    def _measure_audio_clock(self) -> None:
        # the stamps are of this machine's own clock
        if self._microphone is not None:
            self._queue.put(Offset(self._audio, pylsl.local_clock(), 0.0))

    def _summary(self, size: int) -> dict[str, Any]:
        audio = self._microphone
        return {
            "event": "stopped",
            "path": str(self.path),
            "bytes": size,
            "streams": {name: watch.samples for name, watch in self._watches.items()},
            "alarms": self._alarms,
            "audio_overflows": audio.overflows if audio else 0,
            "audio_frames_dropped": audio.dropped_frames if audio else 0,
        }

    def _alarm(self, kind: str, stream: str, message: str) -> None:
        text = f"stream {stream!r} {message}"
        self._say(event="alarm", kind=kind, stream=stream, message=text)

    def _say(self, **fields: Any) -> None:
        self._alarms += fields["event"] == "alarm"
        self._say_line(fields)


def main() -> int:
    """Record as stdin says; 0 when it ended well, 1 when not."""
    say = _speaker()
    stop = threading.Event()

    def on_signal(_: int, __: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    config = json.loads(sys.stdin.readline())
    threading.Thread(target=_obey, args=(sys.stdin, stop), daemon=True).start()
    microphone = config["microphone"]
    try:
        recorder = Recorder(
            Path(config["path"]),
            [ExpectedStream(**stream) for stream in config["streams"]],
            MicrophoneConfig(**microphone) if microphone else None,
            say,
            stop,
        )
        say(recorder.run())
    except RadgazeError as error:
        stop.set()
        kind = type(error).__name__
        say({"event": "error", "kind": kind, "message": str(error)})
        return 1
    return 0


def _obey(orders: TextIO, stop: threading.Event) -> None:
    # the end of stdin is the death of the program that started us
    for line in orders:
        if line.strip() == "stop":
            break
    stop.set()


def _speaker() -> Say:
    # libraries that print to stdout must not garble what a program reads there
    speech = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    alone = False

    def say(fields: dict[str, Any]) -> None:
        nonlocal alone
        if alone:
            return
        try:
            speech.write(json.dumps(fields) + "\n")
            speech.flush()
        except BrokenPipeError:
            # nobody listens any more: record on until stdin says stop
            alone = True

    return say
