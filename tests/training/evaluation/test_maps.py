import numpy as np
import pytest

from training.evaluation import maps

WHOLE = np.array([[0, 0, 224, 224]], np.float32)


def test_a_flat_patch_map_stays_flat():
    actual = maps.upsample(np.full((1, 7, 7), 0.3, np.float32), WHOLE, 224)

    np.testing.assert_allclose(actual, 0.3, atol=1e-6)


def test_a_ramp_over_patches_is_a_ramp_over_the_image():
    ramp = np.tile((np.arange(7, dtype=np.float32) + 0.5) / 7, (1, 7, 1))

    actual = maps.upsample(ramp, WHOLE, 224)[0, 10]

    inner = (maps._CENTERS > 0.5 / 7) & (maps._CENTERS < 6.5 / 7)
    np.testing.assert_allclose(actual[inner], maps._CENTERS[inner], atol=1e-6)


def test_the_padding_of_a_wide_image_is_left_out():
    patches = np.zeros((1, 4, 4), np.float32)
    patches[0, [0, 3]] = 9  # top and bottom quarter: padding of an image twice as wide
    placement = np.array([[0, 56, 224, 112]], np.float32)

    actual = maps.upsample(patches, placement, 224)

    assert actual[0, 16:48].max() == 0  # only the rim leans toward the padding


def test_a_box_covers_its_share_of_the_cells():
    mask = maps.box_mask(np.array([[0.25, 0.5, 0.75, 1.0]], np.float32))

    assert mask.mean() == 0.25
    assert mask[0, 48, 32]
    assert not mask[0, 10, 32]


def test_a_box_smaller_than_a_cell_is_not_lost():
    mask = maps.box_mask(np.array([[0.5001, 0.5001, 0.5002, 0.5002]], np.float32))

    assert mask.sum() == 1


def test_dwell_keeps_the_seconds_that_fall_on_the_image():
    owner, sigma = np.array([0, 0, 1]), np.full((3, 2), 0.02, np.float32)
    xy = np.array([[0.5, 0.5], [0.2, 0.8], [1.0, 0.5]], np.float32)
    seconds = np.array([0.3, 0.2, 0.4], np.float32)

    actual = maps.dwell(owner, 2, xy, sigma, seconds)

    sums = actual.sum(axis=(1, 2))
    np.testing.assert_allclose(sums, [0.5, 0.2], atol=1e-5)  # half of the last is off
    assert np.unravel_index(actual[0].argmax(), actual[0].shape)[0] in (31, 32)


def test_the_peak_in_the_region_is_a_hit():
    one = np.zeros((2, maps.CELLS, maps.CELLS), np.float32)
    one[0, 5, 5] = one[1, 60, 60] = 1
    region = maps.box_mask(np.array([[0, 0, 0.5, 0.5]] * 2, np.float32))

    np.testing.assert_array_equal(maps.peak_inside(one, region), [1, 0])


def test_a_map_correlates_fully_with_itself_and_not_with_a_flat_one():
    one = np.random.default_rng(0).random((1, 64, 64)).astype(np.float32)

    assert maps.correlation(one, 3 * one + 1)[0] == pytest.approx(1)
    assert np.isnan(maps.correlation(one, np.ones_like(one))[0])


def test_saliency_under_fixations_is_in_standard_deviations():
    half = np.zeros((1, 64, 64), np.float32)
    half[:, :, 32:] = 1  # mean 0.5, deviation 0.5
    xy = np.array([[0.9, 0.5], [0.1, 0.5], [1.5, 0.5]], np.float32)
    seconds = np.array([3, 1, 5], np.float32)

    actual = maps.scanpath_saliency(half, np.zeros(3, int), xy, seconds)

    assert actual[0] == pytest.approx(0.5)  # (3 x 1 + 1 x -1) / 4; the last is off


def test_a_sentence_without_fixations_has_no_saliency():
    blank = np.zeros((1, 64, 64), np.float32)
    none = np.zeros((0, 2), np.float32)

    actual = maps.scanpath_saliency(blank, np.zeros(0, int), none, none[:, 0])

    assert np.isnan(actual[0])
