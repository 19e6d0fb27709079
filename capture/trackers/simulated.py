"""A simulated radiologist in place of a tracker: looks, dictates, and works the mouse.

Runs in real time against the window that is really open: gaze follows the view that is
on the screen, actions are real input events, gaze and sound leave through LSL outlets.
"""

import threading
import zlib
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from capture.display.state import DisplayState, Shown
from capture.display.view import Action
from capture.errors import RadgazeError
from capture.simulation.eyes import EyeSampler, ViewHistory
from capture.simulation.plan import ReadingPlan
from capture.simulation.playback import aimed
from capture.simulation.profile import ReaderProfile
from capture.simulation.reader import plan_reading
from capture.simulation.record import GazeTrace, image_truth, reader_truth
from capture.simulation.sound import (
    VECTOR_S,
    VECTOR_SAMPLES,
    mix_speech,
    room_noise,
    to_vectors,
)
from capture.simulation.truth import (
    TRUTH_FILE,
    StudyTruth,
    read_study_truth,
    truth_path,
    write_truth,
)
from capture.simulation.voice import RATE_HZ, SpokenSentence, speak
from capture.streams import audio_spec, gaze_spec
from capture.studies import read_studies
from capture.trackers.base import PostAction, TrackerError

if TYPE_CHECKING:
    from capture.config import CaptureConfig

_TICK_S = 0.008
_FASTEST_SPEECH = 1.3


@dataclass(slots=True)
class _Reading:
    """The image that is being read."""

    shown: Shown
    plan: ReadingPlan
    speech: Sequence[SpokenSentence]
    views: ViewHistory
    trace: GazeTrace
    actions_done: int = 0
    finished: bool = False


