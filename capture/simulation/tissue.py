"""Turn an anatomy into layers of absorbing thickness."""

from dataclasses import dataclass

import cv2
import numpy as np

from capture.simulation.anatomy import SIDES, Anatomy, Side, sign
from capture.simulation.canvas import (
    Array,
    Canvas,
    Points,
    ellipse_outline,
    smooth_curve,
)

SOFT_PER_CM = 0.2
"""Absorption of soft tissue at chest X-ray energies, per centimeter."""
_LUNG_TISSUE = 0.28  # density of healthy, aerated lung relative to soft tissue


@dataclass(kw_only=True)
class Layers:
    """Thickness maps of one film; abnormalities change them before they are summed."""

    canvas: Canvas
    air: Array
    """(h, w) centimeters of aerated lung."""
    fill: Array
    """(h, w) how much of the lung is still aerated: 1 healthy, 0 fluid or solid."""
    free: Array
    """(h, w) how much of the lung is air without any tissue: 1 a pneumothorax."""
    markings: Array
    """(h, w) centimeters of vessel and lung tissue."""
    soft: Array
    """(h, w) centimeters of soft tissue, negative for gas outside the lungs."""
    bone: Array
    """(h, w) absorption by bone and calcium."""
    metal: Array
    """(h, w) absorption by devices."""

    def absorption(self) -> Array:
        """Sum the layers to the exponent of Beer's law, (h, w)."""
        air = self.air * self.fill
        gain = (1 - _LUNG_TISSUE) + _LUNG_TISSUE * self.free
        tissue = self.soft + self.markings * (1 - self.free) - air * gain
        total = SOFT_PER_CM * tissue + self.bone + self.metal
        return np.asarray(np.maximum(total, 0), dtype=np.float32)


def build_layers(canvas: Canvas, anatomy: Anatomy, rng: np.random.Generator) -> Layers:
    """Lay out a healthy chest."""
    layers = Layers(
        canvas=canvas,
        air=_air(canvas, anatomy),
        fill=canvas.layer(1.0),
        free=canvas.layer(),
        markings=canvas.layer(),
        soft=_body(canvas, anatomy, rng),
        bone=canvas.layer(),
        metal=canvas.layer(),
    )
    _add_organs(layers, anatomy, rng)
    _add_vessels(layers, anatomy, rng)
    _add_skeleton(layers, anatomy)
    return layers


def _body(canvas: Canvas, anatomy: Anatomy, rng: np.random.Generator) -> Array:
    x, y = canvas.coarse_grid
    height = anatomy.lung_height_cm
    trunk = anatomy.outer_x(6.0 + 0 * y).astype(np.float32) + anatomy.wall_cm
    trunk = np.interp(
        y,
        (0.0, 0.5 * height, height, 1.6 * height),
        (
            anatomy.half_width_cm + 1.0 + anatomy.wall_cm,
            anatomy.half_width_cm + 0.8 + anatomy.wall_cm,
            anatomy.half_width_cm + 0.7 + anatomy.wall_cm,
            anatomy.half_width_cm + 0.6 + 1.25 * anatomy.wall_cm,
        ),
    )
    depth = anatomy.thickness_cm * np.interp(
        y, (-6, -2, 4, height, 1.5 * height), (0.55, 0.68, 0.88, 1.0, 1.08)
    )
    chord = np.clip(1 - (np.abs(x) / trunk) ** 2.6, 0, 1) ** 0.5
    body = depth * chord
    slope = (
        -3.6 + 0.5 * anatomy.shoulder_drop_cm + 0.30 * np.clip(np.abs(x) - 6.5, 0, None)
    )
    above = np.clip((y - slope) / 2.5, 0, 1) ** 0.7  # shoulders fall off to the sides
    neck = 12.5 * np.clip(1 - (np.abs(x) / 6.8) ** 2.4, 0, 1) ** 0.5
    shoulder = 11.5 * above * np.clip((23.0 - np.abs(x)) / 2, 0, 1)
    fade = np.clip((8.0 + 0.6 * anatomy.shoulder_drop_cm - y) / 5.0, 0, 1)
    body = np.maximum(body * above, np.maximum(shoulder * fade, neck * (y < 6)))
    grain = cv2.resize(
        rng.standard_normal((14, 12)).astype(np.float32),
        x.shape[::-1],
        interpolation=cv2.INTER_CUBIC,
    )
    return canvas.refine((body * (1 + 0.025 * grain)).astype(np.float32))


def _air(canvas: Canvas, anatomy: Anatomy) -> Array:
    x, y = canvas.coarse_grid
    side = np.clip(np.abs(x) / anatomy.outer_x(y), 0, 1)
    chord = (1 - 0.93 * side**3.2) ** 0.5
    top = np.interp(y, (-0.5, 3.0, 9.0), (0.42, 0.72, 1.0))
    depth = 0.64 * anatomy.thickness_cm
    profile = canvas.refine((depth * chord * top).astype(np.float32))
    lungs = canvas.layer()
    for lung_side in SIDES:
        canvas.add_polygon(lungs, anatomy.lung(lung_side), 1.0, 0.07)
        canvas.add_polygon(lungs, _recess(anatomy, lung_side), 0.10, 0.5)
    return profile * np.minimum(lungs, 1)


