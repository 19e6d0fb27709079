"""Maps over the unpadded image: what a sentence lights up, and where a reader looked.

All maps share one frame: `CELLS` by `CELLS` equal cells over the original image, so
that a share of cells is a share of the image whatever its shape.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from training.evaluation.held_out import Vectors

CELLS = 64
"""Cells along each side of a map."""
_CENTERS = (np.arange(CELLS) + 0.5) / CELLS


def upsample(
    patches: Vectors, placement: NDArray[np.float32], image_size: int
) -> Vectors:
    """Stretch patch maps bilinearly over the image, leaving its padding out.

    Args:
        patches: (k, gh, gw) one value a patch of the square input.
        placement: (k, 4) left, top, width, height of the image in the square, pixels.
        image_size: Side of the square, pixels.

    Returns:
        (k, CELLS, CELLS) values at the cell centers of the original image.
    """
    down = _interpolation(
        placement[:, 1], placement[:, 3], image_size, patches.shape[1]
    )
    across = _interpolation(
        placement[:, 0], placement[:, 2], image_size, patches.shape[2]
    )
    rows = np.einsum("kyg,kgh->kyh", down, patches)
    return np.asarray(np.einsum("kyh,kxh->kyx", rows, across), dtype=np.float32)


def box_mask(boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Mark the cells of each box, at least the one under its center.

    Args:
        boxes: (k, 4) x0, y0, x1, y1 normalized to the original image.

    Returns:
        (k, CELLS, CELLS) True inside.
    """
    inside_x = (boxes[:, None, 0] <= _CENTERS) & (boxes[:, None, 2] >= _CENTERS)
    inside_y = (boxes[:, None, 1] <= _CENTERS) & (boxes[:, None, 3] >= _CENTERS)
    mask = inside_y[:, :, None] & inside_x[:, None, :]
    center = (boxes[:, :2] + boxes[:, 2:]) / 2
    at = np.clip((center * CELLS).astype(int), 0, CELLS - 1)
    mask[np.arange(len(boxes)), at[:, 1], at[:, 0]] = True
    return np.asarray(mask)


def dwell(
    owner: NDArray[np.int64],
    count: int,
    xy: NDArray[np.float32],
    sigma: NDArray[np.float32],
    weight: NDArray[np.float32],
) -> Vectors:
    """Spread fixations over the image: exact integral of each Gaussian per cell.

    Args:
        owner: (f,) map that each fixation belongs to, in [0, count).
        count: Number of maps k.
        xy: (f, 2) fixation in normalized image coordinates.
        sigma: (f, 2) spread along x and y in the same units.
        weight: (f,) seconds that the fixation counts.

    Returns:
        (k, CELLS, CELLS) seconds per cell; what falls off the image is lost.
    """
    out = np.zeros((count, CELLS, CELLS), dtype=np.float32)
    edges = np.linspace(0, 1, CELLS + 1)
    scale = np.sqrt(2) * np.maximum(sigma, 1e-4)
    shares = np.diff(erf((edges - xy[:, :, None]) / scale[:, :, None]), axis=2) / 2
    for first in range(0, len(owner), 2048):  # bounds memory: 2048 maps at a time
        part = slice(first, first + 2048)
        across = weight[part, None] * shares[part, 0]
        spread = shares[part, 1, :, None] * across[:, None, :]
        np.add.at(out, owner[part], spread.astype(np.float32))
    return out


def center_gaussian(spread: float = 0.25) -> Vectors:
    """The (CELLS, CELLS) map of somebody who knows nothing and looks at the middle."""
    bell = np.exp(-(((_CENTERS - 0.5) / spread) ** 2) / 2)
    return np.outer(bell, bell).astype(np.float32)


def peak_inside(maps: Vectors, regions: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Pointing game: 1 where the largest cell of a map lies in its region, else 0.

    Source:
        Zhang et al., Top-down Neural Attention by Excitation Backprop, ECCV 2016.
    """
    peak = maps.reshape(len(maps), -1).argmax(axis=1)
    hit = np.take_along_axis(regions.reshape(len(regions), -1), peak[:, None], axis=1)
    return hit[:, 0].astype(np.float64)


def correlation(maps: Vectors, gaze: Vectors) -> NDArray[np.float64]:
    """Pearson's correlation of maps with dwell maps; NaN where either is flat."""
    a, b = (_standardize(m.reshape(len(m), -1)) for m in (maps, gaze))
    return np.asarray((a * b).mean(axis=1))


def scanpath_saliency(
    maps: Vectors,
    owner: NDArray[np.int64],
    xy: NDArray[np.float32],
    weight: NDArray[np.float32],
) -> NDArray[np.float64]:
    """NSS: the mean standardized value of a map under the fixations, by their weight.

    Args:
        maps: (k, CELLS, CELLS).
        owner: (f,) map of each fixation.
        xy: (f, 2) normalized image coordinates; fixations off the image are left out.
        weight: (f,) seconds.

    Returns:
        (k,) in standard deviations; NaN for a flat map or one without fixations.

    Source:
        Peters et al., Vision Research 45 (2005) 2397-2416.
    """
    standard = _standardize(maps.reshape(len(maps), -1)).reshape(maps.shape)
    on = ((xy >= 0) & (xy < 1)).all(axis=1)
    cell = (xy[on] * CELLS).astype(int)
    value = standard[owner[on], cell[:, 1], cell[:, 0]] * weight[on]
    total = np.bincount(owner[on], weights=value, minlength=len(maps))
    seconds = np.bincount(owner[on], weights=weight[on], minlength=len(maps))
    empty = np.full(len(maps), np.nan)
    np.divide(total, seconds, out=empty, where=seconds > 0)
    return empty


def _standardize(flat: Vectors) -> NDArray[np.float64]:
    centered = flat.astype(np.float64) - flat.mean(axis=1, keepdims=True)
    deviation = centered.std(axis=1, keepdims=True)
    blank = np.full(centered.shape, np.nan)
    np.divide(centered, deviation, out=blank, where=deviation > 1e-9)
    return blank


def _interpolation(
    start: NDArray[np.float32], length: NDArray[np.float32], size: int, cells: int
) -> NDArray[np.float64]:
    """(k, CELLS, cells) bilinear weights of the patches along one axis."""
    pixel = start[:, None] + length[:, None] * _CENTERS
    at = np.clip(pixel / size * cells - 0.5, 0, cells - 1)
    return np.asarray(np.clip(1 - np.abs(at[:, :, None] - np.arange(cells)), 0, None))