class SimulatedTracker:
    """Publishes gaze and dictation of a simulated reader of a simulated study list.

    Frame: screen pixels. Clock: LSL. A lost eye is NaN. Only study lists with a `truth`
    folder beside them can be read.
    """

    name = "simulated"
    simulated = True

    def __init__(
        self,
        config: "CaptureConfig",
        *,
        profile: ReaderProfile | None = None,
        rate_hz: float = 250.0,
    ) -> None:
        """Choose the reader, without opening anything.

        Args:
            config: Study list, screen, and all that is said of simulated readers.
            profile: The reader; None draws one from the reader's name and the seed.
            rate_hz: Gaze samples a second.
        """
        self.nominal_rate_hz = rate_hz
        self.profile = _hastened(profile or _drawn(config), config.speed)
        self._config = config
        self._gaze, self._audio = self.streams = (
            gaze_spec(
                config.screen,
                rate_hz,
                kind="simulated",
                acquisition={"manufacturer": "radgaze", "model": "simulated reader"},
            ),
            audio_spec(RATE_HZ, kind="simulated", stamp_source="simulated"),
        )
        self.samples_pushed: dict[str, int] = {spec.name: 0 for spec in self.streams}
        """Samples that left, by name of the stream."""
        self._sampler = EyeSampler(
            self.profile, config.screen, rate_hz, [config.seed, 0xE7E]
        )
        self._noise = np.random.default_rng([config.seed, 0x4011])
        self._truths: list[StudyTruth] = []
        self._told: list[dict[str, Any]] = []
        self._reading: _Reading | None = None
        self._visits = 0
        self._pool: ThreadPoolExecutor | None = None
        self._speech: dict[int, Future[list[SpokenSentence]]] = {}
        self._ended = threading.Event()
        self._running: Future[None] | None = None

    def start(self, display: DisplayState, post_action: PostAction) -> None:
        """Open the outlets, and prepare what is said about the first image.

        Args:
            display: What is on the screen.
            post_action: Plays input into the window.

        Raises:
            InputError: A study has no truth beside the list.
            MissingExtraError: The voice needs a package that is not installed.
        """
        from pylsl import StreamOutlet

        path = self._config.studies
        rows = read_studies(path)
        self._truths = [read_study_truth(truth_path(path, s.study_id)) for s in rows]
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="simulated reader")
        self._say(0)
        self._speech[0].result()
        self._display, self._post = display, post_action
        self._outlets = [StreamOutlet(s.to_stream_info()) for s in self.streams]

    def begin(self) -> None:
        """Let the reader look and talk from now on, in a thread of its own."""
        from pylsl import local_clock

        self._clock = local_clock
        self._start_s = float(local_clock())
        if self._pool is not None:
            self._running = self._pool.submit(self._run)
            self._running.add_done_callback(self._end_session)

    def stop(self) -> None:
        """End the samples; a second call does nothing.

        Raises:
            RadgazeError: The reader had to give up before.
        """
        self._ended.set()
        running, self._running = self._running, None
        if running is not None:
            wait([running])
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
        if running is None or (error := running.exception()) is None:
            return
        if isinstance(error, RadgazeError):
            raise error
        raise TrackerError(f"the simulated reader failed: {error!r}") from error

    def truth(self) -> dict[str, Any]:
        """Return what was really done; complete after `stop`."""
        told = reader_truth(self.profile, self.nominal_rate_hz, self._config.seed)
        return told | {
            "screen": asdict(self._config.screen),
            "clocks": None,
            "samples_pushed": dict(self.samples_pushed),
            "images": self._told,
        }

    def write_truth(self, folder: Path) -> None:
        """Write `truth` into a session folder."""
        write_truth(folder / TRUTH_FILE, self.truth())

    def _run(self) -> None:
        while not self._ended.wait(_TICK_S):
            self._step(float(self._clock()))
        now_s = float(self._clock())
        self._push(now_s)
        self._finish(now_s)

    def _end_session(self, running: Future[None]) -> None:
        """Have the session stopped if the reader failed: nobody else would do it."""
        if running.exception() is not None:
            self._post(Action("stop"))

    def _step(self, now_s: float) -> None:
        self._follow(self._display.snapshot(), now_s)
        self._push(now_s)
        if self._reading is not None:
            self._act(self._reading, now_s - self._reading.shown.shown_at_s)

    def _follow(self, shown: Shown | None, now_s: float) -> None:
        """Notice a new image, a new view, or that the image is gone."""
        reading = self._reading
        if reading is not None and (
            shown is None or shown.shown_at_s != reading.shown.shown_at_s
        ):
            self._finish(now_s if shown is None else shown.shown_at_s)
            reading = None
        if shown is None:
            return
        if reading is None:
            self._begin_reading(shown)
        elif shown.flip_s != reading.shown.flip_s:
            reading.views.add(shown.flip_s, shown.state.view)
            reading.shown = shown

    def _begin_reading(self, shown: Shown) -> None:
        self._say(shown.index)
        speech = self._speech[shown.index].result()
        self._say(shown.index + 1)
        seed = (self._config.seed, shown.index, self._visits)
        self._visits += 1
        truth = self._truths[shown.index]
        plan = plan_reading(
            truth, speech, self.profile, seed, max_s=self._config.max_image_s
        )
        state = shown.state
        views = ViewHistory(state.image_width_px, state.image_height_px)
        views.add(shown.shown_at_s, state.view)
        trace = GazeTrace(self.nominal_rate_hz)
        self._reading = _Reading(shown, plan, speech, views, trace)
        self._sampler.begin(plan, views, shown.shown_at_s)

    def _finish(self, hidden_s: float) -> None:
        reading, self._reading = self._reading, None
        if reading is None:
            return
        self._told.append(
            image_truth(
                reading.plan,
                self._sampler,
                reading.trace,
                image_id=reading.shown.image_id,
                index=reading.shown.index,
                shown_s=reading.shown.shown_at_s,
                hidden_s=hidden_s,
            )
        )
        self._sampler.end()

    def _act(self, reading: _Reading, since_s: float) -> None:
        """Make the inputs that are due; `next` once, when the plan is over."""
        actions = reading.plan.actions
        while reading.actions_done < len(actions):
            action = actions[reading.actions_done]
            if action.time_s > since_s:
                break
            self._post(aimed(action, reading.shown.state))
            reading.actions_done += 1
        if since_s >= reading.plan.duration_s and not reading.finished:
            reading.finished = True
            self._post(Action("next"))

    def _push(self, now_s: float) -> None:
        """Send every gaze sample and every 10 ms of sound that is due."""
        first = self.samples_pushed[self._gaze.name]
        last = max(int((now_s - self._start_s) * self.nominal_rate_hz), first)
        times_s = self._start_s + np.arange(first, last) / self.nominal_rate_hz
        if len(times_s):
            samples = self._sampler.sample(times_s)
            if self._reading is not None:
                self._reading.trace.add(times_s, samples)
            self._send(0, times_s, samples.values)
        first = self.samples_pushed[self._audio.name]
        last = max(int((now_s - self._start_s) / VECTOR_S), first)
        if last > first:
            begin_s = (
                self._start_s + np.arange(first, last, dtype=np.float64) * VECTOR_S
            )
            self._send(1, begin_s, self._sound(float(begin_s[0]), last - first))

    def _sound(self, begin_s: float, vectors: int) -> NDArray[np.int16]:
        sound = room_noise(
            vectors * VECTOR_SAMPLES, self.profile.room_noise, self._noise
        )
        if (reading := self._reading) is not None:
            offset_s = reading.shown.shown_at_s - begin_s
            gain = self.profile.loudness
            mix_speech(sound, reading.plan, reading.speech, offset_s, 1.0, gain)
        return to_vectors(sound)

    def _send(
        self, number: int, times_s: NDArray[np.float64], values: NDArray[Any]
    ) -> None:
        outlet = self._outlets[number]
        for stamp_s, row in zip(times_s.tolist(), values.tolist(), strict=True):
            outlet.push_sample(row, stamp_s)
        self.samples_pushed[self.streams[number].name] += len(times_s)

    def _say(self, index: int) -> None:
        """Have the sound of an image's report made, if there is such an image."""
        if index in self._speech or index >= len(self._truths) or self._pool is None:
            return
        self._speech[index] = self._pool.submit(
            speak,
            [sentence.text for sentence in self._truths[index].sentences],
            engine=self._config.voice,
            voice=self.profile.voice,
            words_per_minute=self.profile.words_per_minute,
            seed=self._config.seed + index,
        )


def _drawn(config: "CaptureConfig") -> ReaderProfile:
    index = zlib.crc32(config.reader.encode()) % 1000
    return ReaderProfile.drawn("simulated reader", config.seed, index)


def _hastened(profile: ReaderProfile, speed: float) -> ReaderProfile:
    """Shorten silences and quicken speech; eyes keep their speed, time its own."""
    if speed == 1:
        return profile
    return replace(
        profile,
        search_s=profile.search_s / speed,
        pause_s=profile.pause_s / speed,
        words_per_minute=profile.words_per_minute * min(speed, _FASTEST_SPEECH),
    )
