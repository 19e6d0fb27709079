"""Harmless things on a film that no label names, so that no shortcut gives it away."""

import numpy as np

from capture.simulation.anatomy import SIDES, Anatomy, Side, sign
from capture.simulation.canvas import ellipse_outline, smooth_curve
from capture.simulation.scene import Paint
from capture.simulation.tissue import Layers


def draw_distractors(
    rng: np.random.Generator, anatomy: Anatomy
) -> tuple[list[Paint], tuple[str, ...]]:
    """Draw what else is on the film; the names are those a report may mention."""
    paints: list[Paint] = []
    traits: list[str] = []
    for share, trait, make in (
        (0.16, "", _nipples),
        (0.22, "costal calcification", _costal_calcium),
        (0.20, "aortic calcification", _aortic_calcium),
        (0.14, "", _granuloma),
        (0.12, "", _skin_fold),
        (0.25, "", _fat_pad),
        (0.15, "", _button),
    ):
        if rng.random() < share:
            paints.append(make(rng, anatomy))
            traits += [trait] if trait else []
    if abs(anatomy.scoliosis_cm) > 1.2:
        traits.append("scoliosis")
    return paints, tuple(traits)


def _nipples(rng: np.random.Generator, anatomy: Anatomy) -> Paint:
    y = rng.uniform(0.72, 0.86) * anatomy.lung_height_cm
    spots = [
        (sign(side) * 0.62 * anatomy.half_width_cm, y + rng.normal(0, 0.4))
        for side in SIDES
    ]
    value = float(rng.uniform(0.5, 0.8))

    def paint(layers: Layers) -> None:
        for spot in spots:
            layers.canvas.add_polygon(
                layers.soft, ellipse_outline(spot, (0.45, 0.4)), value, 0.08
            )

    return paint


def _costal_calcium(rng: np.random.Generator, anatomy: Anatomy) -> Paint:
    places = []
    for side in SIDES:
        for number in range(1, 7):
            _, front = anatomy.rib(number, side)
            for _ in range(4):
                at = front[-1] + rng.normal(0, 0.5, 2) + (-sign(side) * 0.8, 0.3)
                places.append(
                    ellipse_outline(
                        tuple(at),
                        (rng.uniform(0.1, 0.4), 0.15),
                        rng.uniform(-60, 60),
                        12,
                    )
                )
    value = float(rng.uniform(0.06, 0.16))

    def paint(layers: Layers) -> None:
        layers.canvas.add_polygon(layers.bone, places, value, 0.04)

    return paint


def _aortic_calcium(rng: np.random.Generator, anatomy: Anatomy) -> Paint:
    knob = anatomy.knob()
    start = int(rng.integers(-10, -2))
    arc = np.roll(knob, -start - 48, axis=0)[: int(rng.integers(8, 16))]
    value = float(rng.uniform(0.2, 0.5))
    return lambda layers: layers.canvas.add_line(layers.bone, arc, 0.14, value, 0.03)


def _granuloma(rng: np.random.Generator, anatomy: Anatomy) -> Paint:
    side: Side = "right" if rng.random() < 0.5 else "left"
    at = (
        sign(side) * rng.uniform(4.5, 9.5),
        rng.uniform(0.25, 0.8) * anatomy.lung_height_cm,
    )
    dot = ellipse_outline(at, (rng.uniform(0.12, 0.22), rng.uniform(0.12, 0.2)), n=16)
    return lambda layers: layers.canvas.add_polygon(layers.bone, dot, 0.45, 0.02)


def _skin_fold(rng: np.random.Generator, anatomy: Anatomy) -> Paint:
    """A fold has an edge like the pleura's, but the lung goes on beyond it."""
    side: Side = "right" if rng.random() < 0.5 else "left"
    x, y = (
        rng.uniform(0.6, 0.85) * anatomy.half_width_cm,
        rng.uniform(0.2, 0.4) * anatomy.lung_height_cm,
    )
    knots = np.array(
        [[x - 0.8, y], [x + rng.normal(0, 0.3), y + 5.0], [x + 0.6, y + 10.0]]
    )
    edge = smooth_curve(knots, 10)
    band = np.vstack([edge, (edge - (1.6, 0.0))[::-1]]) * (sign(side), 1.0)
    value = float(rng.uniform(0.4, 0.8))

    def paint(layers: Layers) -> None:
        sharp, soft = layers.canvas.layer(), layers.canvas.layer()
        layers.canvas.add_polygon(sharp, band, 1.0, 0.04)
        layers.canvas.add_polygon(
            soft, band + np.array([sign(side) * 0.5, 0.0]), 1.0, 0.6
        )
        layers.soft += sharp * soft * np.float32(value)

    return paint


def _fat_pad(rng: np.random.Generator, anatomy: Anatomy) -> Paint:
    side: Side = "right" if rng.random() < 0.4 else "left"
    edge = anatomy.heart_edges()[0 if side == "right" else 1]
    at = (0.95 * edge, anatomy.dome_cm(side) - 0.2)
    pad = ellipse_outline(at, (rng.uniform(1.0, 1.8), rng.uniform(1.0, 1.6)))
    return lambda layers: layers.canvas.cut_polygon(layers.air, pad, 0.4, 0.4)


def _button(rng: np.random.Generator, anatomy: Anatomy) -> Paint:
    """A shirt button or a hair clip, off the lungs."""
    at = (rng.uniform(-3, 3), rng.choice((-4.5, 1.35 * anatomy.lung_height_cm)))
    ring = ellipse_outline((float(at[0]), float(at[1])), (0.5, 0.5))
    return lambda layers: layers.canvas.add_polygon(layers.metal, ring, 0.35, 0.03)
