"""Draw smooth shapes given in centimeters of the body into arrays of pixels."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Points = NDArray[np.float64]
"""(n, 2) centimeters: x from the midline to the patient's left, y down from apex."""

Shapes = Points | Sequence[Points]
"""One outline or line, or several that are drawn alike and do not overlap."""

_SHIFT = 4  # OpenCV takes coordinates in sixteenths of a pixel


@dataclass(frozen=True, kw_only=True)
class Framing:
    """How the body lies on the detector; the same at every resolution."""

    width_cm: float
    height_cm: float
    origin_x_cm: float
    """Where the midline at the lung apices lies, from the left edge."""
    origin_y_cm: float
    """The same from the top edge."""
    rotation_deg: float
    """Tilt of the body in the plane of the detector, clockwise."""

    def to_detector_cm(self, points: Points) -> Points:
        """Map (n, 2) body centimeters to centimeters from the image's corner."""
        angle = np.radians(self.rotation_deg)
        cos, sin = np.cos(angle), np.sin(angle)
        turn = np.array([[cos, sin], [-sin, cos]])
        return np.asarray(points @ turn + (self.origin_x_cm, self.origin_y_cm))

    def box(self, points: Points) -> tuple[float, float, float, float]:
        """Bound body points by a normalized box, clipped to the image."""
        size = (self.width_cm, self.height_cm)
        at = np.clip(self.to_detector_cm(points) / size, 0.0, 1.0)
        (x0, y0), (x1, y1) = at.min(0), at.max(0)
        return _place(x0), _place(y0), _place(x1), _place(y1)


