from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from capture.display.view import (
    KEPT_PX,
    MAX_SCREEN_PX_PER_IMAGE_PX,
    MIN_ZOOM,
    Action,
    ViewState,
    apply_action,
)

# 2000 × 1000 px on a 1000 × 1000 px screen: half size, 250 px of black above and below
DEFAULT = ViewState.fit(
    screen_width_px=1000,
    screen_height_px=1000,
    image_width_px=2000,
    image_height_px=1000,
    window_center=500,
    window_width=1000,
)


@st.composite
def states(draw):
    sizes = st.integers(200, 4000)
    state = ViewState.fit(
        screen_width_px=draw(sizes),
        screen_height_px=draw(sizes),
        image_width_px=draw(sizes),
        image_height_px=draw(sizes),
        window_center=draw(st.floats(-100, 5000)),
        window_width=draw(st.floats(1, 5000)),
        invert=draw(st.booleans()),
    )
    for action in draw(st.lists(actions(), max_size=4)):
        state = apply_action(state, action, state)
    return state


def actions():
    place, drag = st.floats(0, 1000), st.floats(-3000, 3000)
    return st.one_of(
        st.builds(Action, st.just("zoom"), place, place, dy=st.floats(-6, 6)),
        st.builds(Action, st.sampled_from(["pan", "window"]), dx=drag, dy=drag),
        st.builds(Action, st.sampled_from(["invert", "fit", "one_to_one", "reset"])),
    )


def image_point(state, x_px, y_px):
    return state.view.to_image(np.array([[x_px, y_px]]))[0]


def test_the_fitted_image_is_letterboxed_in_the_middle():
    assert DEFAULT.view.as_affine() == [0.5, 0, 0, 0, 0.5, 250]


@pytest.mark.parametrize(
    ("action", "affine"),
    [
        # one notch is 1.25; the corner of the screen shows image point (0, -500)
        (Action("zoom", 0, 0, dy=1), [0.625, 0, 0, 0, 0.625, 312.5]),
        (Action("pan", dx=30, dy=-20), [0.5, 0, 30, 0, 0.5, 230]),
        (Action("one_to_one"), [1, 0, -500, 0, 1, 0]),
    ],
)
def test_actions_move_the_image_as_computed_by_hand(action, affine):
    actual = apply_action(DEFAULT, action, DEFAULT)

    assert actual.view.as_affine() == pytest.approx(affine)


def test_a_right_drag_widens_and_raises_the_window():
    # 500 px of drag is the width of the default window
    actual = apply_action(DEFAULT, Action("window", dx=50, dy=-100), DEFAULT)

    assert (actual.window_width, actual.window_center) == (1100, 300)


def test_the_window_stays_above_zero_however_far_one_drags():
    actual = apply_action(DEFAULT, Action("window", dx=-1e6, dy=1e6), DEFAULT)

    assert (actual.window_width, actual.window_center) == (1, 2500)


ACTIONS = Action("zoom", 9, 9, dy=3), Action("invert"), Action("window", dx=9)


def test_fit_keeps_the_gray_and_reset_restores_all():
    changed = DEFAULT
    for action in (
        Action("zoom", 9, 9, dy=3),
        Action("invert"),
        Action("window", dx=9),
    ):
        changed = apply_action(changed, action, DEFAULT)

    fitted = apply_action(changed, Action("fit"), DEFAULT)

    assert fitted.view == DEFAULT.view
    assert fitted.invert
    assert fitted.window_width == 1018
    assert apply_action(changed, Action("reset"), DEFAULT) == DEFAULT


@pytest.mark.parametrize("kind", ["next", "previous", "stop"])
def test_leaving_the_image_changes_nothing(kind):
    assert apply_action(DEFAULT, Action(kind), DEFAULT) is DEFAULT


@given(states(), st.floats(0, 1), st.floats(0, 1), st.floats(-8, 8))
def test_the_image_point_under_the_cursor_stays_when_zooming(state, u, v, notches):
    ends = np.array([[0, 0], [state.image_width_px, state.image_height_px]], float)
    ends_px = state.view.to_screen(ends)
    screen_px = state.screen_width_px, state.screen_height_px
    (left, top), (right, bottom) = np.clip(ends_px, 0, screen_px)
    x_px, y_px = left + u * (right - left), top + v * (bottom - top)
    before = image_point(state, x_px, y_px)
    assume((before >= 0).all() and (before <= ends[1]).all())

    zoomed = apply_action(state, Action("zoom", x_px, y_px, dy=notches), state)

    after_px = zoomed.view.to_screen(before[None])[0]
    np.testing.assert_allclose(after_px, (x_px, y_px), atol=1e-6)


@given(states(), st.floats(-5000, 5000), st.floats(-5000, 5000))
def test_screen_points_come_back_from_the_image(state, x_px, y_px):
    point_px = np.array([[x_px, y_px]])

    there_and_back_px = state.view.to_screen(state.view.to_image(point_px))

    np.testing.assert_allclose(there_and_back_px, point_px, atol=1e-6)


@given(states(), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_the_image_cannot_be_panned_off_the_screen(state, dx, dy):
    panned = apply_action(state, Action("pan", dx=dx, dy=dy), state)

    ends = np.array([[0, 0], [state.image_width_px, state.image_height_px]], float)
    (left, top), (right, bottom) = panned.view.to_screen(ends)
    kept_x = min(KEPT_PX, right - left, state.screen_width_px)
    kept_y = min(KEPT_PX, bottom - top, state.screen_height_px)
    assert min(right, state.screen_width_px) - max(left, 0) >= kept_x - 1e-6
    assert min(bottom, state.screen_height_px) - max(top, 0) >= kept_y - 1e-6


@given(states(), st.floats(-100, 100))
def test_zoom_has_an_end_on_both_sides(state, notches):
    zoomed = apply_action(state, Action("zoom", 5, 5, dy=notches), state)

    assert zoomed.zoom >= MIN_ZOOM
    largest = max(MAX_SCREEN_PX_PER_IMAGE_PX, state.fit_scale)
    assert zoomed.scale <= largest * (1 + 1e-12)


@given(states())
def test_inverting_twice_is_nothing(state):
    once = apply_action(state, Action("invert"), state)

    assert once == replace(state, invert=not state.invert)
    assert apply_action(once, Action("invert"), state) == state


@pytest.mark.parametrize(
    "wrong", [{"image_width_px": 0}, {"window_width": 0.0}, {"window_center": np.nan}]
)
def test_a_view_that_cannot_be_is_refused(wrong):
    sizes = {
        "screen_width_px": 9,
        "screen_height_px": 9,
        "image_width_px": 9,
        "image_height_px": 9,
        "window_center": 1.0,
        "window_width": 2.0,
    }

    with pytest.raises(ValueError, match=r"px|window"):
        ViewState.fit(**sizes | wrong)
