"""The normal chest of one patient: numbers drawn from a seed, and curves from them.

Centimeters at the detector; x runs to the patient's left from the midline, y down from
the lung apices. On the film the patient's right lies on the left.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from capture.simulation.canvas import Points, ellipse_outline, smooth_curve

Side = Literal["right", "left"]
SIDES: tuple[Side, Side] = ("right", "left")


@dataclass(frozen=True, slots=True, kw_only=True)
class Anatomy:
    """Size and shape of one patient's chest."""

    half_width_cm: float
    """Inside of the rib cage, from the midline, where it is widest."""
    lung_height_cm: float
    """From the apices to the top of the right diaphragm."""
    left_drop_cm: float
    """How much lower the left diaphragm stands."""
    right_raise_cm: float
    """Lift of the right diaphragm by lost volume."""
    left_raise_cm: float
    """Lift of the left diaphragm by lost volume."""
    angle_depth_cm: float
    """How far the costophrenic angle lies below the top of the diaphragm."""
    heart_ratio: float
    """Width of the heart over the inner width of the chest."""
    heart_shift: float
    """Share of the heart's width to the right of the midline."""
    heart_roundness: float
    """0 a slim apex, 1 a round one."""
    mediastinum_half_cm: float
    """Half the width of the upper mediastinum."""
    knob_cm: float
    """Radius of the aortic knob."""
    wall_cm: float
    """Soft tissue beside the ribs."""
    thickness_cm: float
    """Front to back."""
    breast_cm: float
    """Thickness of the breast shadows; 0 for none."""
    shoulder_drop_cm: float
    """How low the shoulders hang: moves clavicles and arms."""
    scoliosis_cm: float
    """Sideways bow of the spine."""
    rib_slope: float
    """How steeply the ribs fall; 1 is usual."""
    rib_spacing_cm: float
    """From rib to rib at the spine."""
    bone: float
    """Density of bone; 1 is usual."""
    gas_cm: float
    """Radius of the stomach's gas bubble; 0 for none."""
    turn: float
    """Rotation about the long axis: moves the mediastinum, centimeters."""

    def outer_x(self, y: np.ndarray | float) -> np.ndarray:
        """Return the inside of the rib cage at the height y, a positive x."""
        s = np.clip(
            np.asarray(y, dtype=np.float64) / (0.68 * self.lung_height_cm), 0, 1
        )
        grow = (1 - (1 - s) ** 2) ** 0.55
        return np.asarray(4.3 + (self.half_width_cm - 4.3) * grow)

    def dome_cm(self, side: Side) -> float:
        """Return the height of the top of a diaphragm."""
        if side == "right":
            return self.lung_height_cm - self.right_raise_cm
        return self.lung_height_cm + self.left_drop_cm - self.left_raise_cm

    def angle_cm(self, side: Side) -> float:
        """Return the height of a costophrenic angle."""
        drop = self.left_drop_cm if side == "left" else 0.0
        return self.lung_height_cm + drop + self.angle_depth_cm

    def diaphragm(self, side: Side, n: int = 40) -> Points:
        """Return (n, 2) points along a diaphragm from the spine to the angle."""
        width, peak = self.half_width_cm, 0.5 * self.half_width_cm
        x = np.linspace(1.2, width, n)
        top, low = self.dome_cm(side), self.angle_cm(side)
        out = np.clip((x - peak) / (width - peak), 0, 1)
        inward = np.clip((peak - x) / peak, 0, 1)
        y = top + (low - top) * out**2.3 + 1.6 * inward**2
        return np.stack([sign(side) * x, y], 1)

    def lung(self, side: Side) -> Points:
        """Outline one lung, (n, 2)."""
        low = self.angle_cm(side)
        y = np.linspace(0.0, low, 40)
        wall = np.stack([sign(side) * self.outer_x(y), y], 1)[::-1]
        s = sign(side)
        apex = smooth_curve(
            np.array([[s * 4.3, 0.0], [s * 2.9, 0.35], [s * 1.9, 1.8], [s * 1.2, 4.0]]),
            6,
        )
        return np.vstack([self.diaphragm(side), wall, apex])

    def spine_x(self, y: np.ndarray | float) -> np.ndarray:
        """Return the middle of the spine at the height y."""
        phase = np.asarray(y, dtype=np.float64) / (self.lung_height_cm * 1.2)
        return np.asarray(self.scoliosis_cm * np.sin(np.pi * np.clip(phase, -0.3, 1.3)))

    def heart_edges(self) -> tuple[float, float]:
        """Return the right (negative) and left edge of the heart, x."""
        width = self.heart_ratio * 2 * self.half_width_cm
        return -self.heart_shift * width + self.turn, (
            1 - self.heart_shift
        ) * width + self.turn

    def heart(self) -> Points:
        """Outline the heart with the great vessels' roots, (n, 2)."""
        x0, x1 = self.heart_edges()
        height = self.lung_height_cm
        low = max(self.dome_cm("right"), self.dome_cm("left")) + 1.2
        fat = self.heart_roundness
        big = np.clip((self.heart_ratio - 0.42) / 0.25, 0, 1)
        top = (0.53 - 0.05 * big) * height
        knots = np.array(
            [
                [-self.mediastinum_half_cm * 0.9 + self.turn, top - 1.5],
                [0.72 * x0, top + 1.5],
                [0.97 * x0, 0.70 * height],
                [x0, 0.81 * height],
                [0.88 * x0, 0.95 * height],
                [0.6 * x0, low],
                [0.25 * x1, low + 0.6],
                [0.72 * x1, low],
                [(0.93 + 0.04 * fat) * x1, 0.96 * height],
                [x1, (0.87 - 0.04 * fat) * height],
                [(0.84 + 0.06 * fat) * x1, (0.74 - 0.02 * fat) * height],
                [(0.62 + 0.06 * fat) * x1, 0.62 * height],
                [max(0.47 * x1, self.mediastinum_half_cm + 0.9), top],
                [self.mediastinum_half_cm + 0.95 + self.turn, top - 1.8],
                [0.9 * self.mediastinum_half_cm + self.turn, top - 3.4],
            ]
        )
        return smooth_curve(knots, 8, closed=True)

    def mediastinum(self) -> Points:
        """Outline the upper mediastinum and what lies behind the heart, (n, 2)."""
        half, turn, height = self.mediastinum_half_cm, self.turn, self.lung_height_cm
        right = [
            [-half * 1.25 + turn * 0.6, -5.0],
            [-half * 0.98 + turn, 0.08 * height],
            [-half * 0.92 + turn, 0.30 * height],
            [-half * 0.98 + turn, 0.45 * height],
            [-half * 0.80 + turn, 0.75 * height],
            [-half * 0.80 + turn, 1.3 * height],
        ]
        left = [
            [half * 0.7 + turn, 1.3 * height],
            [half * 0.7 + turn, 0.75 * height],
            [half * 0.92 + turn, 0.45 * height],
            [half * 0.88 + turn, 0.30 * height],
            [half * 0.92 + turn, 0.10 * height],
            [half * 1.25 + turn * 0.6, -5.0],
        ]
        return np.vstack(
            [smooth_curve(np.array(right), 8), smooth_curve(np.array(left), 8)]
        )

    def knob(self) -> Points:
        """Outline the aortic knob, (n, 2)."""
        center = (
            0.9 * self.mediastinum_half_cm + self.turn - 0.3 * self.knob_cm,
            self.carina_cm - 2.0,
        )
        return ellipse_outline(center, (self.knob_cm, self.knob_cm * 1.15))

    @property
    def carina_cm(self) -> float:
        """Height of the tracheal bifurcation."""
        return 0.36 * self.lung_height_cm

    def hilum(self, side: Side) -> tuple[float, float]:
        """Return the center of a hilum; the left one stands higher."""
        y = (0.47 if side == "right" else 0.43) * self.lung_height_cm
        return sign(side) * (self.mediastinum_half_cm + 1.4) + self.turn, y

    def rib(self, number: int, side: Side) -> tuple[Points, Points]:
        """Return the posterior and the anterior half of a rib as two lines.

        Args:
            number: 1 to 10, from the top.
            side: The patient's.
        """
        start = -2.2 + (number - 1) * self.rib_spacing_cm
        fall = self.rib_slope * np.interp(number, (1, 3, 10), (4.4, 7.4, 10.5))
        lateral = start + fall * 0.5
        reach = float(self.outer_x(max(lateral, 0.3))) + 0.45
        if number == 1:
            reach = 5.4
        angle = np.radians(np.linspace(7, 150 if number > 1 else 165, 60))
        lift = 0.9 * np.sin(np.linspace(0, np.pi, 60)) ** 2 * (angle < np.pi / 2)
        x = sign(side) * reach * np.sin(angle) ** 0.9
        y = start + fall * (1 - np.cos(angle)) / 2 - lift
        x = x + self.spine_x(y) * np.cos(angle / 2)
        line = np.stack([x, y], 1)
        half = int(np.searchsorted(angle, np.pi / 2)) + 1
        return line[:half], line[half - 1 :]

    def clavicle(self, side: Side) -> Points:
        """Return the middle line of a clavicle from the sternum outward."""
        s, drop = sign(side), self.shoulder_drop_cm
        knots = np.array(
            [
                [s * 1.9 + self.turn, 2.6],
                [s * 5.0 + self.turn * 0.6, 1.6 + 0.2 * drop],
                [s * 9.5, -0.2 + 0.5 * drop],
                [s * 13.5, -1.7 + 0.9 * drop],
                [s * 17.0, -1.4 + drop],
            ]
        )
        return smooth_curve(knots, 10)


