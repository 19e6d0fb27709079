"""When each audio sample was recorded, out of stamps that are never early.

A sound card hands its samples over in blocks, and a block is stamped when it arrives:
always late, never early. The true clock is therefore the lower edge of the stamps.
Where the edge jumps, samples were lost; the clock goes on in a new piece and the gap
stays open.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_BIN_S = 1.0
_JUMP_S = 0.005
_RESIDUALS = 3.0
_LEAST_BINS = 5
_LEAST_AFTER = 25  # vectors: with fewer left, late ones look like a jump
_MOST_BINS = 400


@dataclass(frozen=True, slots=True)
class ClockPiece:
    """A stretch of samples without a gap."""

    first_sample: int
    """Index of its first sample."""
    end_sample: int
    """Index after its last sample."""
    start_s: float
    """LSL time of its first sample."""
    rate_hz: float
    """True sampling rate on the LSL clock."""

    @property
    def end_s(self) -> float:
        """LSL time at the end of its last sample."""
        return self.start_s + (self.end_sample - self.first_sample) / self.rate_hz


@dataclass(frozen=True, slots=True)
class AudioClock:
    """The LSL time of every audio sample, linear in pieces."""

    pieces: tuple[ClockPiece, ...]
    """In the order of the samples; at least one."""
    gaps: tuple[tuple[float, float], ...]
    """(start, end) LSL time of every stretch whose samples were lost."""
    residual_sd_s: float
    """Spread of the lower edge about the line."""
    residual_p95_s: float
    """Lateness that 95 % of the stamps stay below."""

    def sample_to_s(self, sample: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Return LSL times of samples; before and after the audio the line goes on.

        Args:
            sample: Indices of audio samples, of any shape, fractions allowed.
        """
        place = np.asarray(sample, dtype=np.float64)
        first = np.array([piece.first_sample for piece in self.pieces])
        which = np.clip(np.searchsorted(first, place, side="right") - 1, 0, None)
        start_s = np.array([piece.start_s for piece in self.pieces])
        rate_hz = np.array([piece.rate_hz for piece in self.pieces])
        time_s: NDArray[np.float64] = (
            start_s[which] + (place - first[which]) / rate_hz[which]
        )
        return time_s

    def s_to_sample(self, time_s: NDArray[np.float64] | float) -> NDArray[np.int64]:
        """Return the sample nearest to LSL times; inside of a gap, the one after it.

        Args:
            time_s: LSL times of any shape.
        """
        time = np.asarray(time_s, dtype=np.float64)
        start_s = np.array([piece.start_s for piece in self.pieces])
        end_s = np.array([piece.end_s for piece in self.pieces])
        which = np.minimum(np.searchsorted(end_s, time), len(end_s) - 1)
        first = np.array([piece.first_sample for piece in self.pieces])
        rate_hz = np.array([piece.rate_hz for piece in self.pieces])
        since_s = time - start_s[which]
        since_s = np.where(which > 0, np.maximum(since_s, 0.0), since_s)
        return np.asarray(
            np.round(first[which] + since_s * rate_hz[which]), dtype=np.int64
        )


def fit_audio_clock(
    stamps_s: NDArray[np.float64], frame_samples: int, rate_hz: float
) -> AudioClock:
    """Fit LSL time against sample index on the lower edge of the stamps.

    Args:
        stamps_s: (m,) LSL time of each vector's first sample, raw.
        frame_samples: Audio samples a vector.
        rate_hz: Nominal sampling rate.

    Raises:
        ValueError: There is no stamp, one is not finite, or a number is not positive.
    """
    if len(stamps_s) == 0 or not np.isfinite(stamps_s).all():
        raise ValueError(f"stamps_s must be finite times, got {len(stamps_s)} stamps")
    if frame_samples < 1 or rate_hz <= 0:
        raise ValueError(
            f"frame_samples and rate_hz must be positive, got {frame_samples} and "
            f"{rate_hz}"
        )
    index = np.arange(len(stamps_s)) * frame_samples
    frame_s = frame_samples / rate_hz
    width = max(round(_BIN_S / frame_s), 1)
    slope = _slope(index, stamps_s, width, 1 / rate_hz)
    late_s = stamps_s - stamps_s[0] - index * slope
    cuts = [0, *_jumps(late_s, width), len(stamps_s)]
    pieces, residuals, edges = [], [], []
    for first, end in pairwise(cuts):
        part = slice(first, end)
        own = _slope(index[part], stamps_s[part], width, slope)
        rest = stamps_s[part] - index[part] * own
        lows = _lows(rest, width)
        start_s = float(np.median(lows)) + index[first] * own
        pieces.append(
            ClockPiece(int(index[first]), end * frame_samples, start_s, 1 / own)
        )
        residuals.append(rest - np.median(lows))
        edges.append(lows - np.median(lows))
    gaps = [(a.end_s, b.start_s) for a, b in pairwise(pieces)]
    return AudioClock(
        tuple(pieces),
        tuple(gaps),
        float(np.concatenate(edges).std()),
        float(np.percentile(np.concatenate(residuals), 95)),
    )


