"""Threads that pull one stream from the network each, and measure its clock."""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pylsl
from numpy.typing import NDArray

from capture.streams import ExpectedStream
from capture.xdf.chunks import DTYPES

OFFSET_EVERY_S = 5.0
PULL_S = 0.1
_FIND_S = 1.0  # where multicast is off, one outlet of several takes 0.5 s to answer
_OPEN_S = 5.0
_CLOCK_WAIT_S = 2.0
_GAP_S = 0.9  # after a longer silence it may be another outlet that speaks
_LOOK_AGAIN_S = 2.0
_MISSED_LOOKS = 2
_DRAIN_S = 2.0
_SILENT_PULLS = 2
_BUFFER_S = 360
_CLOCK_CHUNK = 3  # the first ones may have waited for us
_FOREIGN_CLOCK_S = 1.0
_FORMATS: dict[int, str] = {
    pylsl.cf_int8: "int8",
    pylsl.cf_int16: "int16",
    pylsl.cf_int32: "int32",
    pylsl.cf_int64: "int64",
    pylsl.cf_float32: "float32",
    pylsl.cf_double64: "double64",
}
_PYTHON_HASH = re.compile(r"-?\d*")


@dataclass(frozen=True, slots=True)
class Segment:
    """One outlet's life; a stream that was lost and found has several."""

    stream: ExpectedStream
    uid: str


@dataclass(frozen=True, slots=True)
class Header:
    """A segment begins."""

    segment: Segment
    xml: str


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples of a segment, as they came."""

    segment: Segment
    stamps_s: NDArray[np.float64]
    values: NDArray[Any] | list[list[str]]


@dataclass(frozen=True, slots=True)
class Offset:
    """A measurement of the clock of a segment's outlet."""

    segment: Segment
    collection_s: float
    offset_s: float


@dataclass(frozen=True, slots=True)
class Said:
    """Something to tell the program that started the recorder."""

    fields: dict[str, Any]


Item: TypeAlias = Header | Samples | Offset | Said
_Values: TypeAlias = NDArray[Any] | list[list[str]]
_Puller: TypeAlias = Callable[[float], tuple[NDArray[np.float64], _Values]]


def predicate(stream: ExpectedStream) -> str:
    """Return the query that finds a stream.

    Raises:
        ValueError: A name has both kinds of quotes.
    """
    wanted = {"name": stream.name, "type": stream.type, "source_id": stream.source_id}
    return " and ".join(
        f"{tag}={_quoted(text)}" for tag, text in wanted.items() if text
    )


def _quoted(text: str) -> str:
    for mark in ("'", '"'):
        if mark not in text:
            return f"{mark}{text}{mark}"
    raise ValueError(f"no query can hold both kinds of quotes: {text!r}")


