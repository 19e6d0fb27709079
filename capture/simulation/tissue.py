"""Turn an anatomy into layers of absorbing thickness."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

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
_TRUNK_CM, _TAPER = 0.5, 0.64  # width of a hilar vessel, and of a fork's branch
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
    reach, height, wall = abs(x), anatomy.lung_height_cm, anatomy.wall_cm
    edge = anatomy.half_width_cm + wall + 0.8
    trunk = edge + np.interp(y, (height, 1.6 * height), (0.0, 0.3 * wall))
    depth = np.interp(y, (-6, -1, 5, height, 1.4 * height), (0.66, 0.76, 0.9, 1, 1.06))
    body = anatomy.thickness_cm * depth * _chord(reach / trunk, 4.0, 0.4)
    neck = 0.72 * anatomy.thickness_cm * _chord(reach / 7.2, 3.0, 0.4) * (y < 8)
    low = 9.0 + 0.6 * anatomy.shoulder_drop_cm
    shoulder = 0.74 * anatomy.thickness_cm * np.clip((low - y) / 6.0, 0, 1) ** 0.5
    skin = -4.2 + 0.5 * anatomy.shoulder_drop_cm + 0.33 * np.maximum(reach - 5.5, 0)
    below_skin = np.clip((y - skin) / 3.5, 0, 1) ** 0.55
    arm_x = np.interp(y, (2, 20), (5.6, wall + 5.0)) + anatomy.half_width_cm
    arm = 0.62 * anatomy.thickness_cm * _chord(abs(reach - arm_x) / 4.6, 2.0, 0.5)
    body = np.maximum(np.maximum(np.maximum(body, shoulder), arm) * below_skin, neck)
    cells = rng.standard_normal((14, 12)).astype(np.float32)
    grain = cv2.resize(cells, x.shape[::-1], interpolation=cv2.INTER_CUBIC)
    return canvas.refine(np.asarray(body * (1 + 0.02 * grain), dtype=np.float32))


def _chord(share: NDArray[Any], corner: float, power: float) -> Array:
    """Thickness of a rounded body across, 1 in the middle and 0 from `share` 1 on."""
    return np.asarray(np.clip(1 - share**corner, 0, 1) ** power, dtype=np.float32)


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
    return np.vstack([dome, dome[::-1] + np.array([0.0, 2.6])])


def _add_organs(layers: Layers, anatomy: Anatomy, rng: np.random.Generator) -> None:
    canvas = layers.canvas
    canvas.cut_polygon(layers.air, anatomy.heart(), 0.82, 0.12)
    canvas.cut_polygon(layers.air, anatomy.mediastinum(), 0.93, 0.22)
    canvas.cut_polygon(layers.air, anatomy.knob(), 0.7, 0.14)
    y = np.linspace(anatomy.carina_cm - 1.5, 1.1 * anatomy.lung_height_cm, 20)
    x = anatomy.mediastinum_half_cm * 0.75 + anatomy.turn - 0.02 * y
    canvas.add_line(layers.soft, np.stack([x, y], 1), 2.4, 1.4, 0.16)
    _add_airways(layers, anatomy)
    if anatomy.breast_cm:
        _add_breasts(layers, anatomy)
    if anatomy.gas_cm:
        _add_gas(layers, anatomy, rng)


def _add_airways(layers: Layers, anatomy: Anatomy) -> None:
    carina = anatomy.carina_cm
    y = np.linspace(-6, carina, 12)
    trachea = np.stack([anatomy.turn * 0.7 - 0.35 * np.clip(y / carina, 0, 1), y], 1)
    lines = [(trachea, 1.7, 2.0)]
    for side in SIDES:
        x, low = anatomy.hilum(side)
        middle = (0.45 * x, 0.5 * (carina + low) + 0.1)
        knots = np.array([trachea[-1] - (0.0, 0.4), middle, (x, low)])
        lines.append((smooth_curve(knots, 8), 1.1, 1.6))
    airways = layers.canvas.layer()
    layers.canvas.add_lines(airways, lines[::-1], 0.16)
    layers.soft -= airways


def _add_breasts(layers: Layers, anatomy: Anatomy) -> None:
    across, down = anatomy.half_width_cm, anatomy.lung_height_cm
    for grow in (0.72, 0.88, 1.0):
        rings = []
        for side in SIDES:
            radii = (0.52 * across * grow, 0.33 * down * grow)
            ring = ellipse_outline((0.0, 0.0), radii)
            ring[:, 1] *= np.where(ring[:, 1] < 0, 1.2, 1.0)
            center = np.array([sign(side) * 0.62 * across, 0.68 * down])
            rings.append(ring + center)
        blur_cm = 0.35 if grow == 1.0 else 1.0
        layers.canvas.add_polygon(layers.soft, rings, anatomy.breast_cm / 3, blur_cm)


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
    hila, trees = [], []
    for side in SIDES:
        x, y = anatomy.hilum(side)
        hila.append(
            ellipse_outline((x - sign(side) * 0.3, y), (1.25, 2.0), sign(side) * -18)
        )
        trees.append(_vessel_tree(anatomy, side, rng))
    canvas.add_polygon(layers.markings, hila, 2.3, 0.5)
    levels: list[tuple[list[Points], float, float]] = []
    for right, left in zip(*trees, strict=True):
        width = _TRUNK_CM * _TAPER ** len(levels)
        levels.append(([*right, *left], width, 0.22 + 1.7 * width))
    canvas.add_lines(layers.markings, levels[:2:-1], 0.02)
    canvas.add_lines(layers.markings, levels[2::-1], 0.05)
    lungs = canvas.mask([anatomy.lung(side) for side in SIDES], 0.25)
    canvas.cut_polygon(lungs, anatomy.heart(), 0.75, 0.3)
    canvas.cut_polygon(lungs, anatomy.mediastinum(), 0.9, 0.3)
    layers.markings += 0.16 * canvas.noise(rng, 0.34) + 0.20 * canvas.noise(rng, 0.9)
    layers.markings *= lungs


def _vessel_tree(
    anatomy: Anatomy, side: Side, rng: np.random.Generator
) -> list[Points]:
    """Let vessels fork from a hilum.

    Returns:
        For each of 6 generations (k, 3, 2) lines of three points; k doubles each time.
    """
    angle = np.linspace(-75, 92, 9) + rng.normal(0, 8, 9)
    length = 0.17 * anatomy.lung_height_cm * (0.75 + 0.35 * (angle > 20))
    start = np.tile(anatomy.hilum(side), (9, 1))
    generations = []
    for _ in range(6):
        bent = angle + rng.normal(0, 20, len(angle))
        turn = np.radians(np.stack([angle, bent], 1))
        steps = np.stack([sign(side) * np.cos(turn), np.sin(turn)], 2)
        points = start[:, None] + np.cumsum(steps * length[:, None, None] / 2, 1)
        generations.append(np.concatenate([start[:, None], points], 1))
        spread = rng.uniform(6, 40, (2, len(angle)))
        angle = np.concatenate([bent - spread[0], bent + spread[1]])
        length = np.tile(length, 2) * rng.uniform(0.55, 1.0, len(angle))
        start = np.tile(points[:, -1], (2, 1))
    return generations


def _add_skeleton(layers: Layers, anatomy: Anatomy) -> None:
    canvas, bone = layers.canvas, anatomy.bone
    _add_spine(layers, anatomy)
    for first in (3, 4):  # neighbors overlap, every second rib does not
        ribs = [anatomy.rib(k, side) for k in range(first, 11, 2) for side in SIDES]
        backs, fronts = [back for back, _ in ribs], [front for _, front in ribs]
        canvas.add_line(layers.bone, backs, 1.0, 0.22 * bone, 0.06)
        canvas.add_line(layers.bone, backs, 0.62, -0.09 * bone, 0.08)
        canvas.add_line(layers.bone, fronts, 1.2, 0.12 * bone, 0.09)
    for number in (1, 2):
        halves = [half for side in SIDES for half in anatomy.rib(number, side)]
        canvas.add_line(layers.bone, halves, 1.1, 0.13 * bone, 0.08)
    clavicles = [anatomy.clavicle(side) for side in SIDES]
    canvas.add_line(layers.bone, clavicles, 1.35, 0.34 * bone, 0.06)
    canvas.add_line(layers.bone, clavicles, 0.85, -0.12 * bone, 0.08)
    for side in SIDES:
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
    out = anatomy.wall_cm + x
    shaft = np.array([[s * (x + 5.6), 2.0 + y], [s * (out + 7.0), 38.0 + y]])
    canvas.add_line(layers.bone, shaft, 2.2, 0.40 * bone, 0.1)
    canvas.add_line(layers.bone, shaft, 1.2, -0.15 * bone, 0.15)


def _add_spine(layers: Layers, anatomy: Anatomy) -> None:
    canvas, bone = layers.canvas, anatomy.bone
    step = anatomy.rib_spacing_cm
    bodies, plates, pedicles, spines = [], [], [], []
    for index in range(18):
        y = -6.0 + index * step
        x = float(anatomy.spine_x(y)) + 0.4 * anatomy.turn
        half, tall = 1.55 + 0.03 * index, 0.40 * step
        corners = np.array(
            [
                [-1, -1],
                [0, -0.9],
                [1, -1],
                [0.9, 0],
                [1, 1],
                [0, 0.9],
                [-1, 1],
                [-0.9, 0],
            ]
        )
        body = corners * (half, tall) + (x, y)
        bodies.append(body)
        plates += [body[4:7], body[0:3]]
        for s in (-1, 1):
            spot = (x + s * half * 0.62, y - tall * 0.35)
            pedicles.append(ellipse_outline(spot, (0.3, 0.42), n=16))
        spines.append(ellipse_outline((x, y + tall * 0.7), (0.22, 0.5), n=16))
    canvas.add_polygon(layers.bone, bodies, 0.15 * bone, 0.09)
    canvas.add_line(layers.bone, plates, 0.16, 0.07 * bone, 0.05)
    canvas.add_polygon(layers.bone, pedicles, 0.08 * bone, 0.07)
    canvas.add_polygon(layers.bone, spines, 0.09 * bone, 0.07)
