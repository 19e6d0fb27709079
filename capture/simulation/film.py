"""From absorption to the numbers of a computed radiography plate."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.simulation.canvas import Array, Canvas

_UNSHARPNESS_MM = 0.11  # of the plate: its light spreads before it is read


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """How the film was taken and processed."""

    height_px: int
    """Height the machine would have stored."""
    bits_stored: int
    photometric: str
    """MONOCHROME2 or MONOCHROME1."""
    quanta: float
    """Detected photons per square millimeter in air: sets the noise."""
    electronic: float
    """Noise of the reader, in log units."""
    scatter: float
    """Scattered over primary radiation."""
    equalize: float
    """Share of the coarse contrast that processing takes away, 0 to 1."""
    sharpen: float
    """Gain of fine detail."""
    gamma: float
    """Curve of the film."""
    low: float
    """Where the darkest part of the body lands, share of the range."""
    high: float
    """The same for the brightest."""
    collimation: tuple[float, float, float, float]
    """Shares of the image cut off at left, top, right, bottom."""
    collimation_tilt: float
    """Slope of the collimator's blades."""
    marker: tuple[str, float, float, float] | None
    """Letter, x and y of its middle (normalized), height as share of the image's."""


def draw_exposure(
    rng: np.random.Generator, *, portrait: bool, portable: bool
) -> Exposure:
    """Draw how one film is taken."""
    letter = "R" if rng.random() < 0.4 else "L"
    x = rng.uniform(0.05, 0.10)
    marker = (
        letter,
        float(x if letter == "R" else 1 - x),
        float(rng.uniform(0.06, 0.3)),
        float(rng.uniform(0.018, 0.032)),
    )
    tight = rng.random() < (0.5 if portable else 0.2)
    cut = rng.uniform(0.0, 0.035, 4) * (rng.random(4) < 0.6) if tight else np.zeros(4)
    return Exposure(
        height_px=int(
            rng.integers(124, 150) * 20 if portrait else rng.integers(100, 126) * 20
        ),
        bits_stored=int(rng.choice((12, 12, 12, 14, 15, 16))),
        photometric=str(rng.choice(("MONOCHROME2", "MONOCHROME2", "MONOCHROME1"))),
        quanta=float(np.exp(rng.normal(np.log(60000 if portable else 100000), 0.35))),
        electronic=float(rng.uniform(0.001, 0.003)),
        scatter=float(rng.uniform(0.25, 0.6) + 0.25 * portable),
        equalize=float(rng.uniform(0.25, 0.55)),
        sharpen=float(rng.uniform(0.3, 1.0)),
        gamma=float(np.exp(rng.normal(0, 0.14))),
        low=float(rng.uniform(0.08, 0.26)),
        high=float(rng.uniform(0.76, 0.94)),
        collimation=(float(cut[0]), float(cut[1]), float(cut[2]), float(cut[3])),
        collimation_tilt=float(rng.normal(0, 0.006)),
        marker=marker if rng.random() < 0.85 else None,
    )


def expose(
    absorption: Array,
    canvas: Canvas,
    exposure: Exposure,
    shape: tuple[int, int],
    rng: np.random.Generator,
) -> NDArray[np.uint16]:
    """Take the film: scatter, noise, processing, collimation, marker, quantization.

    Args:
        absorption: (h, w) exponent of Beer's law on the canvas.
        canvas: What `absorption` was drawn on; may be coarser than the film.
        exposure: How the film is taken.
        shape: Height and width of the film, pixels.
        rng: Source of the noise.

    Returns:
        (height, width) stored values, inverted where the film is MONOCHROME1.
    """
    signal, primary = _process(absorption, canvas, exposure)
    signal += _marker(canvas, exposure, absorption.shape)
    film = _enlarge(signal, shape)
    film += _noise(primary, canvas, exposure, shape, rng)
    np.clip(film, 0, 1, out=film)
    top = 2**exposure.bits_stored - 1
    film *= np.float32(top)
    stored = np.rint(film).astype(np.uint16)
    return top - stored if exposure.photometric == "MONOCHROME1" else stored


