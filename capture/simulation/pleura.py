"""Fluid and air between the lung and the chest wall."""

import numpy as np

from capture.simulation.anatomy import Side, sign
from capture.simulation.scene import Abnormality, Scene
from capture.simulation.tissue import Layers


def effusion(scene: Scene) -> list[Abnormality]:
    """Place fluid at one base or at both."""
    rng = scene.rng
    sides: list[Side] = ["right", "left"] if rng.random() < 0.35 else [scene.either()]
    return [_effusion(scene, side, alone=len(sides) == 1) for side in sides]


def _effusion(scene: Scene, side: Side, *, alone: bool) -> Abnormality:
    rng, anatomy = scene.rng, scene.anatomy
    shares = (0.42, 0.38, 0.20) if alone else (0.55, 0.42, 0.03)
    severity = str(rng.choice(("small", "moderate", "large"), p=shares))
    dome, low = anatomy.dome_cm(side), anatomy.angle_cm(side)
    if severity == "small":
        lateral, medial = low - rng.uniform(2.6, 4.4), low - rng.uniform(0.6, 1.6)
    elif severity == "moderate":
        lateral = dome - rng.uniform(1.5, 4.5)
        medial = dome + rng.uniform(-0.8, 1.0)
    else:
        lateral = anatomy.lung_height_cm * rng.uniform(0.28, 0.48)
        medial = lateral + rng.uniform(2.0, 4.5)
    u = np.linspace(0, 1, 40)
    y = medial - (medial - lateral) * u**3.2
    x = 1.2 + (anatomy.outer_x(y) - 1.2) * u
    floor = np.interp(
        x, np.abs(anatomy.diaphragm(side)[:, 0]), anatomy.diaphragm(side)[:, 1]
    )
    above = (y < floor - 0.05) & (x > 2.8)
    x, y, floor = x[above], y[above], floor[above]
    s = sign(side)
    outline = np.vstack([np.stack([s * x, y], 1), np.stack([s * x, floor], 1)[::-1]])
    body = np.vstack([np.stack([s * x, y], 1), np.stack([s * x, floor + 3.5], 1)[::-1]])
    body[:, 0] *= np.where(np.abs(body[:, 0]) > 0.97 * x.max(), 1.05, 1.0)
    share, edge = float(rng.uniform(0.82, 0.96)), float(rng.uniform(0.15, 0.4))
    weight = 1.6 if severity == "large" else 0.7

    def paint(layers: Layers) -> None:
        layers.canvas.cut_polygon(layers.fill, body, share, edge)
        layers.canvas.cut_polygon(layers.markings, body, 0.9, edge)
        layers.canvas.add_polygon(layers.soft, outline, weight, edge)

    return Abnormality(
        name="Pleural Effusion",
        kind="large_effusion" if severity == "large" else "effusion",
        side=side,
        zone="basal",
        severity=severity,
        outline=outline,
        paint=paint,
    )


def pneumothorax(scene: Scene) -> list[Abnormality]:
    """Place air between the lung and the chest wall."""
    rng, anatomy = scene.rng, scene.anatomy
    side = scene.side(avoid=("large_effusion", "effusion"))
    severity = str(rng.choice(("small", "moderate", "large"), p=(0.4, 0.38, 0.22)))
    gap, end = {
        "small": (rng.uniform(1.5, 2.4), rng.uniform(0.35, 0.55)),
        "moderate": (rng.uniform(2.4, 3.8), rng.uniform(0.6, 0.95)),
        "large": (rng.uniform(3.8, 6.0), rng.uniform(1.1, 1.5)),
    }[severity]
    lateral = rng.random() < 0.25 and severity != "small"
    wall = anatomy.lung(side)[40:][::-1]  # from the spine over the apex down the wall
    wall = wall[np.abs(wall[:, 0]) > 2.4]
    wall = wall[
        wall[:, 1] < min(end * anatomy.lung_height_cm, anatomy.dome_cm(side) + 1)
    ]
    hilum = np.array(anatomy.hilum(side))
    inward = hilum - wall
    inward /= np.linalg.norm(inward, axis=1, keepdims=True)
    along = np.linspace(0, 1, len(wall))
    rise = np.clip(along / (0.45 if lateral else 0.2), 0, 1) ** 0.7
    fall = np.clip(1 - wall[:, 1] / (end * anatomy.lung_height_cm), 0, 1) ** (
        0.35 if lateral else 0.6
    )
    pleura = wall + inward * (gap * rise * fall)[:, None]
    outline = np.vstack([wall, pleura[::-1]])
    free, line = float(rng.uniform(0.6, 1.0)), float(rng.uniform(0.9, 1.8))
    lung = np.vstack([pleura, anatomy.diaphragm(side)[::-1]])
    dense = {"small": 0.0, "moderate": 0.06, "large": 0.16}[severity]

    def paint(layers: Layers) -> None:
        layers.canvas.add_polygon(layers.free, outline, free, 0.03)
        layers.canvas.add_line(layers.soft, pleura, 0.10, line, 0.02)
        layers.canvas.cut_polygon(layers.fill, lung, dense, 0.1)

    return [
        Abnormality(
            name="Pneumothorax",
            kind="pneumothorax",
            side=side,
            zone=None if lateral or severity == "large" else "apical",
            severity=severity,
            outline=outline,
            paint=paint,
        )
    ]