class InletThread(threading.Thread):
    """Finds a stream, pulls it until `stop` is set and then drains it.

    Args:
        stream: What to find.
        put: Takes what comes, in order.
        stop: Set when the recording is to end.
    """

    def __init__(
        self, stream: ExpectedStream, put: Callable[[Item], None], stop: threading.Event
    ) -> None:
        super().__init__(name=f"inlet {stream.name}", daemon=True)
        self.stream, self.put, self._stop_asked = stream, put, stop
        self.ready = threading.Event()
        """The stream is connected and its clock was measured once."""
        self.offset_s: float | None = None
        """What added to the stream's stamps gives this machine's time, as last seen."""
        self._query = predicate(stream)
        self._gap_s = max(
            _GAP_S, 1.5 / stream.heartbeat_hz if stream.heartbeat_hz else 0
        )
        self._uid = ""
        self._chunks = 0

    def run(self) -> None:
        """Record the stream, however often it is lost."""
        while not self._stop_asked.is_set():
            if (found := self._find()) is None:
                continue
            try:
                self._record(found)
            except pylsl.LostError:
                self.alarm("lost", "was lost; looking for it")
            except pylsl.util.TimeoutError:
                self.alarm("no_answer", "was found and does not answer")

    def _find(self) -> Any:
        found = pylsl.resolve_bypred(self._query, 1, _FIND_S)
        outlets = {info.uid(): info for info in found}
        if len(outlets) > 1:
            ids = sorted(repr(info.source_id()) for info in outlets.values())
            self.alarm(
                "ambiguous",
                f"{len(outlets)} outlets fit, the first is taken; their source ids are "
                f"{', '.join(ids)}",
            )
        return next(iter(outlets.values()), None)

    def _record(self, found: Any) -> None:
        # with recovery the library hands over what it holds before it reports a loss
        inlet = pylsl.StreamInlet(found, max_buflen=_BUFFER_S, processing_flags=0)
        inlet.open_stream(_OPEN_S)
        info = inlet.info(_OPEN_S)
        self.segment = self._begin(info)
        clock = ClockThread(self, inlet)
        clock.start()
        try:
            self._pull(_puller(self, inlet, info))
        finally:
            clock.ended.set()
            clock.join()

    def _begin(self, info: Any) -> Segment:
        self._uid, self._chunks = info.uid(), 0
        segment = Segment(self.stream, self._uid)
        self.put(Header(segment, info.as_xml()))
        self.say(event="found", role=self.stream.role, source_id=info.source_id())
        if _PYTHON_HASH.fullmatch(info.source_id()):
            self.alarm(
                "weak_source_id",
                f"has the source id {info.source_id()!r}, which does not survive a "
                "restart of the outlet: it may not be found again",
            )
        return segment

    def _pull(self, pull: _Puller) -> None:
        last_s = checked_s = time.monotonic()
        stop_s, silent, missed = 0.0, 0, 0
        while True:
            stamps_s, values = pull(PULL_S)
            now_s = time.monotonic()
            if len(stamps_s):
                if self._chunks and now_s - last_s > self._gap_s:
                    self._renew()
                self.put(Samples(self.segment, stamps_s, values))
                self._check_clock(float(stamps_s[-1]))
                last_s, silent, missed = now_s, 0, 0
            else:
                silent += 1
            if stop_s:
                if silent >= _SILENT_PULLS or self._has_reached(stop_s, stamps_s):
                    return
            elif self._stop_asked.is_set():
                # what was pushed just before may not have been there for this pull
                stop_s, silent = pylsl.local_clock(), 0
            elif now_s - max(last_s, checked_s) > _LOOK_AGAIN_S:
                checked_s = now_s
                outlet = self._look()
                if outlet is not None and outlet.uid() != self._uid:
                    return
                missed = 0 if outlet is not None else missed + 1
                if missed == _MISSED_LOOKS:
                    self.alarm("lost", "has no outlet any more; waiting for it")

    def _has_reached(self, stop_s: float, stamps_s: NDArray[np.float64]) -> bool:
        if pylsl.local_clock() - stop_s > _DRAIN_S:
            return True
        return len(stamps_s) > 0 and stamps_s[-1] + (self.offset_s or 0.0) > stop_s

    def _look(self) -> Any:
        """Return the outlet we know, else one that took its place, else None."""
        found = pylsl.resolve_bypred(self._query, 1, _FIND_S)
        found.sort(key=lambda info: bool(info.uid() != self._uid))
        return found[0] if found else None

    def _renew(self) -> None:
        """Begin a segment if the library went over to a new outlet by itself."""
        found = self._look()
        if found is None or found.uid() == self._uid:
            return
        inlet = pylsl.StreamInlet(found, processing_flags=0)
        try:
            self.segment = self._begin(inlet.info(_OPEN_S))
        except pylsl.util.TimeoutError:
            self.alarm("no_answer", "came back and does not describe itself")

    def _check_clock(self, stamp_s: float) -> None:
        self._chunks += 1
        if self.offset_s is None or self._chunks != _CLOCK_CHUNK:
            return
        age_s = pylsl.local_clock() - stamp_s - self.offset_s
        if abs(age_s) > _FOREIGN_CLOCK_S:
            self.alarm(
                "foreign_clock",
                f"has stamps that are {age_s:.0f} s old on arrival: they are not of "
                "the LSL clock",
            )

    def say(self, **fields: Any) -> None:
        """Tell the program that started the recorder."""
        self.put(Said(fields | {"stream": self.stream.name}))

    def alarm(self, kind: str, message: str) -> None:
        """Tell what a person has to know at once."""
        text = f"stream {self.stream.name!r} {message}"
        self.say(event="alarm", kind=kind, message=text)


class ClockThread(threading.Thread):
    """Measures an outlet's clock, which may block longer than pulling may wait."""

    def __init__(self, owner: InletThread, inlet: Any) -> None:
        super().__init__(name=f"clock {owner.stream.name}", daemon=True)
        self._owner, self._inlet = owner, inlet
        self.ended = threading.Event()

    def run(self) -> None:
        """Measure at the start, every few seconds and at the end."""
        while True:
            self._measure()
            self._owner.ready.set()
            if self.ended.wait(OFFSET_EVERY_S):
                break
        self._measure()

    def _measure(self) -> None:
        try:
            offset_s = self._inlet.time_correction(_CLOCK_WAIT_S)
        except (pylsl.LostError, pylsl.util.TimeoutError):
            return
        now_s = pylsl.local_clock()
        self._owner.offset_s = offset_s
        self._owner.put(Offset(self._owner.segment, now_s - offset_s, offset_s))


def _puller(owner: InletThread, inlet: Any, info: Any) -> _Puller:
    channels, rate_hz = info.channel_count(), info.nominal_srate()
    most = int(min(max(4 * rate_hz * PULL_S, 64), 8192))
    name = info.channel_format()
    if name == pylsl.cf_string:
        return _text_puller(owner, inlet)
    dtype = DTYPES[_FORMATS[name]]
    buffer = np.empty((most, channels), dtype)

    def pull(timeout_s: float) -> tuple[NDArray[np.float64], NDArray[Any]]:
        _, stamps_s = inlet.pull_chunk(timeout_s, most, dest_obj=buffer)
        return np.array(stamps_s, dtype=np.float64), buffer[: len(stamps_s)].copy()

    return pull


def _text_puller(owner: InletThread, inlet: Any) -> _Puller:
    def pull(timeout_s: float) -> tuple[NDArray[np.float64], list[list[str]]]:
        try:
            texts, stamps_s = inlet.pull_chunk(timeout_s, 256)
        except UnicodeDecodeError:
            owner.alarm("not_text", "sent text that is not UTF-8, which was left out")
            return np.empty(0), []
        return np.array(stamps_s, dtype=np.float64), texts

    return pull
