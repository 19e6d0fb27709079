"""Figures of the report as inline SVG, so that they follow the page's colors."""

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32] | NDArray[np.float64]

_INFERNO = np.array(
    [(0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)], float
)
"""Anchors of the inferno map (van der Walt and Smith): even to any color vision."""
_EARLY, _LATE = np.array([86, 180, 233.0]), np.array([240, 228, 66.0])
"""Sky blue and yellow of Okabe and Ito."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """An image put into the page once and shown in many places."""

    name: str
    """Its id in the page."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""
    uri: str
    """The JPEG itself."""

    def definition(self) -> str:
        """Return the SVG that holds the image; it shows nothing by itself."""
        return (
            f'<symbol id="{self.name}" viewBox="0 0 {self.width} {self.height}">'
            f'<image href="{self.uri}" width="{self.width}" height="{self.height}"/>'
            "</symbol>"
        )


def make_film(name: str, square: NDArray[np.uint8], placement: Sequence[float]) -> Film:
    """Cut the padding off a stored image and encode it.

    Args:
        name: Its id in the page.
        square: (s, s) gray levels.
        placement: Left, top, width, height of the original in the square.
    """
    from PIL import Image

    left, top, width, height = (round(v) for v in placement)
    cut = square[top : top + height, left : left + width]
    buffer = io.BytesIO()
    Image.fromarray(cut).save(buffer, format="JPEG", quality=85)
    return Film(
        name=name, width=cut.shape[1], height=cut.shape[0], uri=_uri(buffer, "jpeg")
    )


def film_svg(film: Film, title: str, *layers: str) -> str:
    """Show a film under some layers drawn in its pixels."""
    return (
        f'<svg class="film" viewBox="0 0 {film.width} {film.height}" role="img" '
        f'aria-label="{escape(title)}"><use href="#{film.name}" '
        f'width="{film.width}" height="{film.height}"/>{"".join(layers)}</svg>'
    )


def heat_layer(film: Film, values: Array, *, floor: float = 0.0) -> str:
    """Lay a map over a film: dark and clear where low, bright and dense where high.

    Args:
        film: What lies under it.
        values: (h, w) map over the whole image.
        floor: Share of the range below which nothing is shown.
    """
    from PIL import Image

    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    share = (np.asarray(values, float) - low) / max(high - low, 1e-9)
    share = np.clip((share - floor) / (1 - floor), 0, 1)
    rgba = np.empty((*share.shape, 4))
    for channel in range(3):
        rgba[..., channel] = np.interp(
            share, np.linspace(0, 1, len(_INFERNO)), _INFERNO[:, channel]
        )
    rgba[..., 3] = 225 * share**0.7
    buffer = io.BytesIO()
    Image.fromarray(rgba.astype(np.uint8)).save(buffer, format="PNG", optimize=True)
    return (
        f'<image href="{_uri(buffer, "png")}" width="{film.width}" '
        f'height="{film.height}" preserveAspectRatio="none"/>'
    )


def box_layer(film: Film, boxes: Iterable[Sequence[float]]) -> str:
    """Outline normalized boxes: a light line on a dark one shows on any gray."""
    shapes = []
    for x0, y0, x1, y1 in boxes:
        place = (
            f'x="{x0 * film.width:.1f}" y="{y0 * film.height:.1f}" '
            f'width="{(x1 - x0) * film.width:.1f}" '
            f'height="{(y1 - y0) * film.height:.1f}" rx="3" fill="none"'
        )
        shapes += [f'<rect class="halo" {place}/>', f'<rect class="box" {place}/>']
    return "".join(shapes)


def peak_layer(film: Film, values: Array, *, hit: bool) -> str:
    """Mark the largest value of a map."""
    rows, columns = values.shape
    row, column = np.unravel_index(int(np.argmax(values)), values.shape)
    x = (column + 0.5) / columns * film.width
    y = (row + 0.5) / rows * film.height
    size = film.width / 32
    arms = (
        f"M{x - size:.1f} {y:.1f}h{2 * size:.1f}M{x:.1f} {y - size:.1f}v{2 * size:.1f}"
    )
    kind = "hit" if hit else "miss"
    return f'<path class="halo" d="{arms}"/><path class="peak {kind}" d="{arms}"/>'


def scanpath_layer(film: Film, xy: Array, duration_s: Array, onset_s: Array) -> str:
    """Draw fixations as circles, area by duration, blue first and yellow last."""
    if not len(xy):
        return ""
    x, y = xy[:, 0] * film.width, xy[:, 1] * film.height
    seconds = np.asarray(np.clip(duration_s, 0.03, 1.2), dtype=np.float64)
    since_s = [float(time_s) - float(onset_s[0]) for time_s in onset_s]
    share = [time_s / max(since_s[-1], 1e-9) for time_s in since_s]
    radius = film.width * 0.028 * np.sqrt(seconds / 0.3)
    path = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True))
    circles = "".join(
        f'<circle cx="{a:.1f}" cy="{b:.1f}" r="{r:.1f}" fill="{_between(s)}"/>'
        for a, b, r, s in zip(x, y, radius, share, strict=True)
    )
    return f'<path class="saccades" d="{path}"/><g class="fixations">{circles}</g>'


