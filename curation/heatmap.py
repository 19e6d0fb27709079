"""How long the eyes dwelt on each cell of a grid, exact for Gaussian fixations."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
WHOLE_IMAGE = (0.0, 0.0, 1.0, 1.0)


def dwell_map(
    x: Floats,
    y: Floats,
    sigma_x: Floats,
    sigma_y: Floats,
    weight_s: Floats,
    grid: tuple[int, int],
    extent: tuple[float, float, float, float] = WHOLE_IMAGE,
) -> NDArray[np.float64]:
    """Integrate Gaussian fixations over the cells of a grid.

    dwell(cell) = sum_f w_f [F((x1-x_f)/s_f) - F((x0-x_f)/s_f)] [same along y], with F
    the normal distribution function: separable, so it is one matrix product, and exact
    for cells of any size.

    Args:
        x: (f,) normalized image coordinates of the fixations; off the image is fine.
        y: (f,) the same, down.
        sigma_x: (f,) standard deviations in normalized image units.
        sigma_y: (f,) the same, down.
        weight_s: (f,) seconds.
        grid: Rows and columns.
        extent: Left, top, right, bottom of the grid in normalized image coordinates.

    Returns:
        (rows, columns) seconds; mass that falls off the grid is not on it.
    """
    rows, columns = grid
    left, top, right, bottom = extent
    share_x = _shares(x, sigma_x, np.linspace(left, right, columns + 1))
    share_y = _shares(y, sigma_y, np.linspace(top, bottom, rows + 1))
    weighted = share_x * np.asarray(weight_s, np.float64)[:, None]
    dwell: NDArray[np.float64] = share_y.T @ weighted
    return dwell


def square_extent(
    placement: tuple[float, float, float, float], image_size: int
) -> tuple[float, float, float, float]:
    """Find where a letterboxed square ends, in normalized coordinates of its image.

    Args:
        placement: Left, top, width and height of the image in the square, pixels.
        image_size: Edge of the square, pixels.

    Returns:
        Left, top, right, bottom: the extent of a grid over the whole square.
    """
    left, top, width, height = placement
    return (
        -left / width,
        -top / height,
        (image_size - left) / width,
        (image_size - top) / height,
    )


def _shares(center: Floats, sigma: Floats, edges: Floats) -> NDArray[np.float64]:
    from scipy.special import ndtr

    center = np.asarray(center, np.float64)[:, None]
    sigma = np.asarray(sigma, np.float64)[:, None]
    below: NDArray[np.float64] = ndtr((edges[None] - center) / sigma)
    return np.diff(below, axis=1)
