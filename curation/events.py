"""Fixations, saccades and blinks of eyes that look at still images."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from capture.errors import UnknownNameError
from capture.geometry import Points
from curation.config import EventConfig

LOST, FIXATION, SACCADE, BLINK = 0, 1, 2, 3
"""Labels of samples."""
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Runs = NDArray[np.intp]
"""(k, 2) first and one past the last sample of each run."""


def detect_events(
    time_s: Floats, xy_deg: Points, config: EventConfig | None = None
) -> NDArray[np.int8]:
    """Label every sample.

    Args:
        time_s: (n,) stamps in order; gaps in them are treated as lost gaze.
        xy_deg: (n, 2) degrees of visual angle; NaN where the eye was lost.
        config: Method and its numbers.

    Returns:
        (n,) `LOST`, `FIXATION`, `SACCADE` or `BLINK`.

    Raises:
        UnknownNameError: No method has this name.
        ValueError: Shapes differ or stamps are not in order.
    """
    config = config or EventConfig()
    if xy_deg.shape != (len(time_s), 2):
        raise ValueError(
            f"xy_deg must have shape ({len(time_s)}, 2), got {xy_deg.shape}"
        )
    if config.method not in METHODS:
        raise UnknownNameError("event method", config.method, METHODS)
    steps_s = np.diff(time_s)
    if np.any(steps_s < 0):
        raise ValueError("time_s must be in order")
    if len(time_s) < 3 or not is_seen(xy_deg).any():
        return np.zeros(len(time_s), np.int8)
    period_s = float(np.median(steps_s))
    at = _grid(steps_s, period_s)
    grid_deg = np.full((at[-1] + 1, 2), np.nan)
    grid_deg[at] = xy_deg
    labels = _label(grid_deg, period_s, config)
    found: NDArray[np.int8] = labels[at]
    return found


def is_seen(xy: Points) -> Flags:
    """Return (n,) whether both coordinates of (n, 2) points are known."""
    return np.isfinite(xy[:, 0]) & np.isfinite(xy[:, 1])


def runs(flags: Flags) -> Runs:
    """Find the runs of True.

    Args:
        flags: (n,) bool.

    Returns:
        (k, 2) first and one past the last index of each run.
    """
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0))
    return edges.reshape(-1, 2)


def velocity(xy_deg: Points, period_s: float, window_s: float) -> Floats:
    """Speed by a Savitzky-Golay derivative of order 2; lost gaze counts as still.

    Args:
        xy_deg: (n, 2) evenly spaced; NaN where lost.
        period_s: Between samples.
        window_s: Rounded to an odd number of samples, at least 3.

    Returns:
        (n,) degrees per second.

    Source:
        Savitzky & Golay, Analytical Chemistry 36, 1964.
    """
    half = max(1, round((window_s / period_s - 1) / 2))
    steps = np.arange(half, -half - 1, -1.0)
    kernel = steps / (steps**2).sum() / period_s
    speed_sq = np.zeros(len(xy_deg))
    for axis in _hold(xy_deg).T:
        padded = np.pad(axis, half, mode="edge")
        speed_sq += np.convolve(padded, kernel, mode="valid") ** 2
    return np.sqrt(speed_sq)


def noise_thresholds(
    speed_deg_s: Floats, config: EventConfig, start_deg_s: float = 100.0
) -> tuple[float, float]:
    """Find how fast a saccade must be at its peak and at its edges.

    Repeats peak = mean + 6 sd of the samples below the peak threshold until it stays;
    mean and deviation are taken from median and MAD, which microsaccades do not move.

    Args:
        speed_deg_s: (n,) speeds of valid samples.
        config: The two factors.
        start_deg_s: First threshold.

    Returns:
        Peak and edge threshold, degrees per second.

    Source:
        Nyström & Holmqvist, Behavior Research Methods 42, 2010, doi
        10.3758/BRM.42.1.188.
    """
    peak, spread, center = start_deg_s, 0.0, 0.0
    for _ in range(100):
        calm = speed_deg_s[speed_deg_s < peak]
        if not len(calm):
            break
        center = float(np.median(calm))
        spread = 1.4826 * float(np.median(np.abs(calm - center)))
        before, peak = peak, max(center + config.noise_factor * spread, _SLOWEST_DEG_S)
        if abs(peak - before) < 1:
            break
    return peak, max(center + config.edge_factor * spread, _SLOWEST_DEG_S / 2)


_SLOWEST_DEG_S = 20.0
"""Without noise the threshold would fall to nothing and drift would count."""


def _label(xy_deg: Points, period_s: float, config: EventConfig) -> NDArray[np.int8]:
    seen = is_seen(xy_deg)
    gaps = runs(~seen)
    length_s = (gaps[:, 1] - gaps[:, 0]) * period_s
    inner = (gaps[:, 0] > 0) & (gaps[:, 1] < len(seen))
    valid = seen | _fill(len(seen), gaps[inner & (length_s <= config.max_gap_s)])
    filled_deg = _interpolate(xy_deg, seen)
    filled_deg[~valid] = np.nan
    fixed = METHODS[config.method](filled_deg, valid, period_s, config)
    labels = np.where(valid, SACCADE, LOST).astype(np.int8)
    labels[fixed] = FIXATION
    blink = inner & (length_s > config.max_gap_s) & (length_s <= config.max_blink_s)
    labels[_fill(len(seen), gaps[blink])] = BLINK
    return labels


def _adaptive(
    xy_deg: Points, valid: Flags, period_s: float, config: EventConfig
) -> Flags:
    speed_deg_s = velocity(xy_deg, period_s, config.window_s)
    peak, edge = noise_thresholds(speed_deg_s[valid], config)
    moving = runs(valid & (speed_deg_s > edge))
    fast = np.concatenate([[0], np.cumsum(speed_deg_s > peak)])
    moving = moving[fast[moving[:, 1]] > fast[moving[:, 0]]]
    return _clean(~_fill(len(valid), moving) & valid, valid, xy_deg, period_s, config)


def _ivt(xy_deg: Points, valid: Flags, period_s: float, config: EventConfig) -> Flags:
    """Salvucci & Goldberg, ETRA 2000: velocity threshold."""
    speed_deg_s = velocity(xy_deg, period_s, config.window_s)
    slow = valid & (speed_deg_s < config.velocity_deg_s)
    return _clean(slow, valid, xy_deg, period_s, config)


def _idt(xy_deg: Points, valid: Flags, period_s: float, config: EventConfig) -> Flags:
    """Salvucci & Goldberg, ETRA 2000: dispersion threshold."""
    from scipy.ndimage import maximum_filter1d, minimum_filter1d

    n, width = len(valid), max(2, round(config.min_fixation_s / period_s))
    shift = -((width - 1) // 2) - (width % 2 == 0)  # the window starts at the sample
    filled = np.where(valid[:, None], xy_deg, 0.0)
    ok = runs(valid)
    ends = np.zeros(n, np.intp)
    for first, last in ok.tolist():
        ends[first:last] = last
    high = maximum_filter1d(filled, width, axis=0, origin=shift)
    low = minimum_filter1d(filled, width, axis=0, origin=shift)
    start_ok = (high - low).sum(axis=1) <= config.dispersion_deg
    start_ok &= np.arange(n) + width <= ends
    starts, fixed, at = np.flatnonzero(start_ok), np.zeros(n, bool), 0
    while (i := int(np.searchsorted(starts, at))) < len(starts):
        first = int(starts[i])
        at = _grow(filled, first, int(ends[first]), width, config.dispersion_deg)
        fixed[first:at] = True
        if at < n:
            fixed[at] = False
    return fixed


def _grow(
    xy_deg: Points, first: int, end: int, width: int, dispersion_deg: float
) -> int:
    """Return the first sample after `first` that spreads the fixation too far."""
    reach = 4 * width
    while True:
        part = xy_deg[first : min(end, first + reach)]
        high, low = np.maximum.accumulate(part), np.minimum.accumulate(part)
        wide = (high - low).sum(axis=1) > dispersion_deg
        if wide.any():
            return first + int(wide.argmax())
        if first + reach >= end:
            return end
        reach *= 2


METHODS: dict[str, Callable[[Points, Flags, float, EventConfig], Flags]] = {
    "adaptive": _adaptive,
    "ivt": _ivt,
    "idt": _idt,
}
"""Name to method: valid samples in, True where the eye is fixed. One line a method."""


def _clean(
    fixed: Flags, valid: Flags, xy_deg: Points, period_s: float, config: EventConfig
) -> Flags:
    """Drop saccades and fixations that are too short, and join what is one place."""
    n = len(fixed)
    moving = runs(valid & ~fixed)
    brief = (moving[:, 1] - moving[:, 0]) * period_s < config.min_saccade_s
    fixed = fixed | _fill(n, moving[brief])
    fixed = _merge(fixed, valid, xy_deg, period_s, config)
    still = runs(fixed)
    short = (still[:, 1] - still[:, 0]) * period_s < config.min_fixation_s
    return fixed & ~_fill(n, still[short])


def _merge(
    fixed: Flags, valid: Flags, xy_deg: Points, period_s: float, config: EventConfig
) -> Flags:
    still = runs(fixed)
    if len(still) < 2:
        return fixed
    place_deg = (
        np.add.reduceat(np.where(fixed[:, None], xy_deg, 0.0), still[:, 0])
        / (still[:, 1] - still[:, 0])[:, None]
    )
    gap_s = (still[1:, 0] - still[:-1, 1]) * period_s
    near = np.linalg.norm(np.diff(place_deg, axis=0), axis=1) < config.merge_deg
    lost = np.concatenate([[0], np.cumsum(~valid)])
    whole = lost[still[1:, 0]] == lost[still[:-1, 1]]
    join = near & whole & (gap_s <= config.merge_gap_s)
    between = np.column_stack([still[:-1, 1], still[1:, 0]])[join]
    return fixed | _fill(len(fixed), between)


def _grid(steps_s: Floats, period_s: float) -> NDArray[np.intp]:
    """Place samples on an even grid, so that gaps in the stamps are samples too."""
    longest = int(np.ceil(1.0 / max(period_s, 1e-6)))
    steps = np.clip(np.rint(steps_s / max(period_s, 1e-9)), 1, max(longest, 1))
    return np.concatenate([[0], np.cumsum(steps)]).astype(np.intp)


def _fill(n: int, spans: Runs) -> Flags:
    change = np.zeros(n + 1, np.int64)
    np.add.at(change, spans[:, 0], 1)
    np.add.at(change, spans[:, 1], -1)
    return np.cumsum(change[:-1]) > 0


def _interpolate(xy_deg: Points, seen: Flags) -> Points:
    lost, known = np.flatnonzero(~seen), np.flatnonzero(seen)
    filled = xy_deg.copy()
    for axis in range(2):
        filled[lost, axis] = np.interp(lost, known, xy_deg[known, axis])
    return filled


def _hold(xy_deg: Points) -> Points:
    """Put the last known place where the eye was lost: no jump, no speed."""
    seen = is_seen(xy_deg)
    if seen.all():
        return xy_deg
    known = np.flatnonzero(seen)
    if not len(known):
        return np.zeros_like(xy_deg)
    last = np.maximum.accumulate(np.where(seen, np.arange(len(seen)), known[0]))
    held: Points = xy_deg[last]
    return held
