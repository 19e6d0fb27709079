"""One reading session: study list → window + tracker + recorder → session folder."""

import json
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capture import lsl_config
from capture.audio import MicrophoneConfig
from capture.config import CaptureConfig
from capture.display.events import (
    EndState,
    Event,
    Heartbeat,
    SessionEnded,
    SessionStarted,
)
from capture.display.state import DisplayState
from capture.errors import InputError, RadgazeError
from capture.progress import Progress, ProgressMode
from capture.pseudonyms import load_or_make_key, pseudonym
from capture.recorder_watch import Notify, RecorderWatch
from capture.session import (
    RECORDING_FILE,
    SessionEnd,
    SessionInfo,
    SessionStream,
    TrackerInfo,
    new_session_folder,
    write_session,
)
from capture.streams import AUDIO_NAME, ExpectedStream, StreamSpec, display_spec
from capture.studies import Study, read_studies
from capture.trackers import make_tracker
from capture.trackers.base import KnowsTruth, Tracker
from capture.trackers.lsl import UNNAMED
from capture.worklist import ImageLoader, open_all

if TYPE_CHECKING:
    from capture.display.window import ReadingWindow
    from capture.recorder import RecorderProcess

_HEARTBEAT_S = 1.0
_POLL_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionResult:
    """What came of a session."""

    folder: Path
    """The session folder."""
    state: EndState
    """How it ended."""
    images_read: int
    """Images that the reader finished."""
    interrupted: bool
    """Whether it was ended from outside, by Ctrl-C."""