def histogram(
    values: Array, *, unit: str, title: str, bins: int = 30, mark: float | None = None
) -> str:
    """Draw a histogram with its median, in a 340 by 170 frame."""
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    if not len(values):
        return f'<figure><p class="dim">{escape(title)}: no data</p></figure>'
    low, high = np.percentile(values, [0.5, 99.5])
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    counts = np.histogram(np.clip(values, low, high), bins, (low, high))[0]
    width, height, left, bottom = 340, 170, 8, 26
    step = (width - 2 * left) / bins
    tall = (height - bottom - 18) / max(int(counts.max()), 1)
    bars = "".join(
        f'<rect class="bar" x="{left + i * step:.1f}" width="{step - 1:.1f}" '
        f'y="{height - bottom - n * tall:.1f}" height="{n * tall:.1f}"/>'
        for i, n in enumerate(counts)
    )
    middle = float(np.median(values)) if mark is None else mark
    at = left + (middle - low) / (high - low) * (width - 2 * left)
    anchor = "end" if at > width * 0.6 else "start"
    nudge = -5 if anchor == "end" else 5
    lines = (
        f'<path class="axis" d="M{left} {height - bottom}H{width - left}"/>'
        f'<path class="mark" d="M{at:.1f} 6V{height - bottom}"/>'
        f'<text x="{at + nudge:.1f}" y="14" text-anchor="{anchor}">'
        f"median {_figure(middle)} {escape(unit)}</text>"
    )
    ticks = "".join(
        f'<text class="tick" x="{left + share * (width - 2 * left):.1f}" '
        f'y="{height - 9}" text-anchor="{place}">'
        f"{_figure(low + share * (high - low))}</text>"
        for share, place in ((0, "start"), (0.5, "middle"), (1, "end"))
    )
    return (
        f'<figure><figcaption>{escape(title)} <span class="dim">n = {len(values):,}'
        f'</span></figcaption><svg viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(title)}">{bars}{lines}{ticks}</svg></figure>'
    )


def curves(series: Sequence[tuple[str, str, Array, Array]], *, title: str) -> str:
    """Draw lines over training steps in a 520 by 240 frame.

    Args:
        series: Label, CSS class, (n,) steps and (n,) values of each line.
        title: Stands above.
    """
    drawn = [s for s in series if len(s[2])]
    if not drawn:
        return f'<figure><p class="dim">{escape(title)}: no data</p></figure>'
    width, height, left, bottom, top = 520, 240, 46, 28, 10
    x1 = max(float(s[2].max()) for s in drawn)
    pool = np.concatenate([s[3] for s in drawn])
    y0, y1 = float(np.nanmin(pool)), float(np.nanmax(pool))
    pad = 0.06 * max(y1 - y0, 1e-6)
    y0, y1 = y0 - pad, y1 + pad

    def place(x: Array, y: Array) -> str:
        px = left + x / max(x1, 1e-9) * (width - left - 10)
        py = top + (y1 - y) / (y1 - y0) * (height - bottom - top)
        ok = np.isfinite(py)
        points = zip(px[ok], py[ok], strict=True)
        return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in points)

    lines = "".join(
        f'<path class="line {kind}" d="{place(x, y)}"/>' for _, kind, x, y in drawn
    )
    grid = "".join(
        f'<path class="grid" d="M{left} {yy:.1f}H{width - 10}"/>'
        f'<text class="tick" x="{left - 6}" y="{yy + 4:.1f}" text-anchor="end">'
        f"{_figure(y1 - (yy - top) / (height - bottom - top) * (y1 - y0))}</text>"
        for yy in np.linspace(top, height - bottom, 5)
    )
    ticks = "".join(
        f'<text class="tick" x="{left + s * (width - left - 10):.1f}" '
        f'y="{height - 8}" text-anchor="{a}">{round(s * x1)}'
        f"{' steps' if s == 1 else ''}</text>"
        for s, a in ((0, "start"), (0.5, "middle"), (1, "end"))
    )
    legend = " ".join(
        f'<span class="key"><i class="{kind}"></i>{escape(label)}</span>'
        for label, kind, _, _ in drawn
    )
    return (
        f'<figure><figcaption>{escape(title)} <span class="legend">{legend}</span>'
        f'</figcaption><svg viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(title)}">{grid}{lines}{ticks}</svg></figure>'
    )


def interval_svg(
    rows: Sequence[tuple[str, dict[str, float | None]]],
    chance: float | None,
    span: tuple[float, float] = (0.0, 1.0),
) -> str:
    """Draw estimates with intervals on one axis, and chance as a dashed line.

    Args:
        rows: CSS class and `value`, `low`, `high` of each.
        chance: What guessing gives.
        span: Ends of the axis.
    """
    width, gap = 240, 15
    height = gap * len(rows) + 8

    def at(value: float) -> float:
        share = (value - span[0]) / (span[1] - span[0])
        return 6 + float(np.clip(share, 0, 1)) * (width - 12)

    shapes = [f'<path class="axis" d="M6 {height - 2}H{width - 6}"/>']
    if chance is not None:
        shapes.append(f'<path class="chance" d="M{at(chance):.1f} 0V{height - 2}"/>')
    for i, (kind, estimate) in enumerate(rows):
        y, value = gap * i + 9, estimate["value"]
        low, high = estimate["low"], estimate["high"]
        if value is None:
            continue
        if low is not None and high is not None:
            shapes.append(
                f'<path class="line {kind}" d="M{at(low):.1f} {y}H{at(high):.1f}"/>'
            )
        shapes.append(
            f'<circle class="dot {kind}" cx="{at(value):.1f}" cy="{y}" r="4"/>'
        )
    return (
        f'<svg class="interval" viewBox="0 0 {width} {height}">{"".join(shapes)}</svg>'
    )


def _between(share: float) -> str:
    red, green, blue = (_EARLY + (_LATE - _EARLY) * float(share)).round().astype(int)
    return f"rgb({red},{green},{blue})"


def _figure(value: float) -> str:
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:.{digits}f}"


def _uri(buffer: io.BytesIO, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