def _process(
    absorption: Array, canvas: Canvas, exposure: Exposure
) -> tuple[Array, Array]:
    """Return the processed film in 0 to 1 without noise, and its noise per photon."""
    coarse = cv2.resize(
        absorption, None, fx=1 / 6, fy=1 / 6, interpolation=cv2.INTER_AREA
    )
    per_cm = canvas.px_per_cm / 6
    primary = np.exp(-coarse)
    spread = cv2.GaussianBlur(primary, (0, 0), 3.0 * per_cm)
    stray = np.asarray(exposure.scatter * spread, dtype=np.float32)
    dose = np.exp(-absorption) + canvas.refine(stray)
    log = -np.log(dose)
    body = cv2.resize(log, coarse.shape[::-1], interpolation=cv2.INTER_AREA)
    base = cv2.GaussianBlur(
        np.minimum(body, np.percentile(body, 98)), (0, 0), 3.2 * per_cm
    )
    log -= exposure.equalize * canvas.refine(np.asarray(base, dtype=np.float32))
    detail = log - cv2.GaussianBlur(log, (0, 0), 0.15 * canvas.px_per_cm)
    log += exposure.sharpen * detail
    height, width = body.shape
    middle = (body - exposure.equalize * base)[
        height // 5 : -height // 6, width // 6 : -width // 6
    ]
    dark, bright = np.percentile(middle, (2, 98))
    scale = 1 / (bright - dark)
    share = np.maximum((log - dark) * scale, -0.6)
    curved = np.where(share > 0, np.maximum(share, 1e-6) ** exposure.gamma, share)
    film = exposure.low + (exposure.high - exposure.low) * curved
    film = np.where(_blades(canvas, exposure), film, np.float32(0.03))
    gain = scale * (exposure.high - exposure.low) / np.sqrt(dose * exposure.quanta)
    return film.astype(np.float32), (gain * (1 + 0.5 * exposure.sharpen)).astype(
        np.float32
    )


def _blades(canvas: Canvas, exposure: Exposure) -> NDArray[np.bool_]:
    left, top, right, bottom = exposure.collimation
    tilt = exposure.collimation_tilt
    x = ((np.arange(canvas.width_px) + 0.5) / canvas.width_px)[None, :]
    y = ((np.arange(canvas.height_px) + 0.5) / canvas.height_px)[:, None]
    columns = (x > left + tilt * y * (left > 0)) & (
        x < 1 - right + tilt * y * (right > 0)
    )
    rows = (y > top + tilt * x * (top > 0)) & (y < 1 - bottom + tilt * x * (bottom > 0))
    return np.asarray(columns & rows)


def _marker(canvas: Canvas, exposure: Exposure, shape: tuple[int, ...]) -> Array:
    layer = np.zeros(shape[:2], np.uint8)
    if exposure.marker is not None:
        letter, x, y, size = exposure.marker
        tall = size * canvas.height_px
        at = (
            round(x * canvas.width_px - 0.4 * tall),
            round(y * canvas.height_px + tall / 2),
        )
        thick = max(1, round(tall / 7))
        cv2.putText(
            layer,
            letter,
            at,
            cv2.FONT_HERSHEY_SIMPLEX,
            tall / 22,
            255,
            thick,
            cv2.LINE_AA,
        )
    return layer.astype(np.float32) * np.float32(1 / 255)


def _enlarge(signal: Array, shape: tuple[int, int]) -> Array:
    if signal.shape == shape:
        return signal
    shrink = shape[0] < signal.shape[0]
    how = cv2.INTER_AREA if shrink else cv2.INTER_CUBIC
    return np.asarray(
        cv2.resize(signal, shape[::-1], interpolation=how), dtype=np.float32
    )


def _noise(
    per_photon: Array,
    canvas: Canvas,
    exposure: Exposure,
    shape: tuple[int, int],
    rng: np.random.Generator,
) -> Array:
    pixel_mm = canvas.framing.height_cm * 10 / shape[0]
    spread = _enlarge(per_photon, shape) / np.float32(pixel_mm)
    spread += np.float32(exposure.electronic)
    grain = rng.standard_normal(shape, dtype=np.float32)
    if pixel_mm < 3 * _UNSHARPNESS_MM:
        sigma = _UNSHARPNESS_MM / pixel_mm
        blurred = cv2.GaussianBlur(grain, (5, 5), sigma)
        grain = np.asarray(blurred, dtype=np.float32)
    return np.asarray(grain * spread, dtype=np.float32)
