"""Screen, visual angle, and the affine view that puts an image on the screen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""(n, 2) points, x right and y down; NaN where unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """The monitor that a session was read on, and how far away the reader sat."""

    width_px: int = 1920
    """Horizontal resolution."""
    height_px: int = 1080
    """Vertical resolution."""
    width_mm: float = 598.0
    """Width of the lit area, not of the bezel."""
    height_mm: float = 336.0
    """Height of the lit area."""
    distance_mm: float = 650.0
    """From the eye to the center of the screen."""

    def __post_init__(self) -> None:
        for name in ("width_px", "height_px", "width_mm", "height_mm", "distance_mm"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise ValueError(f"screen {name} must be above 0, got {value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The affine map from image pixels to screen pixels, without rotation.

    Both frames have their origin at the top-left corner of the top-left pixel. A
    negative scale is a mirrored axis.
    """

    scale_x: float
    """Screen pixels per image pixel, horizontally."""
    scale_y: float
    """Screen pixels per image pixel, vertically."""
    left_px: float
    """Screen x of the image's left edge."""
    top_px: float
    """Screen y of the image's top edge."""

    def to_screen(self, xy_px: Points) -> Points:
        """Map (n, 2) image pixels to screen pixels."""
        return xy_px * (self.scale_x, self.scale_y) + (self.left_px, self.top_px)

    def to_image(self, xy_px: Points) -> Points:
        """Map (n, 2) screen pixels to image pixels; points off the image stay off."""
        return (xy_px - (self.left_px, self.top_px)) / (self.scale_x, self.scale_y)

    def as_affine(self) -> list[float]:
        """Return [a, b, c, d, e, f]: x' = a x + b y + c, y' = d x + e y + f."""
        return [self.scale_x, 0.0, self.left_px, 0.0, self.scale_y, self.top_px]

    @classmethod
    def from_affine(cls, affine: list[float]) -> "View":
        """Read what `as_affine` wrote.

        Raises:
            ValueError: Not six numbers, a rotation, or a scale of zero.
        """
        if len(affine) != 6:
            raise ValueError(f"an affine view has 6 numbers, got {len(affine)}")
        a, b, c, d, e, f = (float(v) for v in affine)
        if b or d or not a or not e or not np.isfinite([a, c, e, f]).all():
            raise ValueError(f"not an axis-aligned invertible view: {affine}")
        return cls(scale_x=a, scale_y=e, left_px=c, top_px=f)


def px_to_deg(xy_px: Points, screen: Screen) -> Points:
    """Convert screen pixels to degrees of visual angle from the screen center.

    Uses the arctangent: a 21-inch portrait monitor at 600 mm reaches 20 degrees up and
    down, where the small-angle form is 4 % off.

    Args:
        xy_px: (n, 2) gaze points in pixels; NaN where the eye was lost.
        screen: Size and distance of the monitor.

    Returns:
        (n, 2) degrees, positive right and down; NaN where `xy_px` is NaN.

    Raises:
        ValueError: `xy_px` does not have shape (n, 2).

    Source:
        Holmqvist et al., Eye Tracking (Oxford University Press, 2011), visual angle.
    """
    offset_mm = _offset_mm(xy_px, screen)
    return np.degrees(np.arctan2(offset_mm, screen.distance_mm))


def deg_to_px(xy_deg: Points, screen: Screen) -> Points:
    """Invert `px_to_deg`.

    Raises:
        ValueError: `xy_deg` does not have shape (n, 2).
    """
    if xy_deg.ndim != 2 or xy_deg.shape[1] != 2:
        raise ValueError(f"xy_deg must have shape (n, 2), got {xy_deg.shape}")
    size_px, size_mm = _sizes(screen)
    offset_mm = np.tan(np.radians(xy_deg)) * screen.distance_mm
    return offset_mm * (size_px / size_mm) + size_px / 2


def px_per_deg(xy_px: Points, screen: Screen) -> Points:
    """Screen pixels that one degree of visual angle covers at a point.

    The slope of the inverse of `px_to_deg`: D (1 + (offset/D)²) π/180, per axis.

    Args:
        xy_px: (n, 2) screen pixels.
        screen: Size and distance of the monitor.

    Returns:
        (n, 2) pixels per degree along x and y.

    Raises:
        ValueError: `xy_px` does not have shape (n, 2).
    """
    offset_mm = _offset_mm(xy_px, screen)
    size_px, size_mm = _sizes(screen)
    mm_per_deg = screen.distance_mm * (1 + (offset_mm / screen.distance_mm) ** 2)
    return np.radians(mm_per_deg) * (size_px / size_mm)


def angle_deg(a_px: Points, b_px: Points, screen: Screen) -> NDArray[np.float64]:
    """Visual angle between pairs of screen points, exact on the sphere.

    Args:
        a_px: (n, 2) screen pixels.
        b_px: (n, 2) screen pixels.
        screen: Size and distance of the monitor.

    Returns:
        (n,) degrees between the two lines of sight; NaN where a point is NaN.

    Raises:
        ValueError: A point array does not have shape (n, 2).
    """
    a = _line_of_sight(a_px, screen)
    b = _line_of_sight(b_px, screen)
    sine = np.linalg.norm(np.cross(a, b), axis=1)
    degrees: NDArray[np.float64] = np.degrees(np.arctan2(sine, (a * b).sum(axis=1)))
    return degrees


def _line_of_sight(xy_px: Points, screen: Screen) -> NDArray[np.float64]:
    offset_mm = _offset_mm(xy_px, screen)
    depth_mm = np.full((len(offset_mm), 1), screen.distance_mm)
    ray = np.hstack([offset_mm, depth_mm])
    unit: Points = ray / np.linalg.norm(ray, axis=1, keepdims=True)
    return unit


def _offset_mm(xy_px: Points, screen: Screen) -> Points:
    if xy_px.ndim != 2 or xy_px.shape[1] != 2:
        raise ValueError(f"xy_px must have shape (n, 2), got {xy_px.shape}")
    size_px, size_mm = _sizes(screen)
    offset_mm: Points = (xy_px - size_px / 2) * (size_mm / size_px)
    return offset_mm


def _sizes(screen: Screen) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    size_px = np.array([screen.width_px, screen.height_px], dtype=np.float64)
    size_mm = np.array([screen.width_mm, screen.height_mm], dtype=np.float64)
    return size_px, size_mm