@dataclass(frozen=True, kw_only=True)
class Canvas:
    """A framing at one resolution."""

    framing: Framing
    width_px: int
    height_px: int

    @property
    def px_per_cm(self) -> float:
        """Pixels per centimeter, the same along both axes."""
        return self.height_px / self.framing.height_cm

    def layer(self, value: float = 0.0) -> Array:
        """Make an empty (h, w) layer."""
        return np.full((self.height_px, self.width_px), value, np.float32)

    @cached_property
    def coarse_grid(self) -> tuple[Array, Array]:
        """Body coordinates x and y, cm, of the pixels of a grid 6 times as coarse."""
        framing, n = self.framing, 6
        h, w = -(-self.height_px // n), -(-self.width_px // n)
        x = (np.arange(w) + 0.5) / w * framing.width_cm - framing.origin_x_cm
        y = (np.arange(h) + 0.5) / h * framing.height_cm - framing.origin_y_cm
        grid_x, grid_y = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
        angle = np.float32(np.radians(framing.rotation_deg))
        cos, sin = np.cos(angle), np.sin(angle)
        return grid_x * cos + grid_y * sin, grid_y * cos - grid_x * sin

    def refine(self, coarse: Array) -> Array:
        """Enlarge a (h, w) field of any size to this canvas."""
        size = (self.width_px, self.height_px)
        fine = cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR)
        return np.asarray(fine, dtype=np.float32)

    def noise(self, rng: np.random.Generator, cell_cm: float) -> Array:
        """Draw smooth noise of unit spread whose grains measure about `cell_cm`."""
        shape = (
            int(self.framing.height_cm / cell_cm) + 2,
            int(self.framing.width_cm / cell_cm) + 2,
        )
        grains = rng.standard_normal(shape).astype(np.float32)
        size = (self.width_px, self.height_px)
        fine = cv2.resize(grains, size, interpolation=cv2.INTER_CUBIC)
        return np.asarray(fine, dtype=np.float32)

    def add_polygon(
        self, layer: Array, points: Shapes, value: float, blur_cm: float = 0.05
    ) -> None:
        """Add `value` inside a polygon whose edge is softened over `blur_cm`."""
        part = self._mask(points, blur_cm, None)
        if part is not None:
            rows, columns, mask = part
            layer[rows, columns] += mask * np.float32(value)

    def cut_polygon(
        self, layer: Array, points: Shapes, share: float, blur_cm: float = 0.05
    ) -> None:
        """Take the `share` of what the layer holds away inside a polygon."""
        part = self._mask(points, blur_cm, None)
        if part is not None:
            rows, columns, mask = part
            layer[rows, columns] *= 1 - mask * np.float32(share)

    def add_line(
        self,
        layer: Array,
        points: Shapes,
        width_cm: float,
        value: float,
        blur_cm: float = 0.02,
    ) -> None:
        """Add `value` along a line of a given width."""
        part = self._mask(points, blur_cm, width_cm)
        if part is not None:
            rows, columns, mask = part
            layer[rows, columns] += mask * np.float32(value * self._share(width_cm))

    def add_lines(
        self, layer: Array, lines: Sequence[tuple[Shapes, float, float]], blur_cm: float
    ) -> None:
        """Lay many (points, width_cm, value) lines over each other, the last on top."""
        if not lines:
            return
        top = max(value for _, _, value in lines)
        buffer = np.zeros(layer.shape, np.uint8)
        for points, width_cm, value in lines:
            gray = round(255 * value / top * self._share(width_cm))
            fixed = [_fixed(shape) for shape in self._to_px(points)]
            self._draw(buffer, fixed, width_cm, gray)
        layer += self._blur(buffer, blur_cm).astype(np.float32) * np.float32(top / 255)

    def mask(self, points: Shapes, blur_cm: float = 0.05) -> Array:
        """Draw a polygon as a (h, w) layer of 0 to 1."""
        layer = self.layer()
        self.add_polygon(layer, points, 1.0, blur_cm)
        return layer

    def _share(self, width_cm: float) -> float:
        return min(1.0, width_cm * self.px_per_cm)  # thinner than a pixel: fainter

    def _to_px(self, points: Shapes) -> list[Points]:
        shapes = [points] if isinstance(points, np.ndarray) else list(points)
        # OpenCV counts from the center of the first pixel
        at = self.framing.to_detector_cm(np.concatenate(shapes)) * self.px_per_cm - 0.5
        return np.split(at, np.cumsum([len(shape) for shape in shapes])[:-1])

    def _mask(
        self, points: Shapes, blur_cm: float, width_cm: float | None
    ) -> tuple[slice, slice, Array] | None:
        shapes = self._to_px(points)
        at = np.concatenate(shapes)
        grow = (3 * blur_cm + (width_cm or 0.0)) * self.px_per_cm + 3
        left, top = np.maximum(np.floor(at.min(0) - grow), 0).astype(int).tolist()
        right = min(int(at[:, 0].max() + grow) + 1, self.width_px)
        bottom = min(int(at[:, 1].max() + grow) + 1, self.height_px)
        if right <= left or bottom <= top:
            return None
        buffer = np.zeros((bottom - top, right - left), np.uint8)
        fixed = [_fixed(shape - (left, top)) for shape in shapes]
        if width_cm is None:
            cv2.fillPoly(buffer, fixed, 255, cv2.LINE_AA, _SHIFT)
        else:
            self._draw(buffer, fixed, width_cm, 255)
        soft = self._blur(buffer, blur_cm).astype(np.float32)
        soft *= np.float32(1 / 255)
        return slice(top, bottom), slice(left, right), soft

    def _draw(
        self,
        buffer: NDArray[np.uint8],
        fixed: list[NDArray[np.int32]],
        width_cm: float,
        gray: int,
    ) -> None:
        thick = max(1, round(width_cm * self.px_per_cm))
        cv2.polylines(buffer, fixed, False, gray, thick, cv2.LINE_AA, _SHIFT)

    def _blur(self, buffer: NDArray[np.uint8], blur_cm: float) -> NDArray[np.uint8]:
        sigma = blur_cm * self.px_per_cm
        if sigma < 0.3:
            return buffer
        if sigma <= 4:
            return np.asarray(cv2.GaussianBlur(buffer, (0, 0), sigma))
        step = int(sigma // 2)  # a wide blur needs few pixels
        h, w = buffer.shape
        small = cv2.resize(
            buffer, (-(-w // step), -(-h // step)), interpolation=cv2.INTER_AREA
        )
        small = cv2.GaussianBlur(small, (0, 0), sigma / step)
        return np.asarray(cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR))


def _place(share: float) -> float:
    return round(float(share), 5)


def _fixed(at_px: Points) -> NDArray[np.int32]:
    return np.asarray(np.rint(at_px * 2**_SHIFT), dtype=np.int32)


def smooth_curve(knots: Points, n: int = 12, *, closed: bool = False) -> Points:
    """Run a Catmull-Rom curve through (k, 2) knots, `n` points between two of them."""
    if closed:
        padded = np.vstack([knots[-1:], knots, knots[:2]])
    else:
        padded = np.vstack(
            [2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]]
        )
    t = np.linspace(0, 1, n, endpoint=False)[:, None, None]
    p0, p1, p2, p3 = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    curve = 0.5 * (
        2 * p1
        + (p2 - p0) * t
        + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
        + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )
    flat = curve.transpose(1, 0, 2).reshape(-1, 2)
    return flat if closed else np.vstack([flat, knots[-1:]])


def ellipse_outline(
    center: tuple[float, float],
    radii: tuple[float, float],
    turn_deg: float = 0.0,
    n: int = 48,
) -> Points:
    """Return (n, 2) points of an ellipse, cm."""
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    x, y = radii[0] * np.cos(angle), radii[1] * np.sin(angle)
    turn = np.radians(turn_deg)
    cos, sin = np.cos(turn), np.sin(turn)
    return np.stack([center[0] + x * cos - y * sin, center[1] + x * sin + y * cos], 1)
