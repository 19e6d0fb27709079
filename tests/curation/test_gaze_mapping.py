"""Gaze through the view of its moment: by hand, and against a simulated reader."""

import json

import numpy as np
import pytest

from capture.display.events import Heartbeat, ImageHidden, ImageShown, ViewChanged
from capture.geometry import Screen, px_to_deg
from curation.events import FIXATION, detect_events
from curation.gaze_mapping import fixations_on, timeline, to_image_px
from curation.recordings import find_sessions, read_recording

# 1000 px over 1000 mm, seen from 1000 mm: at the center a degree is 17.453 px.
SCREEN = Screen(
    width_px=1000, height_px=1000, width_mm=1000, height_mm=1000, distance_mm=1000
)
WINDOW = {"window_center": 0.5, "window_width": 1.0, "invert": False}
FIT = (2.0, 0.0, 300.0, 0.0, 2.0, 100.0)  # 200 x 400 px, twice as large, at 300, 100
ZOOM = (4.0, 0.0, 100.0, 0.0, 4.0, -300.0)


def shown(image_id="image-a", affine=FIT, index=0):
    return ImageShown(
        image_id=image_id,
        index=index,
        width_px=200,
        height_px=400,
        pixel_sha256="",
        affine=affine,
        **WINDOW,
    )


def changed(affine, image_id="image-a"):
    return ViewChanged(image_id=image_id, affine=affine, cause="zoom", **WINDOW)


DISPLAY = [
    (10.0, shown()),
    (11.0, Heartbeat()),
    (12.0, changed(ZOOM)),
    (14.0, ImageHidden(image_id="image-a")),
    (15.0, shown("image-b", index=1)),
]


def test_a_showing_lasts_from_shown_to_hidden_or_to_the_end():
    views = timeline(DISPLAY, end_s=19.0)

    assert [(s.image_id, s.shown_s, s.hidden_s, s.cut) for s in views.showings] == [
        ("image-a", 10.0, 14.0, False),
        ("image-b", 15.0, 19.0, True),
    ]


def test_gaze_maps_through_the_view_of_its_moment():
    views = timeline(DISPLAY, end_s=19.0)
    time_s = np.array([9.0, 10.0, 11.999, 12.0, 13.9, 14.0, 14.5, 15.0, 16.0])
    xy_px = np.tile([500.0, 500.0], (9, 1))
    xy_px[8] = np.nan

    actual = to_image_px(xy_px, views.view_at(time_s), views)

    none = (np.nan, np.nan)
    fit, zoom = (100.0, 200.0), (100.0, 200.0)  # the center stays under both views
    expected = [none, fit, fit, zoom, zoom, none, none, fit, none]
    np.testing.assert_allclose(actual, expected, atol=1e-6)


def test_gaze_beside_the_image_stays_beside_it():
    views = timeline(DISPLAY, end_s=19.0)

    actual = to_image_px(np.array([[100.0, 1000.0]]), np.array([0]), views)

    np.testing.assert_allclose(actual, [[-100, 450]], atol=1e-6)


def test_a_view_of_another_image_is_ignored():
    display = [*DISPLAY[:2], (11.5, changed(ZOOM, "image-x")), *DISPLAY[3:]]

    views = timeline(display, end_s=19.0)

    assert views.start_s.tolist() == [10.0, 14.0, 15.0]


def fixations(time_s, xy_px, labels, number=0):
    views = timeline(DISPLAY, end_s=19.0)
    return fixations_on(number, time_s, xy_px, labels, views, SCREEN, 0.01)


def test_a_fixation_is_split_where_the_view_changes():
    time_s = np.arange(950, 1450) / 100
    xy_px = np.tile([600.0, 500.0], (500, 1))
    labels = np.zeros(500, np.int8)
    labels[200:300] = FIXATION  # 11.5 to 12.5 s; zoomed at 12.0

    table = fixations(time_s, xy_px, labels)

    # 100 px right of the center are 50 image px before and 25 after, of 200.
    np.testing.assert_allclose(table["x"], [0.75, 0.625], atol=1e-6)
    np.testing.assert_allclose(table["y"], [0.5, 0.5], atol=1e-6)
    np.testing.assert_allclose(table["onset_s"], [1.5, 2.0], atol=1e-9)
    np.testing.assert_allclose(table["duration_s"], [0.5, 0.5], atol=1e-9)
    # tan: d/dθ of 1000 tan θ at 100 mm is 1010 mm a radian
    np.testing.assert_allclose(
        table["sigma_x"], np.radians(1010) / np.array([400, 800]), rtol=1e-6
    )
    np.testing.assert_allclose(
        table["sigma_y"], np.radians(1000) / np.array([800, 1600]), rtol=1e-6
    )