def run_session(
    config: CaptureConfig,
    *,
    progress: ProgressMode = "auto",
    notify: Notify | None = None,
) -> SessionResult:
    """Show the studies of a list one by one and record the reader.

    Every image is opened before the session begins, so that a bad file is found while
    nobody has read anything.

    Args:
        config: Who reads what, and how.
        progress: How to say how far it is.
        notify: Is given warnings; by default they go to stderr.

    Returns:
        The session folder and how the session ended.

    Raises:
        InputError: The study list or one of its images cannot be used; no folder is
            made.
        RadgazeError: Window, tracker or recorder failed.
    """
    notify = notify or (_json_to_stderr if progress == "json" else _to_stderr)
    key = load_or_make_key(config.key_file)
    studies = read_studies(config.studies)
    described = open_all(config.studies, studies, key, progress)
    session_id = config.session or f"session-{secrets.token_hex(6)}"
    _keep_to_this_machine(config)
    tracker = make_tracker(config.tracker, config)
    info = SessionInfo(
        session_id=session_id,
        reader_id=pseudonym("reader", config.reader, key),
        simulated=tracker.simulated,
        screen=config.screen,
        tracker=TrackerInfo(
            name=config.tracker, nominal_rate_hz=tracker.nominal_rate_hz
        ),
        studies=tuple(described),
        streams=(),
    )
    with ExitStack() as cleanup:
        session = _Session(config, studies, info, tracker, notify, cleanup)
        with Progress("reading", len(studies), progress) as bar:
            return session.run(bar)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How the reading ended."""

    state: EndState
    interrupted: bool = False
    failure: RadgazeError | None = None
    """Why it could not go on."""


class _Session:
    """The parts of a running session, in the order in which they start."""

    def __init__(
        self,
        config: CaptureConfig,
        studies: Sequence[Study],
        info: SessionInfo,
        tracker: Tracker,
        notify: Notify,
        cleanup: ExitStack,
    ) -> None:
        # after LSL is configured, and never for --help
        from pylsl import StreamOutlet, local_clock

        self._config, self._studies, self._info = config, studies, info
        self._tracker, self._notify = tracker, notify
        self._clock: Callable[[], float] = local_clock
        self._display = DisplayState()
        self._outlet: Any = None
        self._images = ImageLoader(config.studies, studies)
        cleanup.callback(self._images.close)
        self._window = self._open_window()
        cleanup.callback(self._window.close)
        self._spec = display_spec()
        self._outlet = StreamOutlet(self._spec.to_stream_info())
        cleanup.callback(tracker.stop)
        tracker.start(self._display, self._window.post_action)
        self._images_read: set[int] = set()

    def run(self, bar: Progress) -> SessionResult:
        folder, recorder = self._start_recorder()
        try:
            self._say(SessionStarted(session_id=self._info.session_id))
            self._tracker.begin()
            outcome = self._read_all(recorder, bar)
            self._window.hide()
            failure = self._stop_tracker() or outcome.failure
            state: EndState = "stopped" if failure else outcome.state
            self._say(SessionEnded(state=state))
            recorder.stop()
        finally:
            # does nothing after a stop; else it leaves what can be repaired
            recorder.kill()
        if isinstance(self._tracker, KnowsTruth):
            self._tracker.write_truth(folder)
        end = SessionEnd(state=state, images_read=len(self._images_read))
        write_session(folder, replace(self._info, end=end))
        if failure is not None:
            self._notify(f"the session was stopped; what was read is in {folder}")
            raise failure
        return SessionResult(
            folder=folder,
            state=state,
            images_read=end.images_read,
            interrupted=outcome.interrupted,
        )

    def _stop_tracker(self) -> RadgazeError | None:
        """End the samples; return why the tracker gave up before, if it did."""
        try:
            self._tracker.stop()
        except RadgazeError as error:
            return error
        return None

    def _open_window(self) -> "ReadingWindow":
        from capture.display.window import ReadingWindow, choose_driver

        if notice := choose_driver():
            self._notify(notice)
        return ReadingWindow(
            width_px=self._config.screen.width_px,
            height_px=self._config.screen.height_px,
            fullscreen=self._config.fullscreen,
            display=self._display,
            publish=self._publish,
            clock=self._clock,
        )

    def _say(self, event: Event) -> None:
        self._publish(event, self._clock())

    def _publish(self, event: Event, stamp_s: float) -> None:
        if self._outlet is not None:
            self._outlet.push_sample([event.to_json()], stamp_s)

    def _start_recorder(self) -> "tuple[Path, RecorderProcess]":
        from capture.recorder import RecorderProcess

        expected = [_expected(spec) for spec in (self._spec, *self._tracker.streams)]
        streams = [
            SessionStream(name=s.name, type=s.type, role=s.role, required=s.required)
            for s in expected
        ]
        if self._config.microphone:
            streams.append(SessionStream(name=AUDIO_NAME, type="Audio", role="audio"))
        self._info = replace(
            self._info,
            streams=tuple(streams),
            tracker=replace(
                self._info.tracker, nominal_rate_hz=self._tracker.nominal_rate_hz
            ),
        )
        folder = new_session_folder(
            self._config.out, self._info.reader_id, self._info.session_id
        )
        write_session(folder, self._info)
        recorder = RecorderProcess(
            folder / RECORDING_FILE, expected, _microphone(self._config)
        )
        try:
            recorder.start()
            recorder.wait_until_recording(self._config.find_timeout_s)
        except BaseException:
            recorder.kill()
            shutil.rmtree(folder)  # nobody has read anything yet, so nothing is lost
            with suppress(OSError):  # other sessions of this reader stay
                folder.parent.rmdir()
            raise
        return folder, recorder

    def _read_all(self, recorder: "RecorderProcess", bar: Progress) -> _Outcome:
        try:
            return _Outcome(self._read(recorder, bar))
        except KeyboardInterrupt:
            return _Outcome("stopped", interrupted=True)
        except InputError as error:
            return _Outcome("stopped", failure=error)

    def _read(self, recorder: "RecorderProcess", bar: Progress) -> EndState:
        index = 0
        self._show(index)
        beat_s = poll_s = self._clock()
        watch = RecorderWatch(recorder, self._notify, self._clock)
        while (command := self._window.tick()) != "stop":
            now_s = self._clock()
            if now_s >= beat_s:
                self._publish(Heartbeat(), now_s)
                beat_s = now_s + _HEARTBEAT_S
            if now_s >= poll_s:
                self._window.set_alarm(watch.look())
                poll_s = now_s + _POLL_S
            if command == "next":
                bar.update(0 if index in self._images_read else 1)
                self._images_read.add(index)
                if index + 1 == len(self._studies):
                    return "complete"
            step = {"next": 1, "previous": -1}.get(command or "", 0)
            if step and index + step >= 0:
                index += step
                self._show(index)
        return "stopped"

    def _show(self, index: int) -> None:
        study = self._info.studies[index]
        loaded = self._images.get(index)
        if loaded.pixel_sha256 != study.pixel_sha256:
            raise InputError(
                self._studies[index].image, "was changed while the session ran"
            )
        self._window.show(index, study.image_id, loaded)
        self._images.prefetch(index + 1)


def _expected(spec: StreamSpec) -> ExpectedStream:
    expected = spec.expected()
    unnamed = expected.source_id == UNNAMED
    return replace(expected, source_id="") if unnamed else expected


def _keep_to_this_machine(config: CaptureConfig) -> None:
    """Set LSL up, unless the user did, so that nobody else's streams get in."""
    if config.network == "lab" or lsl_config.VARIABLE in os.environ:
        return
    # a vendor's program knows nothing of a private LSL session
    vendor = config.tracker == "lsl"
    private = "default" if vendor else f"radgaze-{secrets.token_hex(6)}"
    lsl_config.apply(lsl_config.machine_only(private))


def _microphone(config: CaptureConfig) -> MicrophoneConfig | None:
    if not config.microphone:
        return None
    return MicrophoneConfig(
        device=config.microphone_device or None, rate_hz=config.microphone_rate_hz
    )


def _to_stderr(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _json_to_stderr(text: str) -> None:
    _to_stderr(json.dumps({"event": "note", "stage": "reading", "message": text}))
