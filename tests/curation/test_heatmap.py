"""Dwell maps against numerical integration."""

import numpy as np
import pytest
from scipy.integrate import dblquad
from scipy.stats import norm

from curation.heatmap import dwell_map, square_extent

X, Y = np.array([0.3, 0.85]), np.array([0.6, 0.1])
SX, SY, W = np.array([0.1, 0.05]), np.array([0.05, 0.2]), np.array([0.4, 1.5])


def density(y, x):
    return float((W * norm.pdf(x, X, SX) * norm.pdf(y, Y, SY)).sum())


@pytest.mark.parametrize(("row", "column"), [(0, 0), (2, 1), (0, 3), (3, 3)])
def test_each_cell_is_the_integral_of_the_gaussians(row, column):
    actual = dwell_map(X, Y, SX, SY, W, (4, 4))[row, column]

    expected, _ = dblquad(
        density, column / 4, (column + 1) / 4, row / 4, (row + 1) / 4, epsabs=1e-10
    )
    assert actual == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("grid", [(1, 1), (7, 3), (224, 224)])
def test_a_grid_around_everything_holds_all_seconds(grid):
    dwell = dwell_map(X, Y, SX, SY, W, grid, extent=(-9, -9, 9, 9))

    assert dwell.sum() == pytest.approx(W.sum())
    assert dwell.shape == grid


def test_a_finer_grid_sums_to_the_coarse_one():
    fine = dwell_map(X, Y, SX, SY, W, (8, 8))

    coarse = fine.reshape(4, 2, 4, 2).sum(axis=(1, 3))
    np.testing.assert_allclose(coarse, dwell_map(X, Y, SX, SY, W, (4, 4)))


def test_a_letterboxed_square_reaches_beyond_the_image():
    # 100 x 200 px of original in the middle of a square of 200: x from -.5 to 1.5
    extent = square_extent((50, 0, 100, 200), 200)

    assert extent == (-0.5, 0.0, 1.5, 1.0)
    inner = dwell_map(X, Y, SX, SY, W, (4, 4), extent)[:, 1:3]
    np.testing.assert_allclose(inner, dwell_map(X, Y, SX, SY, W, (4, 2)))


def test_no_fixation_is_no_dwell():
    none = np.zeros(0)

    assert not dwell_map(none, none, none, none, none, (3, 2)).any()
