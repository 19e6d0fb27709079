"""Gaze on the patch grid, rendered where the training happens."""

import math

import torch
from torch import Tensor


def render_gaze(
    xy: Tensor,
    sigma: Tensor,
    weight: Tensor,
    row: Tensor,
    rows: int,
    grid: tuple[int, int],
) -> Tensor:
    """Sum blurred fixations into cells, by the exact integral of each Gaussian.

    The integral over a cell is a product of two differences of error functions, so no
    image is ever drawn, any grid is exact, and dwell that falls outside is lost.

    Args:
        xy: (f, 2) centers of fixations; the square is 0 to 1 either way, and a point
            off the image stays off.
        sigma: (f, 2) standard deviation of the blur, in sides of the square.
        weight: (f,) dwell, in seconds.
        row: (f,) int64, which map a fixation belongs to.
        rows: Number of maps.
        grid: Rows and columns of cells.

    Returns:
        (rows, gh * gw) dwell per cell in seconds, rows of the grid first.
    """
    height, width = grid
    across = _shares(xy[:, 0], sigma[:, 0], width)
    down = _shares(xy[:, 1], sigma[:, 1], height)
    cells = (weight[:, None] * down)[:, :, None] * across[:, None, :]
    maps = torch.zeros(rows, height * width, dtype=xy.dtype, device=xy.device)
    return maps.index_add_(0, row, cells.flatten(1))


def to_square(xy: Tensor, placement: Tensor, side_px: int) -> Tensor:
    """Move points from the original image to the square it was letterboxed into.

    Args:
        xy: (f, 2) points, 0 to 1 over the original image.
        placement: (f, 4) left, top, width and height of that image, in shard pixels.
        side_px: Side of the square, in shard pixels.

    Returns:
        (f, 2) points, 0 to 1 over the square.
    """
    return (placement[:, :2] + xy * placement[:, 2:]) / side_px


def sigma_to_square(sigma: Tensor, placement: Tensor, side_px: int) -> Tensor:
    """Scale widths from shares of the original image to shares of the square.

    Args:
        sigma: (f, 2) widths in shares of the original image.
        placement: (f, 4) left, top, width and height of that image, in shard pixels.
        side_px: Side of the square, in shard pixels.

    Returns:
        (f, 2) widths in sides of the square.
    """
    return sigma * placement[:, 2:] / side_px


def _shares(center: Tensor, sigma: Tensor, cells: int) -> Tensor:
    """Integrate f Gaussians over equal cells of [0, 1]: (f, cells)."""
    edges = torch.linspace(0, 1, cells + 1, dtype=center.dtype, device=center.device)
    z = (edges[None, :] - center[:, None]) / (sigma[:, None] * math.sqrt(2))
    return torch.erf(z).diff(dim=1) / 2