def _recess(anatomy: Anatomy, side: Side) -> Points:
    """Lung behind the dome of the diaphragm, which shines through below it."""
    dome = anatomy.diaphragm(side)
    return np.vstack([dome, dome[::-1] + (0.0, 2.6)])


def _add_organs(layers: Layers, anatomy: Anatomy, rng: np.random.Generator) -> None:
    canvas = layers.canvas
    canvas.cut_polygon(layers.air, anatomy.heart(), 0.80, 0.10)
    canvas.cut_polygon(layers.air, anatomy.mediastinum(), 0.93, 0.16)
    canvas.cut_polygon(layers.air, anatomy.knob(), 0.85, 0.10)
    y = np.linspace(anatomy.carina_cm - 1.5, 1.1 * anatomy.lung_height_cm, 20)
    aorta = np.stack(
        [anatomy.mediastinum_half_cm * 0.75 + anatomy.turn - 0.02 * y + 0 * y, y], 1
    )
    canvas.add_line(layers.soft, aorta, 2.4, 1.4, 0.12)
    trachea_y = np.linspace(-6, anatomy.carina_cm, 12)
    lean = 0.35 * np.clip(trachea_y / anatomy.carina_cm, 0, 1)
    trachea = np.stack([anatomy.turn * 0.7 - lean, trachea_y], 1)
    canvas.add_line(layers.soft, trachea, 1.75, -2.1, 0.14)
    for side in SIDES:
        x, hilum_y = anatomy.hilum(side)
        carina = trachea[-1]
        bronchus = smooth_curve(
            np.array(
                [carina, (0.45 * x, 0.5 * (carina[1] + hilum_y) + 0.1), (x, hilum_y)]
            ),
            8,
        )
        canvas.add_line(layers.soft, bronchus, 1.2, -1.6, 0.14)
        _add_breast(layers, anatomy, side)
    if anatomy.gas_cm:
        _add_gas(layers, anatomy, rng)


def _add_breast(layers: Layers, anatomy: Anatomy, side: Side) -> None:
    if not anatomy.breast_cm:
        return
    center = (sign(side) * 0.62 * anatomy.half_width_cm, 0.68 * anatomy.lung_height_cm)
    radii = (0.52 * anatomy.half_width_cm, 0.33 * anatomy.lung_height_cm)
    for grow in (0.72, 0.88, 1.0):
        ring = ellipse_outline(center, (radii[0] * grow, radii[1] * grow))
        ring[:, 1] = np.where(
            ring[:, 1] < center[1],
            center[1] - (center[1] - ring[:, 1]) * 1.2,
            ring[:, 1],
        )
        layers.canvas.add_polygon(
            layers.soft, ring, anatomy.breast_cm / 3, 0.35 if grow == 1.0 else 1.0
        )


def _add_gas(layers: Layers, anatomy: Anatomy, rng: np.random.Generator) -> None:
    radius = anatomy.gas_cm
    x, y = 0.42 * anatomy.half_width_cm, anatomy.dome_cm("left") + 0.9 + radius
    bubble = ellipse_outline(
        (x, y), (radius * 1.35, radius), float(rng.uniform(-15, 15))
    )
    layers.canvas.add_polygon(layers.soft, bubble, -2.6 * radius**0.5, 0.18)
    for _ in range(int(rng.integers(0, 5))):
        spot = (x + rng.uniform(-2, 6), y + radius + rng.uniform(0.5, 4.0))
        gas = ellipse_outline(
            spot, (rng.uniform(0.6, 1.6), rng.uniform(0.5, 1.1)), rng.uniform(-40, 40)
        )
        layers.canvas.add_polygon(layers.soft, gas, -rng.uniform(1.5, 3.5), 0.22)


def _add_vessels(layers: Layers, anatomy: Anatomy, rng: np.random.Generator) -> None:
    canvas = layers.canvas
    lines: list[tuple[Points, float, float]] = []
    for side in SIDES:
        x, y = anatomy.hilum(side)
        hilum = ellipse_outline(
            (x - sign(side) * 0.3, y), (1.25, 2.0), sign(side) * -18
        )
        canvas.add_polygon(layers.markings, hilum, 1.5, 0.45)
        for angle in np.linspace(-72, 88, 10) + rng.normal(0, 6, 10):
            reach = 0.5 * anatomy.lung_height_cm * (0.75 + 0.35 * (angle > 20))
            _branch(
                lines,
                np.array([x, y]),
                float(angle),
                sign(side),
                reach * 0.34,
                0.5,
                5,
                rng,
            )
    lines.sort(key=lambda line: line[1])
    thin = [line for line in lines if line[1] < 0.13]
    thick = [line for line in lines if line[1] >= 0.13]
    canvas.add_lines(layers.markings, thin, 0.02)
    canvas.add_lines(layers.markings, thick, 0.05)
    lung = canvas.layer()
    for side in SIDES:
        canvas.add_polygon(lung, anatomy.lung(side), 1.0, 0.25)
    layers.markings += 0.16 * canvas.noise(rng, 0.34) + 0.20 * canvas.noise(rng, 0.9)
    layers.markings *= lung


