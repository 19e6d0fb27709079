import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.geometry import Screen, View, angle_deg, deg_to_px, px_per_deg, px_to_deg

# 1000 px over 1000 mm, seen from 1000 mm: one pixel is one millimeter.
SCREEN = Screen(
    width_px=1000, height_px=500, width_mm=1000, height_mm=500, distance_mm=1000
)
PIXELS = st.floats(-5000, 5000)


@pytest.mark.parametrize(
    ("xy_px", "xy_deg"),
    [
        ((500, 250), (0.0, 0.0)),
        ((1000, 250), (26.565051, 0.0)),  # atan(500 / 1000)
        ((500, 0), (0.0, -14.036243)),  # atan(-250 / 1000): up is negative
    ],
)
def test_px_to_deg_matches_hand_calculation(xy_px, xy_deg):
    actual = px_to_deg(np.array([xy_px], dtype=float), SCREEN)

    np.testing.assert_allclose(actual, [xy_deg], atol=1e-6)


@given(PIXELS, PIXELS)
def test_pixels_come_back_from_degrees(x_px, y_px):
    there = px_to_deg(np.array([[x_px, y_px]]), SCREEN)

    np.testing.assert_allclose(deg_to_px(there, SCREEN), [[x_px, y_px]], atol=1e-6)


@given(PIXELS, PIXELS)
def test_mirrored_points_have_opposite_angles(x_px, y_px):
    pair_px = np.array([[x_px, y_px], [1000 - x_px, 500 - y_px]])

    actual = px_to_deg(pair_px, SCREEN)

    np.testing.assert_allclose(actual[0], -actual[1], atol=1e-9)


def test_lost_gaze_stays_lost():
    lost = np.array([[np.nan, 3.0]])

    assert np.isnan(px_to_deg(lost, SCREEN)[0, 0])
    assert np.isnan(angle_deg(lost, np.array([[0.0, 0.0]]), SCREEN))


def test_a_degree_covers_more_pixels_away_from_the_center():
    # D·π/180 = 17.45 at the center; 45° off, (1 + 1²) times that
    actual = px_per_deg(np.array([[500.0, 250.0], [1500.0, 250.0]]), SCREEN)

    np.testing.assert_allclose(actual[:, 0], [17.4532925, 34.906585], rtol=1e-6)


@given(st.floats(-20, 20), st.floats(-10, 10))
def test_pixels_per_degree_is_the_slope_of_the_conversion(x_deg, y_deg):
    here = np.array([[x_deg, y_deg]])
    xy_px = deg_to_px(here, SCREEN)

    step_px = deg_to_px(here + 1e-4, SCREEN) - deg_to_px(here - 1e-4, SCREEN)

    np.testing.assert_allclose(px_per_deg(xy_px, SCREEN), step_px / 2e-4, rtol=1e-5)


def test_the_angle_between_two_corners_is_exact_on_the_sphere():
    # lines of sight (-1, 0, 1) and (1, 0, 1) stand at right angles
    a_px, b_px = np.array([[-500.0, 250.0]]), np.array([[1500.0, 250.0]])

    np.testing.assert_allclose(angle_deg(a_px, b_px, SCREEN), [90.0])


@given(PIXELS, PIXELS)
def test_a_point_is_at_no_angle_to_itself(x_px, y_px):
    point = np.array([[x_px, y_px]])

    np.testing.assert_allclose(angle_deg(point, point, SCREEN), [0.0], atol=1e-9)


@given(
    st.floats(0.01, 100), st.floats(-100, -0.01), st.floats(-1e4, 1e4), PIXELS, PIXELS
)
def test_image_points_come_back_from_the_screen(scale_x, scale_y, left_px, x, y):
    view = View(scale_x=scale_x, scale_y=scale_y, left_px=left_px, top_px=7.0)

    there = view.to_screen(np.array([[x, y]]))

    np.testing.assert_allclose(view.to_image(there), [[x, y]], atol=1e-6)


def test_a_view_is_six_numbers_in_the_order_of_the_stream():
    view = View(scale_x=2.0, scale_y=3.0, left_px=10.0, top_px=20.0)

    assert view.as_affine() == [2.0, 0.0, 10.0, 0.0, 3.0, 20.0]
    assert View.from_affine(view.as_affine()) == view
    np.testing.assert_array_equal(view.to_screen(np.array([[1.0, 1.0]])), [[12, 23]])


@pytest.mark.parametrize(
    "affine",
    [
        [1.0] * 5,
        [1.0, 0.5, 0.0, 0.0, 1.0, 0.0],  # sheared
        [0.0, 0.0, 0.0, 0.0, 1.0, 0.0],  # flattened
        [1.0, 0.0, float("nan"), 0.0, 1.0, 0.0],
    ],
)
def test_what_is_no_axis_aligned_view_is_refused(affine):
    with pytest.raises(ValueError, match="view"):
        View.from_affine(affine)


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_a_screen_without_a_size_is_refused(value):
    with pytest.raises(ValueError, match="distance_mm"):
        Screen(distance_mm=value)


@pytest.mark.parametrize("convert", [px_to_deg, deg_to_px, px_per_deg])
def test_points_of_another_shape_are_refused(convert):
    with pytest.raises(ValueError, match=r"shape \(n, 2\)"):
        convert(np.zeros((2, 3)), SCREEN)
