"""Abnormalities of the heart and the lungs: where they lie and how they absorb."""

import numpy as np

from capture.simulation.anatomy import SIDES, Anatomy, Side, sign
from capture.simulation.canvas import Points, ellipse_outline, smooth_curve
from capture.simulation.scene import Abnormality, Scene, clip_to_lung, warp
from capture.simulation.tissue import Layers


def _leave(_: Layers) -> None:
    """Paint nothing: the anatomy itself shows it."""


def cardiomegaly(scene: Scene) -> list[Abnormality]:
    """Report the large heart that the anatomy already has."""
    ratio = scene.anatomy.heart_ratio
    severity = "mild" if ratio < 0.595 else "moderate" if ratio < 0.645 else "severe"
    heart = scene.anatomy.heart()
    return [
        Abnormality(
            name="Cardiomegaly",
            kind="enlarged_heart",
            side=None,
            zone=None,
            severity=severity,
            outline=heart,
            paint=_leave,
        )
    ]


_ZONES = {"upper": (0.12, 0.32), "middle": (0.40, 0.58), "lower": (0.68, 0.92)}


def consolidation(scene: Scene) -> list[Abnormality]:
    """Place one patch of filled air spaces, now and then a second one."""
    sides = [scene.side(avoid=("large_effusion",))]
    if scene.rng.random() < 0.12:
        sides.append("left" if sides[0] == "right" else "right")
    return [_consolidation(scene, side) for side in sides]


def _consolidation(scene: Scene, side: Side) -> Abnormality:
    rng, anatomy = scene.rng, scene.anatomy
    low_is_covered = any(
        a.side == side and a.name == "Pleural Effusion" for a in scene.placed
    )
    shares = (0.5, 0.5, 0.0) if low_is_covered else (0.28, 0.30, 0.42)
    zone = str(rng.choice(tuple(_ZONES), p=shares))
    ((x, y),) = scene.spot(side, _ZONES[zone], 1.2)
    radii = (rng.uniform(2.2, 4.4), rng.uniform(2.2, 4.2))
    patch = warp(
        ellipse_outline((x, y), radii, rng.uniform(-40, 40)), rng, 0.16, (2, 3, 5)
    )
    outline = clip_to_lung(patch, anatomy, side)
    density = float(
        rng.uniform(0.55, 0.85) if rng.random() > 0.18 else rng.uniform(0.3, 0.45)
    )
    severity = "subtle" if density < 0.45 else "mild" if density < 0.65 else "moderate"
    edge, seed = float(rng.uniform(0.35, 0.8)), int(rng.integers(2**32))
    hilum = np.array(anatomy.hilum(side))
    ends = np.array([x, y]) + rng.normal(0, 0.45, (4, 2)) * radii
    bronchi = [
        smooth_curve(
            np.stack([hilum * 0.35 + end * 0.65, end * 0.9 + hilum * 0.1, end]), 6
        )
        for end in ends
    ]

    def paint(layers: Layers) -> None:
        grain = np.random.default_rng(seed)
        canvas = layers.canvas
        mottle = (
            0.86 + 0.20 * canvas.noise(grain, 1.1) + 0.10 * canvas.noise(grain, 0.45)
        )
        haze = (
            canvas.mask(patch, edge) * np.clip(mottle, 0.3, 1.2) * np.float32(density)
        )
        layers.fill *= 1 - np.clip(haze, 0, 0.93)
        for line in bronchi:
            canvas.add_line(layers.soft, line, 0.26, -0.7 * density, 0.07)

    return Abnormality(
        name="Consolidation",
        kind="consolidation",
        side=side,
        zone=zone,
        severity=severity,
        outline=outline,
        paint=paint,
        round=True,
    )


def lesion(scene: Scene) -> list[Abnormality]:
    """Place a nodule or a mass, now and then two nodules."""
    rng = scene.rng
    side = scene.side(avoid=("large_effusion",))
    if rng.random() < 0.4:
        return [_lesion(scene, side, float(rng.uniform(3.1, 6.5)))]
    return [
        _lesion(scene, side if k == 0 else scene.either(), float(rng.uniform(1.6, 3.0)))
        for k in range(2 if rng.random() < 0.15 else 1)
    ]


