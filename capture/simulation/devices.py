"""Tubes, lines and implants."""

import numpy as np

from capture.simulation.anatomy import Anatomy, Side, sign
from capture.simulation.canvas import Points, ellipse_outline, smooth_curve
from capture.simulation.scene import Abnormality, Scene
from capture.simulation.tissue import Layers

Line = tuple[Points, float, float]
"""(n, 2) middle line, width in centimeters, absorption."""


def support_devices(scene: Scene) -> list[Abnormality]:
    """Place one device, or what a ventilated patient has."""
    rng = scene.rng
    if rng.random() < 0.3:
        chosen = ["endotracheal_tube", "central_line", "nasogastric_tube"]
        chosen = chosen[: int(rng.integers(2, 4))]
    else:
        kinds = (
            "pacemaker",
            "port",
            "central_line",
            "endotracheal_tube",
            "nasogastric_tube",
        )
        chosen = [str(rng.choice(kinds, p=(0.28, 0.22, 0.25, 0.12, 0.13)))]
    return [_MAKERS[kind](scene) for kind in chosen]


def _device(
    kind: str, side: str | None, lines: list[Line], shapes: list[tuple[Points, float]]
) -> Abnormality:
    points = np.vstack([line for line, _, _ in lines] + [shape for shape, _ in shapes])

    def paint(layers: Layers) -> None:
        for shape, value in shapes:
            layers.canvas.add_polygon(layers.metal, shape, value, 0.03)
        for line, width, value in lines:
            layers.canvas.add_line(layers.metal, line, width, value, 0.015)

    return Abnormality(
        name="Support Devices",
        kind=kind,
        side=side,
        zone=None,
        severity="moderate",
        outline=points,
        paint=paint,
    )


def _wander(
    points: list[tuple[float, float]], rng: np.random.Generator, spread: float = 0.15
) -> Points:
    knots = np.array(points)
    knots[1:-1] += rng.normal(0, spread, knots[1:-1].shape)
    return smooth_curve(knots, 10)


def _endotracheal_tube(scene: Scene) -> Abnormality:
    anatomy, rng = scene.anatomy, scene.rng
    tip = anatomy.carina_cm - rng.uniform(2.5, 5.0)
    x = anatomy.turn * 0.7
    middle = _wander(
        [(x + 0.4, -6.5), (x + 0.1, -2.0), (x - 0.1, tip - 2), (x - 0.2, tip)],
        rng,
        0.08,
    )
    walls: list[Line] = [
        (middle + np.array([dx, 0.0]), 0.12, 0.28) for dx in (-0.42, 0.42)
    ]
    return _device(
        "endotracheal_tube",
        "midline",
        [*walls, (middle + np.array([0.2, 0.0]), 0.10, 0.4)],
        [],
    )


def _nasogastric_tube(scene: Scene) -> Abnormality:
    anatomy, rng = scene.anatomy, scene.rng
    x, low = anatomy.turn * 0.7, anatomy.dome_cm("left")
    line = _wander(
        [
            (x + 0.5, -6.5),
            (x + 0.3, 4.0),
            (x + 0.5, 0.6 * low),
            (x + 1.2, low),
            (3.5, low + 3.0),
            (5.5, low + 4.0),
        ],
        rng,
    )
    return _device(
        "nasogastric_tube", "midline", [(line, 0.30, 0.30), (line, 0.10, 0.25)], []
    )


def _cava(anatomy: Anatomy) -> list[tuple[float, float]]:
    x = -0.62 * anatomy.mediastinum_half_cm + anatomy.turn
    return [
        (x - 0.2, anatomy.carina_cm - 2.2),
        (x - 0.1, anatomy.carina_cm + 1.0 + 2.5 * anatomy.heart_roundness),
    ]


def _to_cava(anatomy: Anatomy, side: Side, *, neck: bool) -> list[tuple[float, float]]:
    s = sign(side)
    if neck:
        start = [(s * 3.9, -6.0), (s * 3.0, -2.0), (s * 2.4, 1.5)]
    else:
        start = [(s * 8.2, 3.0), (s * 6.2, 1.6), (s * 3.6, 2.2)]
    cross = [(0.3, 4.2)] if side == "left" else []
    return start + cross + _cava(anatomy)


def _central_line(scene: Scene) -> Abnormality:
    side: Side = "right" if scene.rng.random() < 0.6 else "left"
    neck = scene.rng.random() < 0.6
    line = _wander(_to_cava(scene.anatomy, side, neck=neck), scene.rng)
    return _device("central_line", side, [(line, 0.22, 0.42)], [])


def _port(scene: Scene) -> Abnormality:
    anatomy, rng = scene.anatomy, scene.rng
    side: Side = "right" if rng.random() < 0.6 else "left"
    x, y = sign(side) * 0.66 * anatomy.half_width_cm, rng.uniform(4.0, 6.5)
    line = _wander(
        [(x, y), (sign(side) * 6.2, 1.0), *_to_cava(anatomy, side, neck=False)[2:]], rng
    )
    disc, hole = (
        ellipse_outline((x, y), (1.3, 1.2)),
        ellipse_outline((x, y), (0.75, 0.7)),
    )
    return _device("port", side, [(line, 0.24, 0.42)], [(disc, 0.75), (hole, -0.4)])


def _pacemaker(scene: Scene) -> Abnormality:
    anatomy, rng = scene.anatomy, scene.rng
    side: Side = "left" if rng.random() < 0.75 else "right"
    s = sign(side)
    x, y = s * 0.72 * anatomy.half_width_cm, rng.uniform(3.5, 6.0)
    can = ellipse_outline((x, y), (2.4, 2.1), s * 20.0)
    head = ellipse_outline((x - s * 0.5, y - 1.7), (1.5, 0.7), s * 20.0)
    x0, x1 = anatomy.heart_edges()
    height = anatomy.lung_height_cm
    way = [
        (x - s * 0.5, y - 1.9),
        (s * 5.5, 1.8),
        *_to_cava(anatomy, side, neck=False)[2:],
    ]
    ventricle = [
        (0.55 * x0, 0.72 * height),
        (0.05 * x1, 0.88 * height),
        (0.55 * x1, 0.90 * height),
    ]
    lines: list[Line] = [(_wander(way + ventricle, rng), 0.16, 0.8)]
    if rng.random() < 0.6:
        atrium = [(0.5 * x0, 0.70 * height), (0.72 * x0, 0.66 * height)]
        lines.append((_wander(way + atrium, rng), 0.16, 0.8))
    return _device("pacemaker", side, lines, [(can, 1.5), (head, 0.5)])


_MAKERS = {
    "endotracheal_tube": _endotracheal_tube,
    "nasogastric_tube": _nasogastric_tube,
    "central_line": _central_line,
    "port": _port,
    "pacemaker": _pacemaker,
}
