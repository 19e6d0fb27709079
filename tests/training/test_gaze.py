import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.heatmap import dwell_map, square_extent
from training.gaze import render_gaze, sigma_to_square, to_square


def one(xy, sigma, weight=1.0, grid=(4, 4)):
    return render_gaze(
        torch.tensor([xy], dtype=torch.float64),
        torch.tensor([sigma], dtype=torch.float64),
        torch.tensor([weight], dtype=torch.float64),
        torch.zeros(1, dtype=torch.long),
        1,
        grid,
    ).view(grid)


def test_a_fixation_at_a_corner_of_four_cells_is_shared_by_them():
    cells = one((0.5, 0.5), (0.001, 0.001), weight=2.0)

    expected = torch.zeros(4, 4, dtype=torch.float64)
    expected[1:3, 1:3] = 0.5
    torch.testing.assert_close(cells, expected)


def test_x_is_the_column_and_y_the_row():
    cells = one((0.9, 0.1), (0.001, 0.001))

    assert cells.nonzero().tolist() == [[0, 3]]


def test_one_sigma_either_side_holds_68_percent():
    # columns of width 2 sigma, centered on the fixation
    cells = one((0.5, 0.5), (0.1, 0.001), grid=(1, 5))

    assert float(cells[0, 2]) == pytest.approx(math.erf(1 / math.sqrt(2)))


def test_dwell_outside_the_image_is_lost():
    assert float(one((1.5, 0.5), (0.01, 0.01)).sum()) == pytest.approx(0)
    assert float(one((0.0, 0.5), (0.01, 0.01)).sum()) == pytest.approx(0.5)


def test_each_map_gets_its_own_fixations():
    xy = torch.tensor([[0.1, 0.1], [0.9, 0.9], [0.9, 0.9]])

    maps = render_gaze(
        xy, torch.full((3, 2), 1e-3), torch.ones(3), torch.tensor([2, 0, 2]), 3, (2, 2)
    )

    assert maps.tolist() == [[0, 0, 0, 1], [0, 0, 0, 0], [1, 0, 0, 1]]


def test_no_fixation_gives_blank_maps():
    none = torch.zeros(0, 2)

    maps = render_gaze(
        none, none, torch.zeros(0), torch.zeros(0, dtype=torch.long), 2, (3, 3)
    )

    assert maps.shape == (2, 9)
    assert not maps.any()


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 9))
def test_torch_and_numpy_render_the_same_map(seed, rows, columns):
    rng = np.random.default_rng(seed)
    xy, weight = rng.uniform(-0.2, 1.2, (6, 2)), rng.uniform(0, 2, 6)
    sigma = rng.uniform(0.01, 0.3, (6, 2))
    placement = (4.0, 0.0, 24.0, 32.0)
    placed = torch.tensor([placement] * 6, dtype=torch.float64)
    expected = dwell_map(
        xy[:, 0],
        xy[:, 1],
        sigma[:, 0],
        sigma[:, 1],
        weight,
        (rows, columns),
        square_extent(placement, 32),
    )

    actual = render_gaze(
        to_square(torch.from_numpy(xy), placed, 32),
        sigma_to_square(torch.from_numpy(sigma), placed, 32),
        torch.from_numpy(weight),
        torch.zeros(6, dtype=torch.long),
        1,
        (rows, columns),
    )

    np.testing.assert_allclose(actual.view(rows, columns), expected, atol=1e-12)


def test_points_move_with_the_letterbox():
    placement = torch.tensor([[8.0, 0.0, 16.0, 32.0]])

    actual = to_square(torch.tensor([[0.5, 0.25]]), placement, 32)

    assert actual.tolist() == [[0.5, 0.25]]
    edge = to_square(torch.tensor([[0.0, 1.0]]), placement, 32)
    assert edge.tolist() == [[0.25, 1.0]]