def _lesion(scene: Scene, side: Side, size_cm: float) -> Abnormality:
    rng = scene.rng
    zone = str(rng.choice(tuple(_ZONES)))
    if any(a.side == side and a.name == "Pleural Effusion" for a in scene.placed):
        zone = str(rng.choice(("upper", "middle")))
    radius = size_cm / 2
    ((x, y),) = scene.spot(side, _ZONES[zone], radius * 0.9)
    subtle = size_cm < 2.4 and rng.random() < 0.18
    peak = (size_cm + 1.9) * float(rng.uniform(0.85, 1.2)) * (0.6 if subtle else 1.0)
    spiky = rng.random() < 0.3
    ragged = 0.035 if not spiky else 0.08
    base = ellipse_outline(
        (x, y), (radius, radius * rng.uniform(0.85, 1.1)), rng.uniform(0, 90), 72
    )
    outline = warp(base, rng, ragged, (2, 3, 4) if not spiky else (3, 7, 11))
    center = np.array([x, y])
    spikes = rng.uniform(0, 2 * np.pi, 9) if spiky else np.zeros(0)

    def paint(layers: Layers) -> None:
        steps = 7 if size_cm < 3 else 16  # a ball in slices too thin to be seen
        edges = np.sqrt(1 - ((np.arange(steps) + 0.5) / steps) ** 2)
        for edge in edges:
            ring = center + (outline - center) * edge
            layers.canvas.add_polygon(layers.soft, ring, peak / steps, 0.05)
        for angle in spikes:
            way = np.array([np.cos(angle), np.sin(angle)])
            line = center + way * np.array([[radius * 0.9], [radius * 1.35]])
            layers.canvas.add_line(layers.soft, line, 0.1, 0.5 * peak, 0.03)

    return Abnormality(
        name="Lung Lesion",
        kind="mass" if size_cm > 3 else "nodule",
        side=side,
        zone=zone,
        severity="subtle" if subtle else _caliber(size_cm),
        outline=outline,
        paint=paint,
        round=True,
        size_cm=round(size_cm, 1),
    )


def _caliber(size_cm: float) -> str:
    if size_cm < 2:
        return "small"
    return "moderate" if size_cm < 3 else "large"


def edema(scene: Scene) -> list[Abnormality]:
    """Spread haze and thickened septa from both hila."""
    rng = scene.rng
    density = float(rng.uniform(0.20, 0.58))
    severity = "mild" if density < 0.33 else "moderate" if density < 0.46 else "severe"
    reach, seed = float(rng.uniform(0.85, 1.2)), int(rng.integers(2**32))
    return [
        _edema(scene, side, severity, density, reach, seed + k)
        for k, side in enumerate(SIDES)
    ]


def _edema(
    scene: Scene, side: Side, severity: str, density: float, reach: float, seed: int
) -> Abnormality:
    anatomy = scene.anatomy
    x, y = anatomy.hilum(side)
    shift = np.random.default_rng([seed, 1]).normal(0, 0.7, 2)
    center = (x + sign(side) * 1.4 * reach + shift[0], y + 1.6 + shift[1])
    wing = ellipse_outline(center, (4.3 * reach, 6.6 * reach), -sign(side) * 12)
    outline = clip_to_lung(wing, anatomy, side)

    def paint(layers: Layers) -> None:
        grain = np.random.default_rng(seed)
        canvas = layers.canvas
        mottle = 0.85 + 0.15 * canvas.noise(grain, 1.0)
        mottle += 0.10 * canvas.noise(grain, 0.4)
        haze = canvas.mask(wing, 1.5) * np.clip(mottle, 0.2, 1.3) * np.float32(density)
        layers.fill *= 1 - np.clip(haze, 0, 0.9)
        septa = canvas.layer()
        canvas.add_lines(septa, _septa(anatomy, side, grain, density), 0.03)
        layers.markings += septa * np.clip(layers.air / 6 - 0.4, 0, 1)
        layers.markings *= 1 + canvas.mask(wing, 1.5) * np.float32(0.5 * density)

    return Abnormality(
        name="Edema",
        kind="edema",
        side=side,
        zone="perihilar",
        severity=severity,
        outline=outline,
        paint=paint,
        round=True,
    )


def _septa(
    anatomy: Anatomy, side: Side, rng: np.random.Generator, density: float
) -> list[tuple[Points, float, float]]:
    """Kerley lines: short ones at the lateral base, longer ones toward the hilum."""
    lines: list[tuple[Points, float, float]] = []
    for _ in range(9):
        y = rng.uniform(0.68, 0.98) * anatomy.dome_cm(side)
        x = float(anatomy.outer_x(y)) - 0.1
        ends = np.array([[x, y], [x - rng.uniform(1.0, 2.0), y + rng.normal(0, 0.12)]])
        lines.append((ends * (sign(side), 1.0), 0.08, 0.8 + density))
    hx, hy = anatomy.hilum(side)
    for _ in range(12):
        angle = rng.uniform(0, 2 * np.pi)
        start = np.array([hx, hy]) + np.array(
            [np.cos(angle), np.sin(angle)]
        ) * rng.uniform(2, 5)
        end = start + rng.normal(0, 1.6, 2)
        lines.append((np.stack([start, end]), 0.07, 0.3 + 0.6 * density))
    return lines