def sign(side: Side) -> float:
    """Return -1 for the patient's right, 1 for the left: the direction of x."""
    return -1.0 if side == "right" else 1.0


def draw_anatomy(rng: np.random.Generator, *, portable: bool) -> Anatomy:
    """Draw a normal chest; a portable film shows a shallower breath."""
    size = rng.normal(1.0, 0.07)
    habitus = float(np.clip(rng.normal(0.0, 1.0), -1.8, 2.4))
    height = float(
        np.clip(22.5 * size + rng.normal(0, 1.2) - 2.4 * portable, 16.5, 27.0)
    )
    return Anatomy(
        half_width_cm=float(np.clip(13.2 * size + 0.3 * habitus, 11.2, 15.4)),
        lung_height_cm=height,
        left_drop_cm=float(np.clip(rng.normal(1.0, 0.6), -0.4, 2.4)),
        right_raise_cm=0.0,
        left_raise_cm=0.0,
        angle_depth_cm=float(rng.uniform(2.8, 4.8)),
        heart_ratio=float(np.clip(rng.normal(0.44, 0.035), 0.37, 0.50)),
        heart_shift=float(rng.uniform(0.28, 0.38)),
        heart_roundness=float(rng.uniform(0, 1)),
        mediastinum_half_cm=float(
            np.clip(rng.normal(2.9, 0.3) + 0.3 * portable, 2.3, 3.9)
        ),
        knob_cm=float(rng.uniform(1.1, 1.9)),
        wall_cm=float(np.clip(2.3 + 0.8 * habitus, 1.1, 4.5)),
        thickness_cm=float(np.clip(21.5 + 2.0 * habitus, 17.5, 27.0)),
        breast_cm=float(rng.uniform(1.2, 4.2)) if rng.random() < 0.48 else 0.0,
        shoulder_drop_cm=float(rng.uniform(-1.2, 1.6)),
        scoliosis_cm=float(
            rng.normal(0, 0.25) if rng.random() > 0.08 else rng.choice((-1.8, 1.8))
        ),
        rib_slope=float(np.clip(rng.normal(1.0, 0.12), 0.75, 1.3)),
        rib_spacing_cm=float(height / 9.6 + rng.normal(0, 0.06)),
        bone=float(np.clip(rng.normal(1.0, 0.2), 0.55, 1.5)),
        gas_cm=float(rng.uniform(1.0, 2.8)) if rng.random() < 0.7 else 0.0,
        turn=float(rng.normal(0, 0.45)),
    )


def inside(points: Points, outline: Points) -> np.ndarray:
    """Mark the (n,) points that lie inside a polygon, by the ray rule."""
    x, y = points[:, 0, None], points[:, 1, None]
    x0, y0 = outline[:, 0], outline[:, 1]
    x1, y1 = np.roll(x0, -1), np.roll(y0, -1)
    spans = (y0 > y) != (y1 > y)
    rise = np.where(y1 == y0, 1.0, y1 - y0)
    crossings = spans & (x < x0 + (y - y0) / rise * (x1 - x0))
    return np.asarray(crossings.sum(1) % 2 == 1)
