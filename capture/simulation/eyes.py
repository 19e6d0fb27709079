"""From what a reader means to look at to what an eye tracker would deliver.

One code for both clocks: `EyeSampler.sample` is given times and the views that were on
the screen, whether they are the last 20 ms of a live session or a whole simulated one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from capture.geometry import Screen, View, angle_deg, deg_to_px, px_to_deg
from capture.simulation.plan import ReadingPlan
from capture.simulation.profile import ReaderProfile
from capture.simulation.saccades import saccade_duration_s, saccade_profile

Floats = NDArray[np.float64]

FIXATION, SACCADE, BLINK, LOST = 0, 1, 2, 3
"""What the eyes do at a sample; LOST is the tracker's failure, not the eyes'."""

_LATCH_S = 0.13  # longest before landing that a saccade begins
_MARGIN_PX = 12.0
_GLISSADE_SHARE, _GLISSADE_S = 0.2, 0.012
_DRIFTS = ((0.02, 0.008), (0.25, 0.025), (2.0, 0.05))  # time constant in s, SD in deg
_TREMOR_DEG = 0.003
_BLINK_EDGE_S = (0.025, 0.035)
_BLINK_DROP_DEG = 2.5


class ViewHistory:
    """Which view of one image was on the screen when."""

    def __init__(self, width_px: int, height_px: int) -> None:
        """Begin without any view.

        Args:
            width_px: Width of the original image.
            height_px: Height of the original image.
        """
        self.size_px = np.array([width_px, height_px], dtype=np.float64)
        self._times: list[float] = []
        self._rows: list[tuple[float, float, float, float]] = []

    def add(self, time_s: float, view: View) -> None:
        """Note that `view` is on the screen from `time_s` on."""
        self._times.append(time_s)
        self._rows.append((view.scale_x, view.scale_y, view.left_px, view.top_px))

    def scale_and_shift(self, times_s: Floats) -> tuple[Floats, Floats]:
        """Return (n, 2) scale and (n, 2) shift of the views at (n,) times.

        Raises:
            ValueError: No view was added yet.
        """
        if not self._times:
            raise ValueError("no view was added to the history")
        row = np.searchsorted(self._times, times_s, side="right") - 1
        views = np.array(self._rows)[np.maximum(row, 0)]
        return views[:, :2], views[:, 2:]

    def at(self, time_s: float) -> View:
        """Return the view at one time."""
        row = int(np.searchsorted(self._times, time_s, side="right")) - 1
        x, y, left, top = self._rows[max(row, 0)]
        return View(scale_x=x, scale_y=y, left_px=left, top_px=top)


@dataclass(frozen=True, slots=True)
class EyeSamples:
    """A stretch of gaze: what the tracker says and what was true."""

    values: NDArray[np.float32]
    """(n, 6) left x, y, pupil, right x, y, pupil; pixels and mm; NaN where lost."""
    true_screen_px: Floats
    """(n, 2) where the eyes really pointed on the screen."""
    true_image: Floats
    """(n, 2) the same as shares of the image; NaN while no image is shown."""
    state: NDArray[np.uint8]
    """(n,) FIXATION, SACCADE, BLINK or LOST."""


@dataclass(slots=True)
class _Reading:
    """A plan being played and how far its saccades are decided."""

    plan: ReadingPlan
    views: ViewHistory
    shown_at_s: float
    target_px: Floats
    takeoff_s: Floats
    overshoot: Floats
    latched: int = 0


class EyeSampler:
    """Plays plans through one reader's eyes and one tracker's faults.

    Times must not go back from call to call. Cutting the same times into other chunks
    gives the same samples, as long as the views are known by then.
    """

    def __init__(
        self,
        reader: ReaderProfile,
        screen: Screen,
        rate_hz: float,
        seed: Sequence[int] | int,
    ) -> None:
        """Prepare the eyes of one session.

        Args:
            reader: Whose eyes and whose calibration.
            screen: What the reader sits in front of.
            rate_hz: Samples a second of the tracker.
            seed: Of tremor, drift, noise and pupil.
        """
        self.reader, self.screen, self.rate_hz = reader, screen, rate_hz
        noise, drift, pupil, jump = np.random.SeedSequence(seed).spawn(4)
        self._noise = np.random.default_rng(noise)
        self._jump_seed = jump
        self._drifts = [
            _SlowNoise(s, time_s, sd, rate_hz, 2)
            for s, (time_s, sd) in zip(drift.spawn(len(_DRIFTS)), _DRIFTS, strict=True)
        ]
        self._pupil = _SlowNoise(pupil, 1.5, 0.12, rate_hz, 1)
        self._reading: _Reading | None = None

    def begin(self, plan: ReadingPlan, views: ViewHistory, shown_at_s: float) -> None:
        """Start a plan at the moment its image appeared.

        Args:
            plan: What to do.
            views: Views of the image; may grow while the plan is played.
            shown_at_s: When the image appeared, on the clock of `sample`.
        """
        n = len(plan.onset_s)
        rng = np.random.default_rng(self._jump_seed.spawn(1)[0])
        overshoot = np.maximum(rng.normal(0.05, 0.03, n), 0)
        overshoot[rng.random(n) >= _GLISSADE_SHARE] = 0
        self._reading = _Reading(
            plan=plan,
            views=views,
            shown_at_s=shown_at_s,
            target_px=plan.target * views.size_px,
            takeoff_s=plan.onset_s.copy(),
            overshoot=overshoot,
        )

    def end(self) -> None:
        """Let the eyes rest at the center of the screen: no image is shown."""
        self._reading = None

    def sample(self, times_s: Floats) -> EyeSamples:
        """Return what happens at (n,) times."""
        n = len(times_s)
        reading = self._reading
        state = np.zeros(n, dtype=np.uint8)
        if reading is None:
            size = (self.screen.width_px, self.screen.height_px)
            screen_px = np.tile(np.array(size) / 2.0, (n, 1))
        else:
            screen_px = self._intended_px(reading, times_s, state)
        true_deg = px_to_deg(screen_px, self.screen)
        for drift in self._drifts:
            true_deg = true_deg + drift.take(n)
        noise = self._noise.standard_normal((n, 7))
        true_deg += _TREMOR_DEG * noise[:, 4:6]
        true_px = deg_to_px(true_deg, self.screen)
        image = np.full((n, 2), np.nan)
        if reading is not None:
            scale, shift = reading.views.scale_and_shift(times_s)
            image = (true_px - shift) / scale / reading.views.size_px
        pupil_mm = self.reader.pupil_mm + self._pupil.take(n)[:, 0]
        pupil_mm += 0.01 * noise[:, 6]
        values = self._measured(true_deg, pupil_mm, noise)
        if reading is not None:
            self._lose(reading, times_s - reading.shown_at_s, values, state)
        values[:, [0, 1, 3, 4]] = _to_px(values, self.screen)
        return EyeSamples(values.astype(np.float32), true_px, image, state)

    def landings(self) -> tuple[Floats, Floats, Floats]:
        """Return the fixations of the current plan as they really came out.

        Returns:
            (n,) onset and (n,) duration in seconds since the image was shown, and
            (n, 2) places as shares of the image, of all that are decided so far.

        Raises:
            ValueError: No image is being read.
        """
        if self._reading is None:
            raise ValueError("no image is being read")
        r = self._reading
        onset_s = r.plan.onset_s[: r.latched]
        end_s = np.append(r.takeoff_s[1 : r.latched], r.plan.duration_s)[: r.latched]
        return onset_s, end_s - onset_s, r.target_px[: r.latched] / r.views.size_px

    def _intended_px(
        self, reading: _Reading, times_s: Floats, state: NDArray[np.uint8]
    ) -> Floats:
        """Return (n, 2) screen points of fixations and saccades; marks saccades."""
        since_s = times_s - reading.shown_at_s
        self._latch(reading, float(since_s[-1]) if len(since_s) else 0.0)
        onset_s, target = reading.plan.onset_s, reading.target_px
        current = np.searchsorted(onset_s[: reading.latched], since_s, side="right") - 1
        current = np.maximum(current, 0)
        coming = np.minimum(current + 1, reading.latched - 1)
        point = target[current].copy()
        way = target[current] - target[np.maximum(current - 1, 0)]
        fading = np.exp(-np.maximum(since_s - onset_s[current], 0) / _GLISSADE_S)
        point += way * (reading.overshoot[current] * fading)[:, None]
        takeoff_s = reading.takeoff_s[coming]
        flying = (coming > current) & (since_s >= takeoff_s)
        if flying.any():
            go, to = current[flying], coming[flying]
            lasting_s = onset_s[to] - reading.takeoff_s[to]
            share = saccade_profile((since_s[flying] - takeoff_s[flying]) / lasting_s)
            jump = (target[to] - target[go]) * (1 + reading.overshoot[to])[:, None]
            point[flying] += jump * share[:, None]
            state[flying] = SACCADE
        scale, shift = reading.views.scale_and_shift(times_s)
        return point * scale + shift

    def _latch(self, reading: _Reading, until_s: float) -> None:
        """Decide the saccades that begin before `until_s`, in the view of then."""
        plan = reading.plan
        while reading.latched < len(plan.onset_s):
            k = reading.latched
            decide_s = plan.onset_s[k] - _LATCH_S
            if k and decide_s > until_s:
                return
            view = reading.views.at(reading.shown_at_s + max(decide_s, 0.0))
            there = self._on_screen(view, reading.target_px[k : k + 1])
            reading.target_px[k] = view.to_image(there)[0]
            if k:
                here = view.to_screen(reading.target_px[k - 1 : k])
                far_deg = float(angle_deg(here, there, self.screen)[0])
                slot_s = plan.onset_s[k] - plan.onset_s[k - 1]
                longest_s = min(_LATCH_S, 0.6 * slot_s)
                reading.takeoff_s[k] -= min(saccade_duration_s(far_deg), longest_s)
            reading.latched += 1

    def _on_screen(self, view: View, image_px: Floats) -> Floats:
        """Return where a target lies, moved to the edge if it is off the screen."""
        size = np.array([self.screen.width_px, self.screen.height_px])
        moved: Floats = np.clip(view.to_screen(image_px), _MARGIN_PX, size - _MARGIN_PX)
        return moved

    def _measured(self, true_deg: Floats, pupil_mm: Floats, noise: Floats) -> Floats:
        """Return (n, 6) values of both eyes, the gaze still in degrees."""
        reader = self.reader
        linear = np.array(reader.distortion).reshape(2, 2)
        seen = true_deg + reader.offset_deg + true_deg @ linear.T
        values = np.empty((len(seen), 6))
        for eye, (side, rms) in enumerate(
            zip((-0.5, 0.5), reader.noise_deg, strict=True)
        ):
            first = 3 * eye
            # independent noise of SD s in x and y steps by 2 s RMS
            jitter = noise[:, 2 * eye : 2 * eye + 2] * (rms / 2)
            values[:, first : first + 2] = seen + jitter
            values[:, first] += side * reader.disparity_deg
            values[:, first + 2] = pupil_mm + side * 0.06
        return values

    def _lose(
        self,
        reading: _Reading,
        since_s: Floats,
        values: Floats,
        state: NDArray[np.uint8],
    ) -> None:
        if not len(since_s):
            return
        first_s, last_s = since_s[0] - 1.0, since_s[-1] + 1.0
        for onset_s, lasting_s in reading.plan.blinks_s:
            if first_s < onset_s < last_s:
                _blink(since_s, onset_s, lasting_s, values, state)
        for onset_s, lasting_s, eye in reading.plan.losses_s:
            if first_s < onset_s < last_s:
                gone = (since_s >= onset_s) & (since_s < onset_s + lasting_s)
                columns = ((0, 1, 2), (3, 4, 5), (0, 1, 2, 3, 4, 5))[int(eye)]
                values[np.ix_(gone, columns)] = np.nan
                if eye == 2:
                    state[gone & (state != BLINK)] = LOST


class _SlowNoise:
    """First-order noise of a given SD and memory, in endless pieces."""

    def __init__(
        self,
        seed: np.random.SeedSequence,
        time_s: float,
        sd: float,
        rate_hz: float,
        channels: int,
    ) -> None:
        self._rng = np.random.default_rng(seed)
        self._keep = float(np.exp(-1.0 / (time_s * rate_hz)))
        self._kick = sd * float(np.sqrt(1 - self._keep**2))
        self._memory = np.zeros((1, channels))

    def take(self, n: int) -> Floats:
        """Return the next (n, channels) values."""
        kicks = self._kick * self._rng.standard_normal((n, self._memory.shape[1]))
        values, self._memory = lfilter(
            [1.0], [1.0, -self._keep], kicks, axis=0, zi=self._memory
        )
        smooth: Floats = values
        return smooth


def _blink(
    since_s: Floats,
    onset_s: float,
    lasting_s: float,
    values: Floats,
    state: NDArray[np.uint8],
) -> None:
    """Close the lid: gaze seems to drop while it moves and is lost while it is shut."""
    closing_s, opening_s = _BLINK_EDGE_S
    before = (since_s - onset_s + closing_s) / closing_s
    after = (onset_s + lasting_s + opening_s - since_s) / opening_s
    covered = np.clip(np.minimum(before, after), 0, 1)
    values[:, [1, 4]] += _BLINK_DROP_DEG * (covered**2)[:, None]
    values[:, [2, 5]] *= 1 - 0.4 * covered[:, None]
    state[covered > 0] = BLINK
    shut = (since_s >= onset_s) & (since_s < onset_s + lasting_s)
    values[shut] = np.nan


def _to_px(values: Floats, screen: Screen) -> Floats:
    left = deg_to_px(values[:, 0:2], screen)
    return np.hstack([left, deg_to_px(values[:, 3:5], screen)])
