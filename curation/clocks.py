"""Put the stamps of a stream on the clock of the computer that recorded it."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_RESET_TIME_S, _RESET_TIME_MADS = 5.0, 5.0
_RESET_VALUE_S, _RESET_VALUE_MADS = 1.0, 10.0
_WINSOR_S = 1e-4


def recorder_time(stamps_s: Floats, clock_offsets: Floats) -> Floats:
    """Add the clock offset to every stamp: a robust line per segment of the clock.

    A computer that restarted begins a new segment. Without a measurement stamps stay as
    they are, with one they are shifted, with more they follow a line. The spacing of
    the stamps is not smoothed, since a recording with gaps would be bent by that.

    Args:
        stamps_s: (n,) on the stream's own clock.
        clock_offsets: (k, 2) collection time on that clock, and seconds to add.

    Returns:
        (n,) on the recorder's clock.

    Source:
        XDF 1.0, clock offset chunks; the rules for resets are those of pyxdf.
    """
    if not len(clock_offsets):
        return stamps_s.copy()
    time_s, value_s = clock_offsets.T
    edges = [0, *(_resets(time_s, value_s) + 1), len(time_s)]
    spans = [slice(a, b) for a, b in pairwise(edges)]
    owner = _owner(stamps_s, [time_s[span] for span in spans])
    out = stamps_s.copy()
    for i, span in enumerate(spans):
        mine = owner == i
        shift_s, slope = robust_line(time_s[span], value_s[span])
        center_s = float(time_s[span].mean())
        out[mine] += shift_s + slope * (stamps_s[mine] - center_s)
    return out


def robust_line(x: Floats, y: Floats) -> tuple[float, float]:
    """Fit y = a + b (x - mean x), with outliers counting little.

    Args:
        x: (k,) at least one value.
        y: (k,) seconds; deviations beyond 0.1 ms weigh ever less (Huber).

    Returns:
        a and b; b is 0 for a single point.
    """
    centered = x - x.mean()
    if len(x) < 2 or not np.ptp(x):
        return float(np.median(y)), 0.0
    design = np.column_stack([np.ones_like(centered), centered])
    weight = np.ones_like(y)
    line = np.array([np.median(y), 0.0])
    for _ in range(50):
        root = np.sqrt(weight)
        before = line
        line = np.linalg.lstsq(design * root[:, None], y * root, rcond=None)[0]
        residual_s = np.abs(y - design @ line)
        weight = _WINSOR_S / np.maximum(residual_s, _WINSOR_S)
        if np.allclose(line, before, rtol=0, atol=1e-12):
            break
    return float(line[0]), float(line[1])


def _resets(time_s: Floats, value_s: Floats) -> NDArray[np.intp]:
    """Find the measurements after which the clock began anew."""
    step_s, jump_s = np.diff(time_s), np.abs(np.diff(value_s))
    late = _outlying(step_s, _RESET_TIME_S, _RESET_TIME_MADS)
    off = _outlying(jump_s, _RESET_VALUE_S, _RESET_VALUE_MADS)
    return np.flatnonzero((step_s < 0) | (late & off))


def _outlying(steps: Floats, least: float, mads: float) -> NDArray[np.bool_]:
    if not len(steps):
        return np.zeros(0, bool)
    center = np.median(steps)
    mad = np.median(np.abs(steps - center))
    found: NDArray[np.bool_] = (steps > least) & (steps - center > mads * mad)
    return found


def _owner(stamps_s: Floats, segments: list[Floats]) -> NDArray[np.intp]:
    """Assign stamps to the segment of the clock that they lie in or nearest to."""
    distance_s = [
        np.maximum(np.maximum(part.min() - stamps_s, stamps_s - part.max()), 0.0)
        for part in segments
    ]
    owner: NDArray[np.intp] = np.argmin(distance_s, axis=0)
    return owner
