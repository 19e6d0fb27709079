"""Draw one patient: anatomy, abnormalities, and how the film was taken."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from capture.simulation import abnormalities, pleura
from capture.simulation.anatomy import Anatomy, draw_anatomy
from capture.simulation.canvas import Framing
from capture.simulation.devices import support_devices
from capture.simulation.distractors import draw_distractors
from capture.simulation.film import Exposure, draw_exposure
from capture.simulation.scene import Abnormality, Paint, Scene

_PLACERS = {
    "Cardiomegaly": abnormalities.cardiomegaly,
    "Pleural Effusion": pleura.effusion,
    "Pneumothorax": pleura.pneumothorax,
    "Consolidation": abnormalities.consolidation,
    "Lung Lesion": abnormalities.lesion,
    "Edema": abnormalities.edema,
    "Atelectasis": abnormalities.atelectasis,
    "Support Devices": support_devices,
}


@dataclass(frozen=True, kw_only=True)
class Patient:
    """All that fixes a film except its resolution and its noise."""

    anatomy: Anatomy
    framing: Framing
    exposure: Exposure
    portable: bool
    abnormalities: tuple[Abnormality, ...]
    distractors: tuple[Paint, ...]
    traits: tuple[str, ...]


def draw_patient(body_seed: int, film_seed: int, names: Sequence[str]) -> Patient:
    """Draw a patient with the given findings.

    Args:
        body_seed: Fixes the normal anatomy.
        film_seed: Fixes the findings' places and the film.
        names: CheXpert-14 names of the findings.
    """
    rng = np.random.default_rng([film_seed, 1])
    portable = bool(rng.random() < (0.5 if "Support Devices" in names else 0.3))
    anatomy = draw_anatomy(np.random.default_rng([body_seed, 2]), portable=portable)
    if "Cardiomegaly" in names:
        anatomy = replace(anatomy, heart_ratio=float(rng.uniform(0.56, 0.69)))
    if "Atelectasis" in names and rng.random() < 0.4:
        anatomy = _raise_base(anatomy, rng)
    scene = Scene(rng=rng, anatomy=anatomy, placed=[])
    for name, place in _PLACERS.items():
        if name in names:
            scene.placed += place(scene)
    framing = _frame(anatomy, rng)
    distractors, traits = draw_distractors(
        np.random.default_rng([film_seed, 3]), anatomy
    )
    portrait = framing.height_cm >= framing.width_cm
    exposure = draw_exposure(rng, portrait=portrait, portable=portable)
    return Patient(
        anatomy=anatomy,
        framing=framing,
        exposure=exposure,
        portable=portable,
        abnormalities=tuple(scene.placed),
        distractors=tuple(distractors),
        traits=traits,
    )


def _raise_base(anatomy: Anatomy, rng: np.random.Generator) -> Anatomy:
    lift = float(rng.uniform(2.0, 3.6))
    if rng.random() < 0.5:
        return replace(anatomy, right_raise_cm=lift)
    return replace(anatomy, left_raise_cm=lift + 0.8)


def _frame(anatomy: Anatomy, rng: np.random.Generator) -> Framing:
    """Fit the detector around the lungs, more or less well centered."""
    low = max(anatomy.angle_cm("left"), anatomy.angle_cm("right"))
    above, below = rng.uniform(3.2, 6.5), rng.uniform(1.5, 6.0)
    height = low + above + below
    least = 2 * anatomy.half_width_cm + rng.uniform(3.0, 8.0)
    aspect = float(rng.choice((0.82, 0.85, 0.9, 1.0, 1.0, 1.19)))
    width = max(least, aspect * height)
    height = max(height, width / 1.22)
    width = max(width, 0.8 * height)
    return Framing(
        width_cm=float(width),
        height_cm=float(height),
        origin_x_cm=float(width / 2 + rng.normal(0, 0.7)),
        origin_y_cm=float(above + 0.4 * (height - low - above - below)),
        rotation_deg=float(np.clip(rng.normal(0, 1.8), -5, 5)),
    )