def fill_gaps(
    pcm: NDArray[np.int16], clock: AudioClock, *, seed: int = 0
) -> tuple[NDArray[np.int16], AudioClock]:
    """Put faint noise where samples were lost, so that the sound keeps its length.

    Args:
        pcm: (n,) audio that `clock` speaks of.
        clock: Its clock.
        seed: Of the noise.

    Returns:
        The filled audio, and the clock of its samples; `gaps` still tells where no
        sound was recorded.
    """
    rng = np.random.default_rng(seed)
    parts: list[NDArray[np.int16]] = []
    pieces: list[ClockPiece] = []
    place = 0
    for number, piece in enumerate(clock.pieces):
        if number > 0:
            gap_s = piece.start_s - clock.pieces[number - 1].end_s
            missing = max(round(gap_s * piece.rate_hz), 0)
            noise = rng.normal(0, 16, missing).round().astype(np.int16)
            previous_s = clock.pieces[number - 1].end_s
            if missing:
                rate_hz = missing / gap_s
                pieces.append(ClockPiece(place, place + missing, previous_s, rate_hz))
            parts.append(noise)
            place += missing
        sound = pcm[piece.first_sample : piece.end_sample]
        end = place + len(sound)
        pieces.append(ClockPiece(place, end, piece.start_s, piece.rate_hz))
        parts.append(sound)
        place = end
    filled = AudioClock(
        tuple(pieces), clock.gaps, clock.residual_sd_s, clock.residual_p95_s
    )
    return np.concatenate(parts), filled


def _lows(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return the smallest value of every bin; a partial last bin joins the others."""
    starts = np.arange(0, max(len(values) - width + 1, 1), width)
    return np.minimum.reduceat(values, starts)


def _slope(
    index: NDArray[np.int64], stamps_s: NDArray[np.float64], width: int, nominal: float
) -> float:
    """Return seconds a sample along the lower edge, the median over pairs of bins.

    Source:
        Sen, Estimates of the Regression Coefficient Based on Kendall's Tau, J. Am.
        Stat. Assoc. 63, 1968.
    """
    rest = stamps_s - stamps_s[0] - (index - index[0]) * nominal
    starts = np.arange(0, max(len(rest) - width + 1, 1), width)
    if len(starts) < _LEAST_BINS:
        return nominal
    ends = np.append(starts[1:], len(rest))
    best = np.array(
        [a + int(np.argmin(rest[a:b])) for a, b in zip(starts, ends, strict=True)]
    )
    best = best[:: len(best) // _MOST_BINS + 1]
    i, j = np.triu_indices(len(best), k=1)
    steps = (rest[best[j]] - rest[best[i]]) / (index[best[j]] - index[best[i]])
    return nominal + float(np.median(steps))


def _jumps(late_s: NDArray[np.float64], width: int) -> list[int]:
    """Return the vectors before which samples were lost: the lower edge steps up."""
    count = len(late_s)
    if count < 2:
        return []
    before = np.full(count, np.inf)
    after = np.empty(count)
    padded = np.pad(late_s, width, constant_values=np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, width).min(axis=1)
    before[1:] = windows[1:count]
    after[:] = windows[width : width + count]
    lows = _lows(late_s, width)
    spread = 1.4826 * float(np.median(np.abs(np.diff(lows)))) if len(lows) > 1 else 0.0
    after[max(count - _LEAST_AFTER, 0) :] = -np.inf
    high = after - before > _JUMP_S + _RESIDUALS * spread
    found: list[int] = []
    for vector in np.flatnonzero(high).tolist():
        if (
            not found
            or vector - found[-1] >= width
            or _again(late_s, found[-1], vector)
        ):
            found.append(vector)
    return found


def _again(late_s: NDArray[np.float64], earlier: int, vector: int) -> bool:
    """Tell whether the edge steps up once more after a jump less than a bin ago."""
    return bool(late_s[vector:].min() - late_s[earlier:vector].min() > _JUMP_S)
