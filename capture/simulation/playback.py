"""Play a reader's session on a simulated clock, into the file a real one would make."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capture.display.events import (
    CAUSES,
    Blank,
    Event,
    Heartbeat,
    ImageHidden,
    ImageShown,
    SessionEnded,
    SessionStarted,
    ViewChanged,
)
from capture.display.view import Action, ViewState, apply_action
from capture.geometry import Screen
from capture.simulation.eyes import EyeSampler, ViewHistory
from capture.simulation.plan import PlannedAction, ReadingPlan
from capture.simulation.profile import ReaderProfile
from capture.simulation.record import GazeTrace, image_truth, reader_truth
from capture.simulation.sound import (
    VECTOR_S,
    VECTOR_SAMPLES,
    mix_speech,
    room_noise,
    to_vectors,
)
from capture.simulation.voice import RATE_HZ, SpokenSentence
from capture.streams import audio_spec, display_spec, gaze_spec
from capture.xdf import XdfWriter

Floats = NDArray[np.float64]

FLIP_HZ = 60.0
_CHUNK_S = 0.22  # with what is left of the chunk before, still below 0.25
_OFFSET_EVERY_S = 5.0
_LEAD_IN_S, _LEAD_OUT_S = 1.5, 1.0
_STAMP_JITTER_S = 3e-5
_HOST = "simulation"


@dataclass(frozen=True, slots=True)
class PlannedImage:
    """One image of a session and all that will happen on it."""

    index: int
    """Position in the session."""
    image_id: str
    """Pseudonym."""
    pixel_sha256: str
    """Of the stored pixels."""
    default: ViewState
    """The view in which it opens."""
    plan: ReadingPlan
    """What the reader does."""
    speech: tuple[SpokenSentence, ...]
    """The sound of every sentence of its report."""


@dataclass(frozen=True, slots=True)
class _Clocks:
    """Clocks that run a little apart, as those of real devices do."""

    start_s: float
    gaze_offset_s: float
    gaze_drift: float
    audio_drift: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> "_Clocks":
        return cls(
            start_s=round(float(rng.uniform(1e3, 1e5)), 3),
            gaze_offset_s=round(float(rng.choice((-1, 1)) * rng.uniform(0.5, 40)), 6),
            gaze_drift=round(float(rng.uniform(-30e-6, 30e-6)), 9),
            audio_drift=round(float(rng.uniform(-20e-6, 20e-6)), 9),
        )

    def gaze_offset(self, time_s: Floats) -> Floats:
        """Return what added to the tracker's stamps gives the recorder's time."""
        return self.gaze_offset_s + self.gaze_drift * (time_s - self.start_s)

    @property
    def vector_s(self) -> float:
        """True length of 10 ms of the microphone's clock."""
        return VECTOR_S * (1 + self.audio_drift)


