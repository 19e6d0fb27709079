import itertools
import os

import numpy as np
import pytest

pygame = pytest.importorskip("pygame")

from capture.display.events import (  # noqa: E402
    Blank,
    ImageHidden,
    ImageShown,
    Note,
    ViewChanged,
)
from capture.display.input import InputReader, input_events  # noqa: E402
from capture.display.picture import Picture  # noqa: E402
from capture.display.state import DisplayState  # noqa: E402
from capture.display.view import Action, ViewState, apply_action  # noqa: E402
from capture.display.window import (  # noqa: E402
    ALARM_PX,
    DisplayError,
    ReadingWindow,
    choose_driver,
)
from capture.grayscale import Grayscale  # noqa: E402
from capture.images import LoadedImage  # noqa: E402


def image(pixels):
    return LoadedImage(
        pixels=pixels,
        gray=Grayscale(
            first_stored=0,
            modality=np.arange(np.iinfo(pixels.dtype).max + 1.0),
            window_center=127.5,
            window_width=255,
        ),
        pixel_sha256="abc",
        bits_stored=8,
        photometric="MONOCHROME2",
        encoding="none",
        decoder="none",
    )


@pytest.fixture
def opened(monkeypatch):
    """A real window under SDL's dummy driver, and all that it told."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    said, clock, display = [], itertools.count(1.0), DisplayState()
    window = ReadingWindow(
        width_px=200,
        height_px=100,
        fullscreen=False,
        display=display,
        publish=lambda event, stamp_s: said.append((event, stamp_s)),
        clock=lambda: next(clock),
    )
    yield window, said, display
    window.close()


def settle(window):
    commands = [window.tick(1) for _ in range(12)]
    return [command for command in commands if command]


def default_state(width, height):
    return ViewState.fit(
        screen_width_px=200,
        screen_height_px=100,
        image_width_px=width,
        image_height_px=height,
        window_center=127.5,
        window_width=255,
    )


def shown_gray(window):
    return pygame.surfarray.array3d(window.screenshot())[..., 0].T


def test_the_image_is_told_with_the_time_of_its_flip(opened):
    window, said, display = opened

    window.show(3, "image-a", image(np.full((50, 50), 80, np.uint8)))

    ((event, stamp_s),) = said
    assert isinstance(event, ImageShown)
    assert (event.index, event.image_id) == (3, "image-a")
    assert event.affine == (2, 0, 50, 0, 2, 0)
    shown = display.snapshot()
    assert (shown.shown_at_s, shown.flip_s) == (stamp_s, stamp_s)
    gray = shown_gray(window)
    assert (gray[:, 50:150] == 80).all()
    assert not gray[:, :50].any()
    assert not gray[:, 150:].any()


ACTIONS = [
    Action("zoom", 120, 40, dy=2.5),
    Action("pan", 100, 50, -30, 12),
    Action("window", 100, 50, 20, -40),
    Action("invert"),
    Action("one_to_one"),
    Action("fit"),
    Action("reset"),
]


def test_every_action_is_played_as_real_input_and_logged_as_it_is_shown(opened):
    window, said, display = opened
    pixels = np.random.default_rng(0).integers(0, 255, (80, 60), np.uint8)
    window.show(0, "image-a", image(pixels))
    default = state = default_state(60, 80)

    for action in ACTIONS:
        window.post_action(action)
        assert settle(window) == []
        state = apply_action(state, action, default)

        event, stamp_s = said[-1]
        assert isinstance(event, ViewChanged)
        assert event.affine == pytest.approx(state.view.as_affine())
        assert event.window_center == pytest.approx(state.window_center)
        assert event.window_width == pytest.approx(state.window_width)
        assert event.invert == state.invert
        assert display.snapshot().flip_s == stamp_s
        np.testing.assert_array_equal(
            shown_gray(window), expected_gray(pixels, display.snapshot().state)
        )

    causes = [event.cause for event, _ in said[1:]]
    assert causes == ["zoom", "pan", "window", "invert", "zoom", "fit", "reset"]


def expected_gray(pixels, state):
    gray, (left, top) = Picture(image(pixels)).render(state)
    screen = np.zeros((100, 200), np.uint8)
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + gray.shape[1], 200), min(top + gray.shape[0], 100)
    screen[y0:y1, x0:x1] = gray[y0 - top : y1 - top, x0 - left : x1 - left]
    return screen


def test_stamps_never_go_back(opened):
    window, said, _ = opened
    window.show(0, "image-a", image(np.zeros((50, 50), np.uint8)))
    for action in ACTIONS:
        window.post_action(action)
    settle(window)
    window.show(1, "image-b", image(np.zeros((50, 50), np.uint8)))
    window.hide()

    stamps_s = [stamp_s for _, stamp_s in said]

    assert stamps_s == sorted(stamps_s)
    kinds = [type(event) for event, _ in said[-4:]]
    assert kinds == [ImageHidden, ImageShown, ImageHidden, Blank]


def test_several_wheel_notches_at_once_are_one_flip(opened):
    window, said, _ = opened
    window.show(0, "image-a", image(np.zeros((50, 50), np.uint8)))

    for _ in range(4):
        window.post_action(Action("zoom", 10, 10, dy=1))
    window.tick(1)

    assert len(said) == 2
    assert said[1][0].affine[0] == pytest.approx(2 * 1.25**4)


def test_input_after_next_belongs_to_the_next_image(opened):
    window, said, _ = opened
    window.show(0, "image-a", image(np.zeros((50, 50), np.uint8)))
    window.post_action(Action("next"))
    window.post_action(Action("invert"))

    assert window.tick(1) == "next"
    window.show(1, "image-b", image(np.zeros((50, 50), np.uint8)))
    settle(window)

    assert said[-1][0].image_id == "image-b"
    assert said[-1][0].invert


@pytest.mark.parametrize("kind", ["next", "previous", "stop"])
def test_keys_that_leave_the_image_come_back_as_commands(opened, kind):
    window, _, _ = opened

    window.post_action(Action(kind))

    assert settle(window) == [kind]


def test_closing_the_window_asks_to_stop(opened):
    window, _, _ = opened

    pygame.event.post(pygame.event.Event(pygame.QUIT))

    assert settle(window) == ["stop"]


def test_what_changes_nothing_is_not_logged(opened):
    window, said, _ = opened
    window.show(0, "image-a", image(np.zeros((50, 50), np.uint8)))

    window.post_action(Action("fit"))
    window.post_action(Action("reset"))
    settle(window)

    assert len(said) == 1


def test_input_without_an_image_does_nothing(opened):
    window, said, _ = opened

    for action in ACTIONS:
        window.post_action(action)

    assert settle(window) == []
    assert said == []


def test_the_mouse_is_known_to_trackers_until_it_leaves(opened):
    window, _, display = opened

    window.post_action(Action("zoom", 33, 44, dy=1))
    settle(window)
    assert display.mouse_px() == (33, 44)

    pygame.event.post(pygame.event.Event(pygame.WINDOWLEAVE))
    settle(window)
    assert display.mouse_px() is None


def test_an_alarm_is_seen_without_a_title_too_and_told_in_the_stream(opened):
    window, said, _ = opened
    window.show(0, "image-1", image(np.full((100, 200), 9, np.uint8)))
    plain = shown_gray(window)
    said.clear()

    window.set_alarm("no gaze")
    window.set_alarm("no gaze")
    window.post_action(Action("invert"))
    settle(window)
    red = shown_gray(window)[:ALARM_PX]
    window.post_action(Action("invert"))
    settle(window)
    title = pygame.display.get_caption()[0]
    window.set_alarm("")

    assert title == "radgaze: no gaze"
    assert pygame.display.get_caption()[0] == "radgaze"
    assert (red == 255).all()
    np.testing.assert_array_equal(shown_gray(window), plain)
    notes = [event.text for event, _ in said if isinstance(event, Note)]
    assert notes == ["alarm: no gaze", "alarm over"]


@pytest.mark.parametrize("action", [a for a in ACTIONS if a.dx or a.dy])
def test_input_survives_screens_with_several_pixels_a_point(action):
    reader = InputReader((2.0, 2.0))

    read = [reader.action(event) for event in input_events(action, (2.0, 2.0))]

    assert [a for a in read if a] == [action]


def test_a_deep_image_is_drawn_where_the_view_has_it():
    pixels = np.zeros((40, 40), np.uint8)
    pixels[10:20, 30:40] = 255
    state = apply_action(
        default_state(40, 40), Action("zoom", 100, 50, dy=3), default_state(40, 40)
    )

    gray, corner = Picture(image(pixels)).render(state)

    bright = np.argwhere(gray > 127)[:, ::-1]
    (left, top), (right, bottom) = bright.min(0) + corner, bright.max(0) + corner + 1
    ends = state.view.to_screen(np.array([[30.0, 10.0], [40.0, 20.0]]))
    assert (left, right) == pytest.approx(ends[:, 0], abs=1)
    assert (max(top, 0), bottom) == pytest.approx(np.clip(ends[:, 1], 0, 100), abs=1)


def test_no_display_is_said_and_the_window_runs_unseen(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.setenv(name, "")

    notice = choose_driver()

    assert "unseen" in notice
    assert os.environ["SDL_VIDEODRIVER"] == "dummy"


def test_a_window_that_cannot_be_opened_is_a_clear_error(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "nonesuch")

    with pytest.raises(DisplayError, match=r"200 × 100 px.*SDL_VIDEODRIVER"):
        ReadingWindow(
            width_px=200,
            height_px=100,
            fullscreen=False,
            display=DisplayState(),
            publish=lambda *_: None,
            clock=lambda: 0.0,
        )


@pytest.mark.parametrize("size", [(900, 1100), (901, 1101), (3001, 500)])
def test_a_large_image_is_shrunk_to_area_averages_in_place(size):
    width, height = size
    ramp = np.add.outer(np.arange(height) * 90 / height, np.arange(width) * 90 / width)
    state = default_state(width, height)

    gray, (left, top) = Picture(image(ramp.astype(np.uint8))).render(state)

    rows, columns = np.mgrid[: gray.shape[0], : gray.shape[1]] + 0.5
    points_px = np.stack([columns + left, rows + top], -1).reshape(-1, 2)
    x, y = state.view.to_image(points_px).T
    expected = x * 90 / width + y * 90 / height
    np.testing.assert_allclose(gray.ravel(), expected, atol=2.0)