def test_a_fixation_over_both_images_counts_on_each_from_its_own_start():
    time_s = np.arange(1350, 1600) / 100
    xy_px = np.tile([500.0, 500.0], (250, 1))
    labels = np.full(250, FIXATION, np.int8)

    first = fixations(time_s, xy_px, labels, 0)
    second = fixations(time_s, xy_px, labels, 1)

    assert first["onset_s"] == pytest.approx([3.5])
    assert first["duration_s"] == pytest.approx([0.5])
    assert second["onset_s"] == pytest.approx([0.0])
    assert second["duration_s"] == pytest.approx([1.0])


def test_no_fixation_gives_an_empty_table():
    table = fixations(np.arange(950, 1450) / 100, np.zeros((500, 2)), np.zeros(500))

    assert len(table["x"]) == 0


def test_lost_samples_do_not_move_a_fixation():
    time_s = np.arange(1000, 1100) / 100
    xy_px = np.tile([500.0, 500.0], (100, 1))
    xy_px[40:44] = np.nan

    table = fixations(time_s, xy_px, np.full(100, FIXATION, np.int8))

    assert table["x"].tolist() == [0.5]
    assert table["duration_s"] == pytest.approx([1.0])


def test_simulated_fixations_are_where_the_reader_looked(simulated):
    misses_deg = []
    for folder in find_sessions([simulated / "sessions"]):
        recording = read_recording(folder)
        screen, gaze = recording.info.screen, recording.gaze
        labels = detect_events(gaze.time_s, px_to_deg(gaze.xy_px, screen))
        views = timeline(recording.display, gaze.time_s[-1])
        truth = json.loads((folder / "simulation_truth.json").read_text())
        offset_deg = np.array(truth["reader"]["offset_deg"])
        for number, image in enumerate(truth["images"]):
            table = fixations_on(
                number, gaze.time_s, gaze.xy_px, labels, views, screen, gaze.period_s
            )
            true = {name: np.array(v) for name, v in image["fixations"].items()}
            true_s = true["onset_s"] - views.showings[number].shown_s
            middle_s = table["onset_s"] + table["duration_s"] / 2
            at = np.searchsorted(true_s, middle_s, side="right") - 1
            inside = (at >= 0) & (middle_s < (true_s + true["duration_s"])[at])
            at, inside = at[inside], np.flatnonzero(inside)
            x = (table["x"][inside] - true["x"][at]) / table["sigma_x"][inside]
            y = (table["y"][inside] - true["y"][at]) / table["sigma_y"][inside]
            misses_deg.append(np.column_stack([x, y]) - offset_deg)
            assert len(inside) > 0.8 * len(table["x"])

    miss_deg = np.concatenate(misses_deg)

    assert np.median(np.hypot(*miss_deg.T)) < 0.1


def test_a_change_of_gray_levels_does_not_split_a_fixation():
    gray = ViewChanged(
        image_id="image-a",
        affine=FIT,
        cause="window",
        window_center=0.4,
        window_width=0.5,
        invert=False,
    )
    display = [*DISPLAY[:2], (11.8, gray), *DISPLAY[2:]]

    views = timeline(display, end_s=19.0)

    assert views.start_s.tolist() == [10.0, 12.0, 14.0, 15.0]
    assert views.affine.tolist() == timeline(DISPLAY, end_s=19.0).affine.tolist()


def test_a_mirrored_image_keeps_its_places_and_has_sizes_above_0():
    mirrored = (-2.0, 0.0, 700.0, 0.0, 2.0, 100.0)
    display = [(10.0, shown(affine=mirrored)), (14.0, ImageHidden(image_id="image-a"))]
    views = timeline(display, end_s=19.0)
    time_s = np.arange(1000, 1400) / 100
    labels = np.full(400, FIXATION, np.int8)
    xy_px = np.tile([600.0, 500.0], (400, 1))

    table = fixations_on(0, time_s, xy_px, labels, views, SCREEN, 0.01)

    np.testing.assert_allclose(table["x"], [0.25], atol=1e-6)  # (600 - 700) / -2 / 200
    assert table["sigma_x"][0] > 0


def test_an_image_that_is_shown_again_is_another_showing():
    display = [
        (10.0, shown()),
        (12.0, ImageHidden(image_id="image-a")),
        (15.0, shown(index=1)),
    ]

    views = timeline(display, end_s=19.0)

    assert [(s.image_id, s.shown_s, s.cut) for s in views.showings] == [
        ("image-a", 10.0, False),
        ("image-a", 15.0, True),
    ]
