"""Where an abnormality lies, and what else is in the same chest."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from capture.simulation.anatomy import Anatomy, Side, inside, sign
from capture.simulation.canvas import Points, ellipse_outline
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
            around = ring + np.array([x, y])
            if not inside(around, anatomy.lung(side)).all():
                continue
            if not any(inside(around, outline).any() for outline in hidden):
                return np.array([[x, y]])
        return point


_COVERS = ("Pleural Effusion", "Pneumothorax", "Lung Lesion", "Support Devices")


def warp(
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


def clip_to_lung(outline: Points, anatomy: Anatomy, side: Side) -> Points:
    """Move the points of an outline that lie off the lung to its edge."""
    dome = anatomy.diaphragm(side)
    x = np.clip(
        sign(side) * outline[:, 0], 1.5, anatomy.outer_x(np.maximum(outline[:, 1], 0.3))
    )
    floor = np.interp(x, np.abs(dome[:, 0]), dome[:, 1])
    return np.stack([sign(side) * x, np.clip(outline[:, 1], 0.2, floor)], 1)
