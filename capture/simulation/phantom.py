"""Simulated chest X-ray films whose findings and anatomy are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from capture.simulation.anatomy import SIDES, Anatomy, sign
from capture.simulation.canvas import Canvas, Framing, Points, ellipse_outline
from capture.simulation.film import expose
from capture.simulation.findings import Box, Finding, check_names, choose_findings
from capture.simulation.patient import Patient, draw_patient
from capture.simulation.tissue import build_layers

__all__ = ["Box", "Finding", "Phantom", "make_phantom", "to_display"]

_DRAWN_PX = (192, 448, 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phantom:
    """One simulated film and the truth about it."""

    pixels: NDArray[np.uint16]
    """(height, width) stored values."""
    bits_stored: int
    """12 to 16; the values fill no more."""
    photometric: str
    """MONOCHROME2 (high is bright) or MONOCHROME1 (high is dark)."""
    pixel_spacing_mm: float
    """Size of a pixel at the detector, along both axes."""
    window_center: float
    """Suggested for the stored values, LINEAR."""
    window_width: float
    """Suggested for the stored values, LINEAR."""
    view: str
    """PA, or AP for a portable film."""
    findings: tuple[Finding, ...]
    """What is wrong; a bilateral finding stands here once a side."""
    anatomy: dict[str, Box]
    """Where the normal structures lie."""
    heart_ratio: float
    """Width of the heart over the inner width of the chest."""
    traits: tuple[str, ...] = field(default=())
    """Harmless things that a report may mention."""


def make_phantom(
    seed: int,
    *,
    findings: Sequence[str] | None = None,
    height_px: int | None = None,
    body_seed: int | None = None,
    prevalence: Mapping[str, float] | None = None,
) -> Phantom:
    """Make one film; the same seed is the same patient at every height.

    Args:
        seed: Fixes everything.
        findings: CheXpert-14 names of what shall be wrong; None draws 0 to 3.
        height_px: Height of the film; None draws a usual one, 2000 to 3000.
        body_seed: Patient whose anatomy it is, where it is not the seed's own.
        prevalence: Share of films with each finding, where `findings` is None.

    Raises:
        UnknownNameError: A finding has no simulation.
        ValueError: `height_px` is below 32.
    """
    if height_px is not None and height_px < 32:
        raise ValueError(f"height_px must be at least 32, got {height_px}")
    if findings is None:
        findings = choose_findings(np.random.default_rng([seed, 0]), prevalence)
    check_names(findings)
    patient = draw_patient(seed if body_seed is None else body_seed, seed, findings)
    return _take(patient, seed, height_px or patient.exposure.height_px)


def to_display(phantom: Phantom) -> NDArray[np.uint8]:
    """Show a film as its window suggests: (height, width) gray values, bone bright."""
    center, width = phantom.window_center - 0.5, max(phantom.window_width - 1, 1)
    share = (phantom.pixels.astype(np.float32) - np.float32(center)) / np.float32(width)
    gray = np.clip(share + np.float32(0.5), 0, 1) * np.float32(255)
    if phantom.photometric == "MONOCHROME1":
        gray = 255 - gray
    return np.asarray(np.rint(gray), dtype=np.uint8)


def _take(patient: Patient, seed: int, height_px: int) -> Phantom:
    framing, exposure = patient.framing, patient.exposure
    shape = (height_px, max(1, round(height_px * framing.width_cm / framing.height_cm)))
    drawn = _drawn_height_px(height_px)
    canvas = Canvas(
        framing=framing,
        height_px=drawn,
        width_px=round(drawn * framing.width_cm / framing.height_cm),
    )
    layers = build_layers(canvas, patient.anatomy, np.random.default_rng([seed, 4]))
    for paint in patient.distractors:
        paint(layers)
    for abnormality in patient.abnormalities:
        abnormality.paint(layers)
    noise = np.random.default_rng([seed, 5])
    pixels = expose(layers.absorption(), canvas, exposure, shape, noise)
    top = 2**exposure.bits_stored - 1
    low, high = exposure.low - 0.06, exposure.high + 0.05
    if exposure.photometric == "MONOCHROME1":
        low, high = 1 - high, 1 - low
    return Phantom(
        pixels=pixels,
        bits_stored=exposure.bits_stored,
        photometric=exposure.photometric,
        pixel_spacing_mm=round(framing.height_cm * 10 / height_px, 5),
        window_center=float(round((low + high) / 2 * top)),
        window_width=float(round((high - low) * top)),
        view="AP" if patient.portable else "PA",
        findings=_findings(patient),
        anatomy=_regions(patient.anatomy, framing),
        heart_ratio=patient.anatomy.heart_ratio,
        traits=patient.traits,
    )


def _drawn_height_px(height_px: int) -> int:
    """Draw small films finer and shrink them, large ones coarser and enlarge them."""
    least, usual, most = _DRAWN_PX
    if height_px < usual:
        return max(min(2 * height_px, usual), least)
    return int(np.clip(0.72 * height_px, usual, most))


def _findings(patient: Patient) -> tuple[Finding, ...]:
    found = []
    for item in patient.abnormalities:
        x0, y0, x1, y1 = box = patient.framing.box(item.outline)
        ellipse = ((x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2, (y1 - y0) / 2)
        found.append(
            Finding(
                name=item.name,
                kind=item.kind,
                side=item.side,
                zone=item.zone,
                severity=item.severity,
                box=box,
                ellipse=ellipse if item.round else None,
                size_cm=item.size_cm,
            )
        )
    return tuple(found)


def _regions(anatomy: Anatomy, framing: Framing) -> dict[str, Box]:
    """Bound the structures that a reader looks at."""
    width, height = anatomy.half_width_cm, anatomy.lung_height_cm
    shapes: dict[str, Points] = {
        "heart": anatomy.heart(),
        "mediastinum": anatomy.mediastinum() * (1.0, 0.6),
        "aortic_knob": anatomy.knob(),
        "trachea": np.array([[-1.2, -4.0], [1.2, anatomy.carina_cm]]),
        "spine": np.array([[-1.8, -4.0], [1.8, 1.3 * height]]),
        "diaphragm": np.vstack([anatomy.diaphragm(side) for side in SIDES]),
        "bones": np.array([[-width - 1.5, -2.5], [width + 1.5, 1.1 * height]]),
        "abdomen": np.array([[-width, height + 1.0], [width, 1.4 * height]]),
    }
    for side in SIDES:
        lung, s = anatomy.lung(side), sign(side)
        x, y = anatomy.hilum(side)
        low = anatomy.angle_cm(side)
        shapes[f"{side}_lung"] = lung
        shapes[f"{side}_hilum"] = ellipse_outline((x, y), (1.8, 2.4))
        shapes[f"{side}_costophrenic"] = np.array(
            [[s * 0.68 * width, low - 3.5], [s * width, low + 0.3]]
        )
        shapes[f"{side}_apex"] = lung[(lung[:, 1] < 0.22 * height)]
        shapes[f"{side}_clavicle"] = anatomy.clavicle(side)
        shapes[f"{side}_diaphragm"] = anatomy.diaphragm(side)
        for zone, (top, bottom) in {
            "upper": (0.0, 0.36),
            "middle": (0.36, 0.64),
            "lower": (0.64, 1.0),
        }.items():
            shapes[f"{side}_{zone}_zone"] = np.array(
                [
                    [s * 1.8, top * height],
                    [s * width, bottom * height + (2.0 if zone == "lower" else 0)],
                ]
            )
    return {name: framing.box(points) for name, points in shapes.items()}
