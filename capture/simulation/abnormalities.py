"""Abnormalities of the lungs, pleura and heart: where they lie and how they absorb."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from capture.simulation.anatomy import Anatomy, Side, inside, sign
from capture.simulation.canvas import Points, ellipse_outline, smooth_curve
from capture.simulation.tissue import Layers

Paint = Callable[[Layers], None]


@dataclass(frozen=True, kw_only=True)
class Abnormality:
    """One finding in centimeters of the body, with what it does to the layers."""

    name: str
    kind: str
    side: str | None
    zone: str | None
    severity: str
    outline: Points
    """(n, 2) points that bound what can be seen."""
    paint: Paint
    round: bool = False
    """Whether an ellipse fits it."""
    size_cm: float | None = None


@dataclass(kw_only=True)
class Scene:
    """What is already placed in one patient, so that nothing hides what comes later."""

    rng: np.random.Generator
    anatomy: Anatomy
    placed: list[Abnormality]

    def side(self, *, avoid: tuple[str, ...] = ()) -> Side:
        """Draw a side, if possible one without the kinds or severities in `avoid`."""
        busy = {item.side for item in self.placed if item.kind in avoid}
        sides: list[Side] = [s for s in ("right", "left") if s not in busy]
        return sides[int(self.rng.integers(len(sides)))] if sides else self.either()

    def either(self) -> Side:
        """Draw a side, whatever is there."""
        return "right" if self.rng.random() < 0.5 else "left"

    def spot(
        self, side: Side, y_shares: tuple[float, float], margin_cm: float
    ) -> Points:
        """Draw a (1, 2) point of aerated lung that nothing else covers."""
        anatomy, rng = self.anatomy, self.rng
        hidden = [anatomy.heart(), anatomy.mediastinum()]
        hidden += [a.outline for a in self.placed if a.name in _COVERS]
        top, low = np.array(y_shares) * anatomy.dome_cm(side)
        point = np.array([[sign(side) * 0.55 * anatomy.half_width_cm, (top + low) / 2]])
        ring = ellipse_outline((0.0, 0.0), (margin_cm, margin_cm), n=10)
        for _ in range(60):
            y = rng.uniform(top, low)
            reach = float(anatomy.outer_x(y))
            x = sign(side) * rng.uniform(2.5, reach)
            around = ring + (x, y)
            if not inside(around, anatomy.lung(side)).all():
                continue
            if not any(inside(around, outline).any() for outline in hidden):
                return np.array([[x, y]])
        return point


_COVERS = ("Pleural Effusion", "Pneumothorax", "Lung Lesion", "Support Devices")


def cardiomegaly(scene: Scene) -> list[Abnormality]:
    """Report the large heart that the anatomy already has."""
    ratio = scene.anatomy.heart_ratio
    severity = "mild" if ratio < 0.595 else "moderate" if ratio < 0.645 else "severe"
    heart = scene.anatomy.heart()
    return [
        Abnormality(
            name="Cardiomegaly", kind="enlarged_heart", side=None, zone=None,
            severity=severity, outline=heart, paint=lambda layers: None,
        )
    ]  # fmt: skip


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
    above = y < floor - 0.05
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
        name="Pleural Effusion", kind="large_effusion" if severity == "large" else "effusion",
        side=side, zone="basal", severity=severity, outline=outline, paint=paint,
    )  # fmt: skip


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
            name="Pneumothorax", kind="pneumothorax", side=side,
            zone=None if lateral or severity == "large" else "apical",
            severity=severity, outline=outline, paint=paint,
        )
    ]  # fmt: skip


_ZONES = {"upper": (0.12, 0.36), "middle": (0.38, 0.62), "lower": (0.64, 0.92)}


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
    patch = _warp(
        ellipse_outline((x, y), radii, rng.uniform(-40, 40)), rng, 0.16, (2, 3, 5)
    )
    outline = _clip_to_lung(patch, anatomy, side)
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
        name="Consolidation", kind="consolidation", side=side, zone=zone,
        severity=severity, outline=outline, paint=paint, round=True,
    )  # fmt: skip


def lesion(scene: Scene) -> list[Abnormality]:
    """Place a nodule or a mass, now and then two nodules."""
    rng = scene.rng
    side = scene.side(avoid=("large_effusion",))
    if rng.random() < 0.35:
        return [_lesion(scene, side, float(rng.uniform(3.1, 6.0)))]
    return [
        _lesion(scene, side if k == 0 else scene.either(), float(rng.uniform(1.2, 2.9)))
        for k in range(2 if rng.random() < 0.15 else 1)
    ]


def _lesion(scene: Scene, side: Side, size_cm: float) -> Abnormality:
    rng = scene.rng
    zone = str(rng.choice(tuple(_ZONES)))
    if any(a.side == side and a.name == "Pleural Effusion" for a in scene.placed):
        zone = str(rng.choice(("upper", "middle")))
    radius = size_cm / 2
    ((x, y),) = scene.spot(side, _ZONES[zone], radius * 0.9)
    subtle = size_cm < 2.4 and rng.random() < 0.25
    peak = (
        (0.75 * size_cm + 1.1)
        * float(rng.uniform(0.85, 1.2))
        * (0.55 if subtle else 1.0)
    )
    spiky = rng.random() < 0.3
    ragged = 0.035 if not spiky else 0.08
    base = ellipse_outline(
        (x, y), (radius, radius * rng.uniform(0.85, 1.1)), rng.uniform(0, 90), 72
    )
    outline = _warp(base, rng, ragged, (2, 3, 4) if not spiky else (3, 7, 11))
    center = np.array([x, y])
    spikes = rng.uniform(0, 2 * np.pi, 9) if spiky else np.zeros(0)

    def paint(layers: Layers) -> None:
        edges = np.sqrt(1 - ((np.arange(7) + 0.5) / 7) ** 2)  # a ball in seven steps
        for edge in edges:
            ring = center + (outline - center) * edge
            layers.canvas.add_polygon(layers.soft, ring, peak / 7, 0.05)
        for angle in spikes:
            way = np.array([np.cos(angle), np.sin(angle)])
            line = center + way * np.array([[radius * 0.9], [radius * 1.35]])
            layers.canvas.add_line(layers.soft, line, 0.1, 0.5 * peak, 0.03)

    return Abnormality(
        name="Lung Lesion", kind="mass" if size_cm > 3 else "nodule", side=side, zone=zone,
        severity="subtle" if subtle else "small" if size_cm < 2 else "moderate" if size_cm < 3 else "large",
        outline=outline, paint=paint, round=True, size_cm=round(size_cm, 1),
    )  # fmt: skip


def edema(scene: Scene) -> list[Abnormality]:
    """Spread haze and thickened septa from both hila."""
    rng = scene.rng
    density = float(rng.uniform(0.24, 0.62))
    severity = "mild" if density < 0.36 else "moderate" if density < 0.5 else "severe"
    reach, seed = float(rng.uniform(0.85, 1.2)), int(rng.integers(2**32))
    return [
        _edema(scene, side, severity, density, reach, seed + k)
        for k, side in enumerate(("right", "left"))
    ]  # type: ignore[arg-type]


def _edema(
    scene: Scene, side: Side, severity: str, density: float, reach: float, seed: int
) -> Abnormality:
    anatomy = scene.anatomy
    x, y = anatomy.hilum(side)
    center = (x + sign(side) * 1.4 * reach, y + 1.6)
    wing = ellipse_outline(center, (4.3 * reach, 6.6 * reach), -sign(side) * 12)
    outline = _clip_to_lung(wing, anatomy, side)

    def paint(layers: Layers) -> None:
        grain = np.random.default_rng(seed)
        canvas = layers.canvas
        mottle = (
            0.8 + 0.22 * canvas.noise(grain, 0.8) + 0.12 * canvas.noise(grain, 0.35)
        )
        haze = canvas.mask(wing, 1.5) * np.clip(mottle, 0.2, 1.3) * np.float32(density)
        layers.fill *= 1 - np.clip(haze, 0, 0.9)
        lines = _septa(anatomy, side, grain, density)
        canvas.add_lines(layers.markings, lines, 0.02)
        layers.markings *= 1 + canvas.mask(wing, 1.5) * np.float32(0.5 * density)

    return Abnormality(
        name="Edema", kind="edema", side=side, zone="perihilar", severity=severity,
        outline=outline, paint=paint, round=True,
    )  # fmt: skip


def _septa(
    anatomy: Anatomy, side: Side, rng: np.random.Generator, density: float
) -> list[tuple[Points, float, float]]:
    """Kerley lines: short ones at the lateral base, longer ones toward the hilum."""
    lines: list[tuple[Points, float, float]] = []
    for _ in range(9):
        y = rng.uniform(0.68, 0.98) * anatomy.dome_cm(side)
        x = float(anatomy.outer_x(y)) - 0.1
        ends = np.array([[x, y], [x - rng.uniform(1.0, 2.0), y + rng.normal(0, 0.12)]])
        lines.append((ends * (sign(side), 1.0), 0.08, 1.2 + density))
    hx, hy = anatomy.hilum(side)
    for _ in range(14):
        angle = rng.uniform(0, 2 * np.pi)
        start = np.array([hx, hy]) + np.array(
            [np.cos(angle), np.sin(angle)]
        ) * rng.uniform(2, 5)
        end = start + rng.normal(0, 1.6, 2)
        lines.append((np.stack([start, end]), 0.09, 0.8 + density))
    return lines


def atelectasis(scene: Scene) -> list[Abnormality]:
    """Place bands or a collapsed base; the raised diaphragm is in the anatomy already."""
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
        name="Atelectasis", kind="volume_loss", side=side, zone="basal",
        severity="moderate", outline=outline, paint=paint,
    )  # fmt: skip


def _bands(scene: Scene, side: Side) -> Abnormality:
    rng = scene.rng
    top = float(rng.uniform(0.8, 5.0))
    bands = [
        _band(scene, side, -top + 1.1 * k + rng.normal(0, 0.2))
        for k in range(int(rng.integers(1, 4)))
    ]
    value = float(
        rng.uniform(1.4, 2.6) if rng.random() > 0.2 else rng.uniform(0.8, 1.2)
    )
    points = np.vstack(
        [line + offset * width / 2 for line, width in bands for offset in (-1.0, 1.0)]
    )

    def paint(layers: Layers) -> None:
        for line, width in bands:
            layers.canvas.add_line(layers.soft, line, width, value, 0.06)

    return Abnormality(
        name="Atelectasis", kind="band", side=side, zone="basal",
        severity="subtle" if value < 1.3 else "mild", outline=points, paint=paint,
    )  # fmt: skip


def _band(scene: Scene, side: Side, rise_cm: float) -> tuple[Points, float]:
    """Draw one plate: its middle line, (n, 2), and its width."""
    rng, anatomy = scene.rng, scene.anatomy
    length = rng.uniform(3.8, 7.5)
    x0 = rng.uniform(0.34, 0.5) * anatomy.half_width_cm
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
    return smooth_curve(knots * (sign(side), 1.0), 8), float(rng.uniform(0.25, 0.55))


def _warp(
    outline: Points, rng: np.random.Generator, amount: float, waves: tuple[int, ...]
) -> Points:
    """Make an outline irregular by a few waves around its center."""
    center = outline.mean(0)
    angle = np.linspace(0, 2 * np.pi, len(outline), endpoint=False)
    scale = np.ones(len(outline))
    for wave in waves:
        scale += (
            amount * rng.normal() * np.sin(wave * angle + rng.uniform(0, 2 * np.pi))
        )
    return np.asarray(center + (outline - center) * np.clip(scale, 0.6, 1.4)[:, None])


def _clip_to_lung(outline: Points, anatomy: Anatomy, side: Side) -> Points:
    dome = anatomy.diaphragm(side)
    x = np.clip(
        sign(side) * outline[:, 0], 1.5, anatomy.outer_x(np.maximum(outline[:, 1], 0.3))
    )
    floor = np.interp(x, np.abs(dome[:, 0]), dome[:, 1])
    return np.stack([sign(side) * x, np.clip(outline[:, 1], 0.2, floor)], 1)
