"""What can be wrong on a simulated chest film, and how often."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from capture.errors import UnknownNameError

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1, normalized to the image."""

PREVALENCE: dict[str, float] = {
    "Cardiomegaly": 0.17,
    "Pleural Effusion": 0.19,
    "Pneumothorax": 0.13,
    "Consolidation": 0.15,
    "Lung Lesion": 0.15,
    "Edema": 0.12,
    "Atelectasis": 0.14,
    "Support Devices": 0.18,
}
"""CheXpert-14 name to its weight on abnormal films, about its share of all."""

HEALTHY_SHARE = 0.35
_COUNT_SHARES = (0.40, 0.38, 0.22)  # one, two or three findings on an abnormal film
_TOGETHER = {"Edema": {"Cardiomegaly": 2.0, "Pleural Effusion": 1.6}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One abnormality, where it is and how it looks."""

    name: str
    """CheXpert-14 name."""
    kind: str
    """What it is more exactly: nodule, mass, endotracheal_tube, ..."""
    side: str | None
    """The patient's side: left, right or midline; None where it has none."""
    zone: str | None
    """upper, middle, lower, apical, basal, perihilar; None where it has none."""
    severity: str
    """subtle, small, mild, moderate, large, severe."""
    box: Box
    """Tight around what can be seen, clipped to the image."""
    ellipse: tuple[float, float, float, float] | None = None
    """Center x, y and radii x, y, normalized; None where no ellipse fits."""
    size_cm: float | None = None
    """Diameter of a nodule or mass."""


def choose_findings(
    rng: np.random.Generator, prevalence: Mapping[str, float] | None = None
) -> tuple[str, ...]:
    """Draw the names of 0 to 3 findings of one patient, in the order of the table.

    Args:
        rng: Source of the draw.
        prevalence: Finding to share of patients; None stands for `PREVALENCE` with
            `HEALTHY_SHARE` of the patients healthy. Given shares are kept as they are,
            each drawn for itself, at most three a patient.

    Raises:
        UnknownNameError: A name has no simulation.
    """
    if prevalence is not None:
        check_names(tuple(prevalence))
        chosen = [name for name, share in prevalence.items() if rng.random() < share]
        return _in_order(rng.permutation(chosen)[:3].tolist())
    if rng.random() < HEALTHY_SHARE:
        return ()
    count = int(rng.choice((1, 2, 3), p=_COUNT_SHARES))
    weights = dict(PREVALENCE)
    names: list[str] = []
    for _ in range(count):
        pool = list(weights)
        shares = np.array([weights[name] for name in pool])
        name = pool[int(rng.choice(len(pool), p=shares / shares.sum()))]
        names.append(name)
        del weights[name]
        for other, factor in _TOGETHER.get(name, {}).items():
            if other in weights:
                weights[other] *= factor
    return _in_order(names)


def check_names(names: Sequence[str]) -> None:
    """Refuse a name that has no simulation."""
    for name in names:
        if name not in PREVALENCE:
            raise UnknownNameError("simulated finding", name, PREVALENCE)


def _in_order(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in PREVALENCE if name in names)