def _branch(
    lines: list[tuple[Points, float, float]],
    start: np.ndarray,
    angle_deg: float,
    mirror: float,
    length_cm: float,
    width_cm: float,
    depth: int,
    rng: np.random.Generator,
) -> None:
    """Grow a vessel from `start`, which forks until `depth` is used up."""
    bend = rng.normal(0, 14)
    turn = np.radians([angle_deg, angle_deg + bend])
    steps = np.stack([mirror * np.cos(turn), np.sin(turn)], 1) * length_cm / 2
    points = np.vstack([start, start + np.cumsum(steps, 0)])
    lines.append((points, width_cm, 0.4 + 1.7 * width_cm))
    if depth == 0:
        return
    for spread in (-1.0, 1.0):
        angle = angle_deg + bend + spread * rng.uniform(8, 34)
        scale = rng.uniform(0.68, 0.92)
        _branch(
            lines,
            points[-1],
            angle,
            mirror,
            length_cm * scale,
            width_cm * 0.64,
            depth - 1,
            rng,
        )


def _add_skeleton(layers: Layers, anatomy: Anatomy) -> None:
    canvas, bone = layers.canvas, anatomy.bone
    _add_spine(layers, anatomy)
    for parity in (0, 1):
        for side in SIDES:
            for number in range(1 + parity, 11, 2):
                back, front = anatomy.rib(number, side)
                wide = 1.0 if number > 1 else 1.3
                canvas.add_line(layers.bone, back, wide, 0.19 * bone, 0.06)
                canvas.add_line(layers.bone, back, wide * 0.62, -0.07 * bone, 0.08)
                canvas.add_line(layers.bone, front, 1.2 * wide, 0.095 * bone, 0.09)
    for side in SIDES:
        line = anatomy.clavicle(side)
        canvas.add_line(layers.bone, line, 1.35, 0.24 * bone, 0.06)
        canvas.add_line(layers.bone, line, 0.85, -0.08 * bone, 0.08)
        _add_shoulder(layers, anatomy, side)


def _add_shoulder(layers: Layers, anatomy: Anatomy, side: Side) -> None:
    canvas, s, bone = layers.canvas, sign(side), anatomy.bone
    y = anatomy.shoulder_drop_cm
    x = anatomy.half_width_cm
    blade = smooth_curve(
        np.array(
            [
                [s * (x + 3.2), 0.5 + y],
                [s * (x - 0.6), 2.2 + y],
                [s * (x - 0.4), 8.0 + y],
                [s * (x + 0.9), 12.6 + y],
                [s * (x + 2.3), 7.5 + y],
                [s * (x + 3.6), 3.8 + y],
            ]
        ),
        8,
        closed=True,
    )
    canvas.add_polygon(layers.bone, blade, 0.10 * bone, 0.12)
    canvas.add_line(layers.bone, np.vstack([blade, blade[:1]]), 0.35, 0.10 * bone, 0.08)
    head = ellipse_outline((s * (x + 5.6), 1.6 + y), (2.3, 2.4))
    canvas.add_polygon(layers.bone, head, 0.42 * bone, 0.15)
    shaft = np.array(
        [[s * (x + 5.9), 2.5 + y], [s * (x + 6.9), 9.0 + y], [s * (x + 7.6), 20.0 + y]]
    )
    canvas.add_line(layers.bone, shaft, 2.2, 0.40 * bone, 0.1)
    canvas.add_line(layers.bone, shaft, 1.2, -0.15 * bone, 0.15)
    canvas.add_line(layers.soft, shaft, 7.0, 5.0, 0.8)


def _add_spine(layers: Layers, anatomy: Anatomy) -> None:
    canvas, bone = layers.canvas, anatomy.bone
    step = anatomy.rib_spacing_cm
    top = -6.0
    for index in range(18):
        y = top + index * step
        half, tall = 1.55 + 0.03 * index, 0.40 * step
        x = float(anatomy.spine_x(y)) + 0.4 * anatomy.turn
        body = np.array(
            [
                [x - half, y - tall],
                [x, y - tall * 0.9],
                [x + half, y - tall],
                [x + half * 0.9, y],
                [x + half, y + tall],
                [x, y + tall * 0.9],
                [x - half, y + tall],
                [x - half * 0.9, y],
            ]
        )
        canvas.add_polygon(layers.bone, body, 0.24 * bone, 0.09)
        canvas.add_line(layers.bone, body[4:7], 0.16, 0.10 * bone, 0.05)
        canvas.add_line(layers.bone, body[0:3], 0.16, 0.10 * bone, 0.05)
        for s in (-1, 1):
            pedicle = ellipse_outline(
                (x + s * half * 0.62, y - tall * 0.35), (0.3, 0.42)
            )
            canvas.add_polygon(layers.bone, pedicle, 0.10 * bone, 0.07)
        spinous = ellipse_outline((x, y + tall * 0.7), (0.22, 0.5))
        canvas.add_polygon(layers.bone, spinous, 0.13 * bone, 0.07)