class SessionPlayer:
    """Writes one session's recording, image by image."""

    def __init__(
        self,
        path: Path,
        *,
        session_id: str,
        reader: ReaderProfile,
        screen: Screen,
        rate_hz: float,
        seed: Sequence[int],
    ) -> None:
        """Open the recording.

        Args:
            path: File to make.
            session_id: Named in the first event.
            reader: Who reads.
            screen: What the reader sits in front of.
            rate_hz: Samples a second of the eye tracker.
            seed: Fixes clocks, eyes and noise.
        """
        clocks, eyes, sound = np.random.SeedSequence(list(seed)).spawn(3)
        self._rng = np.random.default_rng(clocks)
        self._sound = np.random.default_rng(sound)
        self.clocks = _Clocks.drawn(self._rng)
        self.reader, self.screen, self.rate_hz = reader, screen, rate_hz
        words = eyes.generate_state(4).tolist()
        self._sampler = EyeSampler(reader, screen, rate_hz, words)
        self.specs = (
            gaze_spec(
                screen,
                rate_hz,
                kind="simulated",
                host=_HOST,
                acquisition={"manufacturer": "radgaze", "model": "simulated reader"},
            ),
            display_spec(kind="simulated", host=_HOST),
            audio_spec(RATE_HZ, kind="simulated", host=_HOST, stamp_source="simulated"),
        )
        # an unfinished session is made anew, so nothing is gained by syncing early
        self._writer = XdfWriter(path, sync_every_s=math.inf)
        self._ids = [self._writer.add_stream(s.to_header_xml()) for s in self.specs]
        self._writer.write_boundary()
        self._now_s = self.clocks.start_s
        self._gaze_count = self._vector_count = 0
        self._events: list[tuple[float, Event]] = []
        self._next_offset_s = self._next_beat_s = self._now_s
        self._truths: list[dict[str, Any]] = []
        self._tell(self._now_s, SessionStarted(session_id=session_id))
        self._rest(_LEAD_IN_S)

    def read(self, image: PlannedImage) -> None:
        """Play one image from its appearance until it is gone, and a short pause."""
        state = image.default
        shown_s = self._now_s = self._flip(self._now_s)
        history = ViewHistory(state.image_width_px, state.image_height_px)
        history.add(shown_s, state.view)
        shown = ImageShown.of(
            state,
            image_id=image.image_id,
            index=image.index,
            pixel_sha256=image.pixel_sha256,
        )
        self._tell(shown_s, shown)
        for action in image.plan.actions:
            flip_s = self._flip(shown_s + action.time_s) + 1 / FLIP_HZ
            changed = apply_action(state, aimed(action, state), image.default)
            if changed != state:
                state = changed
                history.add(flip_s, state.view)
                cause = CAUSES[action.kind]
                changed_to = ViewChanged.of(state, image_id=image.image_id, cause=cause)
                self._tell(flip_s, changed_to)
        hidden_s = self._flip(shown_s + image.plan.duration_s) + 1 / FLIP_HZ
        self._tell(hidden_s, ImageHidden(image_id=image.image_id))
        self._tell(hidden_s, Blank())
        self._sampler.begin(image.plan, history, shown_s)
        trace = GazeTrace(self.rate_hz)
        self._play(hidden_s, image, shown_s, trace)
        self._truths.append(
            image_truth(
                image.plan,
                self._sampler,
                trace,
                image_id=image.image_id,
                index=image.index,
                shown_s=shown_s,
                hidden_s=hidden_s,
            )
        )
        self._sampler.end()
        self._rest(0.6 + 0.6 * float(self._rng.random()))

    def close(self) -> None:
        """End the session and close its recording."""
        self._rest(_LEAD_OUT_S)
        stamp_s = self._now_s
        self._writer.write_samples(
            self._ids[1], [stamp_s], [SessionEnded(state="complete").to_json()]
        )
        self._write_offsets(stamp_s)
        self._writer.close()

    def abandon(self) -> None:
        """Close the file of a session that failed."""
        self._writer.close()

    def truth(self, seed: int) -> dict[str, Any]:
        """Return all that was true, for `truth.write_truth`."""
        return reader_truth(self.reader, self.rate_hz, seed) | {
            "screen": asdict(self.screen),
            "clocks": asdict(self.clocks),
            "images": self._truths,
        }

    def _flip(self, time_s: float) -> float:
        """Return the first flip of the screen that is not before `time_s`."""
        since = (time_s - self.clocks.start_s) * FLIP_HZ
        return self.clocks.start_s + math.ceil(since - 1e-6) / FLIP_HZ

    def _tell(self, stamp_s: float, event: Event) -> None:
        self._events.append((stamp_s, event))

    def _rest(self, duration_s: float) -> None:
        self._play(self._now_s + duration_s, None, 0.0, None)

    def _play(
        self,
        until_s: float,
        image: PlannedImage | None,
        shown_s: float,
        trace: GazeTrace | None,
    ) -> None:
        """Make and write everything between now and `until_s`."""
        start_s = self.clocks.start_s
        last = max(math.ceil((until_s - start_s) * self.rate_hz - 1e-6), 0)
        times_s = start_s + np.arange(self._gaze_count, last) / self.rate_hz
        self._gaze_count = max(last, self._gaze_count)
        samples = self._sampler.sample(times_s)
        if trace is not None:
            trace.add(times_s, samples)
        vectors, vector_s = self._vectors(until_s, image, shown_s)
        while self._next_beat_s < until_s:
            self._tell(self._next_beat_s, Heartbeat())
            self._next_beat_s += 1.0
        self._write(until_s, times_s, samples.values, vector_s, vectors)
        self._now_s = until_s

    def _vectors(
        self, until_s: float, image: PlannedImage | None, shown_s: float
    ) -> tuple[NDArray[np.int16], Floats]:
        """Return (n, 160) sound until `until_s` and the true start of each vector."""
        clocks = self.clocks
        first = self._vector_count
        last = int((until_s - clocks.start_s) / clocks.vector_s)
        self._vector_count = max(last, first)
        numbers = np.arange(first, self._vector_count)
        origin_s = clocks.start_s + first * clocks.vector_s
        sound = room_noise(
            len(numbers) * VECTOR_SAMPLES, self.reader.room_noise, self._sound
        )
        if image is not None:
            begin_s = shown_s - origin_s
            stretch = 1 / (1 + clocks.audio_drift)
            gain = self.reader.loudness
            mix_speech(sound, image.plan, image.speech, begin_s, stretch, gain)
        start_s = clocks.start_s + numbers.astype(np.float64) * clocks.vector_s
        return to_vectors(sound), start_s

    def _write(
        self,
        until_s: float,
        gaze_s: Floats,
        gaze: NDArray[np.float32],
        vector_s: Floats,
        vectors: NDArray[np.int16],
    ) -> None:
        jitter_s = self._rng.normal(0, _STAMP_JITTER_S, len(gaze_s))
        stamps_s = gaze_s - self.clocks.gaze_offset(gaze_s) + jitter_s
        late_s = self._rng.exponential(_STAMP_JITTER_S, len(vector_s))
        events = sorted(self._events, key=lambda entry: entry[0])
        self._events = []
        event_s = np.array([stamp for stamp, _ in events])
        texts = [event.to_json() for _, event in events]
        edges_s = np.append(np.arange(self._now_s, until_s, _CHUNK_S)[1:], until_s)
        edges_s[-1] += 1.0  # what is stamped at the very end belongs to it
        cuts = [np.searchsorted(t, edges_s) for t in (gaze_s, event_s, vector_s)]
        a = b = c = 0
        for edge_s, i, j, k in zip(edges_s, *cuts, strict=True):
            if self._next_offset_s < min(edge_s, until_s):
                self._write_offsets(self._next_offset_s)
                self._next_offset_s += _OFFSET_EVERY_S
            self._writer.write_samples(self._ids[0], stamps_s[a:i], gaze[a:i])
            self._writer.write_samples(self._ids[1], event_s[b:j], texts[b:j])
            late = vector_s[c:k] + late_s[c:k]
            self._writer.write_samples(self._ids[2], late, vectors[c:k])
            a, b, c = i, j, k

    def _write_offsets(self, now_s: float) -> None:
        """Measure each stream's clock, with the error of a network's round trip."""
        errors_s = self._rng.normal(0, 5e-6, 3)
        gaze_s = float(self.clocks.gaze_offset(np.array(now_s)))
        for stream_id, true_s, error_s in zip(
            self._ids, (gaze_s, 0.0, 0.0), errors_s, strict=True
        ):
            offset_s = float(true_s + error_s)
            self._writer.write_clock_offset(stream_id, now_s - offset_s, offset_s)


def aimed(action: PlannedAction, state: ViewState) -> Action:
    """Return the input for a planned action in the view of the moment.

    Args:
        action: Aimed at a place of the image.
        state: What is on the screen.
    """
    size = np.array([state.image_width_px, state.image_height_px])
    point = state.view.to_screen(np.array([[action.x, action.y]]) * size)[0]
    x_px = min(max(float(point[0]), 1.0), state.screen_width_px - 1.0)
    y_px = min(max(float(point[1]), 1.0), state.screen_height_px - 1.0)
    return Action(action.kind, x_px, y_px, action.dx, action.dy)
