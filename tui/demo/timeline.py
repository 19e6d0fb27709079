"""One reading over time: where the eyes were, and what was said meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_WIDTH, _LEFT, _RIGHT = 1000, 62, 8
_ROW, _GAP, _BAND = 92, 14, 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the timeline of one reading shows; times are seconds since image shown."""

    onset_s: Floats
    """(f,) start of each fixation that curation found."""
    duration_s: Floats
    """(f,) how long it lasted."""
    xy: Floats
    """(f, 2) where, normalized."""
    trace_s: Floats
    """(n,) times of the true gaze; empty where there is none."""
    trace: Floats
    """(n, 2) the true gaze, normalized; NaN while the eye is closed or lost."""
    spans_s: Sequence[tuple[float, float] | None]
    """When each sentence was said; None where it was not found."""
    true_spans_s: Sequence[tuple[float, float] | None]
    """When each sentence was truly said; None for one that was not."""
    given: NDArray[np.int64]
    """(f,) sentence that each fixation was given to, or -1."""


def timeline_svg(reading: Reading) -> str:
    """Draw x and y over time with the sentences below, in a 1000 wide frame."""
    end_s = _end(reading)

    def at(time_s: float) -> float:
        return _LEFT + time_s / end_s * (_WIDTH - _LEFT - _RIGHT)

    rows = []
    for axis, label in enumerate(("across", "down")):
        top = axis * (_ROW + _GAP) + 4
        rows.append(_row(reading, axis, label, top, end_s))
    bands_top = 2 * (_ROW + _GAP) + 10
    bands = _bands(reading, bands_top, end_s)
    height = bands_top + 2 * _BAND + 34
    step = next(s for s in (1, 2, 5, 10, 20, 60, 120, 600) if end_s / s <= 14)
    ticks = "".join(
        f'<path class="grid" d="M{at(s):.1f} 4V{height - 24}"/>'
        f'<text class="tick" x="{at(s):.1f}" y="{height - 8}" text-anchor="middle">'
        f"{s:.0f} s</text>"
        for s in np.arange(0, end_s, step)
    )
    return (
        f'<div class="wide"><svg class="timeline" viewBox="0 0 {_WIDTH} {height}" '
        f'role="img" aria-label="gaze and sentences over time">{ticks}'
        f"{''.join(rows)}{bands}</svg></div>"
    )


def _end(reading: Reading) -> float:
    ends = [span[1] for span in (*reading.spans_s, *reading.true_spans_s) if span]
    if len(reading.onset_s):
        ends.append(float((reading.onset_s + reading.duration_s).max()))
    return max([1.0, *ends]) * 1.01


def _row(reading: Reading, axis: int, label: str, top: float, end_s: float) -> str:
    def x(time_s: Floats) -> Floats:
        return _LEFT + time_s / end_s * (_WIDTH - _LEFT - _RIGHT)

    def y(place: Floats) -> Floats:
        return top + np.clip(place, -0.1, 1.1) * _ROW

    parts = [
        f'<text class="tick" x="{_LEFT - 8}" y="{top + _ROW / 2 + 4:.0f}" '
        f'text-anchor="end">{label}</text>',
        f'<path class="grid" d="M{_LEFT} {top}H{_WIDTH - _RIGHT}M{_LEFT} '
        f'{top + _ROW}H{_WIDTH - _RIGHT}"/>',
    ]
    if len(reading.trace_s):
        path = _path(x(reading.trace_s), y(reading.trace[:, axis]))
        parts.append(f'<path class="trace" d="{path}"/>')
    begin, stop = x(reading.onset_s), x(reading.onset_s + reading.duration_s)
    level = y(reading.xy[:, axis])
    for a, b, c, sentence in zip(begin, stop, level, reading.given, strict=True):
        kind = "free" if sentence < 0 else "odd" if sentence % 2 else "even"
        parts.append(f'<path class="fix {kind}" d="M{a:.1f} {c:.1f}H{b:.1f}"/>')
    return "".join(parts)


def _bands(reading: Reading, top: float, end_s: float) -> str:
    parts = []
    for row, (label, spans) in enumerate(
        (("found", reading.spans_s), ("true", reading.true_spans_s))
    ):
        y = top + row * (_BAND + 4)
        parts.append(
            f'<text class="tick" x="{_LEFT - 8}" y="{y + 15}" text-anchor="end">'
            f"{label}</text>"
        )
        for index, span in enumerate(spans):
            if span is None:
                continue
            a, b = (_LEFT + s / end_s * (_WIDTH - _LEFT - _RIGHT) for s in span)
            kind = "odd" if index % 2 else "even"
            faint = " faint" if row else ""
            parts.append(
                f'<rect class="said {kind}{faint}" x="{a:.1f}" y="{y}" '
                f'width="{max(b - a, 1):.1f}" height="{_BAND}" rx="3"/>'
                f'<text class="number{faint}" x="{(a + b) / 2:.1f}" y="{y + 15}" '
                f'text-anchor="middle">{index + 1}</text>'
            )
    return "".join(parts)


def _path(x: Floats, y: Floats) -> str:
    """Join points with lines, lifting the pen where a point is unknown."""
    parts, down = [], False
    for a, b in zip(x, y, strict=True):
        known = bool(np.isfinite(b))
        if known:
            parts.append(f"{'L' if down else 'M'}{a:.1f} {b:.1f}")
        down = known
    return "".join(parts)