def atelectasis(scene: Scene) -> list[Abnormality]:
    """Place bands, or a collapsed base where the anatomy has a raised diaphragm."""
    rng, anatomy = scene.rng, scene.anatomy
    raised: list[Side] = []
    if anatomy.right_raise_cm:
        raised.append("right")
    if anatomy.left_raise_cm:
        raised.append("left")
    if raised:
        return [_collapsed_base(scene, side) for side in raised]
    first = scene.side(avoid=("large_effusion", "effusion"))
    sides: list[Side] = [first]
    busy = any(a.name == "Pleural Effusion" for a in scene.placed)
    if rng.random() < 0.3 and not busy:
        sides = ["right", "left"]
    return [_bands(scene, side) for side in sides]


def _collapsed_base(scene: Scene, side: Side) -> Abnormality:
    rng, anatomy = scene.rng, scene.anatomy
    dome = anatomy.diaphragm(side)
    dome = dome[
        (np.abs(dome[:, 0]) > 3.0) & (np.abs(dome[:, 0]) < 0.93 * anatomy.half_width_cm)
    ]
    tall = float(rng.uniform(1.8, 3.4))
    arch = np.sin(np.linspace(0.15, np.pi - 0.15, len(dome))) ** 0.6
    outline = np.vstack([dome, (dome - np.stack([0 * arch, tall * arch], 1))[::-1]])
    density, seed = float(rng.uniform(0.45, 0.75)), int(rng.integers(2**32))
    bands = [_band(scene, side, -tall * rng.uniform(0.4, 1.1)) for _ in range(2)]

    def paint(layers: Layers) -> None:
        grain = np.random.default_rng(seed)
        mottle = np.clip(0.9 + 0.2 * layers.canvas.noise(grain, 0.7), 0.3, 1.2)
        haze = layers.canvas.mask(outline, 0.35) * mottle * np.float32(density)
        layers.fill *= 1 - np.clip(haze, 0, 0.92)
        for line, width in bands:
            layers.canvas.add_line(layers.soft, line, width, 1.4, 0.06)

    return Abnormality(
        name="Atelectasis",
        kind="volume_loss",
        side=side,
        zone="basal",
        severity="moderate",
        outline=outline,
        paint=paint,
    )


def _bands(scene: Scene, side: Side) -> Abnormality:
    rng = scene.rng
    top = float(rng.uniform(0.8, 5.0))
    bands = [
        _band(scene, side, -top + 1.1 * k + rng.normal(0, 0.2))
        for k in range(int(rng.integers(1, 4)))
    ]
    value = float(
        rng.uniform(1.8, 3.2) if rng.random() > 0.2 else rng.uniform(0.9, 1.2)
    )
    points = np.vstack(
        [line + offset * width / 2 for line, width in bands for offset in (-1.0, 1.0)]
    )

    def paint(layers: Layers) -> None:
        for line, width in bands:
            layers.canvas.add_line(layers.soft, line, width, value, 0.06)

    return Abnormality(
        name="Atelectasis",
        kind="band",
        side=side,
        zone="basal",
        severity="subtle" if value < 1.3 else "mild",
        outline=points,
        paint=paint,
    )


def _band(scene: Scene, side: Side, rise_cm: float) -> tuple[Points, float]:
    """Draw one plate: its middle line, (n, 2), and its width."""
    rng, anatomy = scene.rng, scene.anatomy
    length = rng.uniform(3.8, 7.5)
    beside_heart = 0.8 * abs(anatomy.heart_edges()[SIDES.index(side)])
    x0 = max(rng.uniform(0.34, 0.5) * anatomy.half_width_cm, beside_heart)
    x1 = min(x0 + length, 0.93 * anatomy.half_width_cm)
    y = anatomy.dome_cm(side) + rise_cm - 0.4
    tilt = rng.uniform(-0.22, 0.22) * (x1 - x0)
    knots = np.array(
        [
            [x0, y + tilt / 2],
            [(x0 + x1) / 2, y - rng.uniform(0, 0.4)],
            [x1, y - tilt / 2],
        ]
    )
    return smooth_curve(knots * (sign(side), 1.0), 8), float(rng.uniform(0.3, 0.7))
