import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from capture.geometry import Screen
from capture.streams import (
    GAZE_LABELS,
    GazeMappingError,
    StreamSpec,
    audio_spec,
    display_spec,
    gaze_spec,
    map_gaze,
)
from capture.xdf import read_streams
from capture.xdf.headers import header_dict

SCREEN = Screen(
    width_px=1000, height_px=500, width_mm=500, height_mm=250, distance_mm=600
)
SPECS = [
    gaze_spec(
        SCREEN,
        500,
        host="h",
        acquisition={"manufacturer": "M & Co", "model": "<3"},
        calibration={"accuracy_deg": "0.4"},
    ),
    display_spec(host="h"),
    audio_spec(48_000, host="h"),
]


def info(labels, *, types=(), eyes=(), units=(), origin="", name="X", key="type"):
    """Return a stream header as pyxdf has it."""

    def channel(i, label):
        stated = {"label": [label]}
        for tag, values in ((key, types), ("eye", eyes), ("unit", units)):
            if i < len(values):
                stated[tag] = [values[i]]
        return stated

    desc = {"channels": [{"channel": [channel(i, x) for i, x in enumerate(labels)]}]}
    if origin:
        desc["radgaze"] = [{"screen": [{"origin": [origin]}]}]
    return {
        "info": {"name": [name], "channel_count": [str(len(labels))], "desc": [desc]}
    }


@pytest.mark.parametrize("spec", SPECS)
def test_a_header_says_the_same_in_a_file_and_on_the_network(spec):
    written = header_dict(spec.to_header_xml())["info"]
    announced = header_dict(spec.to_stream_info().as_xml())["info"]

    for tag in ("name", "type", "channel_count", "channel_format", "source_id", "desc"):
        assert written[tag] == announced[tag]
    assert float(written["nominal_srate"][0]) == float(announced["nominal_srate"][0])


@pytest.mark.parametrize("spec", SPECS)
def test_a_header_has_no_attributes_and_allows_gaps(spec):
    root = ET.fromstring(spec.to_header_xml())

    assert not any(element.attrib for element in root.iter())
    assert root.findtext("desc/synchronization/can_drop_samples") == "true"


def test_a_header_names_host_and_moment_only_in_the_source_id():
    assert SPECS[0].source_id == "radgaze:tracker:h:gaze"
    assert gaze_spec(SCREEN, 500, host="h") == gaze_spec(SCREEN, 500, host="h")
    assert "created_at" not in SPECS[0].to_header_xml()


def test_a_display_stream_is_expected_to_beat():
    assert display_spec().expected().heartbeat_hz == 1.0
    assert SPECS[0].expected(required=False).required is False


@pytest.mark.parametrize("rate_hz", [0, -100, 44_150])
def test_audio_at_a_rate_without_whole_vectors_is_refused(rate_hz):
    with pytest.raises(ValueError, match="multiple of 100"):
        audio_spec(rate_hz)


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"source_id": ""},
        {"channel_count": 0},
        {"nominal_rate_hz": math.inf},
        {"channel_format": "uint8"},
    ],
)
def test_a_stream_that_cannot_be_is_refused(change):
    valid = {
        "name": "n",
        "type": "t",
        "channel_count": 1,
        "nominal_rate_hz": 0,
        "channel_format": "int8",
        "source_id": "s",
    }
    with pytest.raises(ValueError, match=r"stream|channel"):
        StreamSpec(**valid | change)


def test_our_own_gaze_comes_back_as_pixels_per_eye():
    mapping = map_gaze(header_dict(SPECS[0].to_header_xml()))
    values = np.array([[10, 20, 3, 12, 22, 4], [np.nan] * 6], np.float32)

    eyes = mapping.to_screen_px(values, SCREEN)

    assert mapping.pupil_unit == "mm"
    np.testing.assert_array_equal(eyes["left"].xy_px[0], [10, 20])
    np.testing.assert_array_equal(eyes["right"].xy_px[0], [12, 22])
    assert (eyes["left"].pupil[0], eyes["right"].pupil[0]) == (3, 4)
    assert np.isnan(eyes["left"].xy_px[1]).all()
    assert np.isnan(eyes["right"].pupil[1])


TITTA = (
    "x.position_on_display_area.gaze_point.left_eye",
    "y.position_on_display_area.gaze_point.left_eye",
    "x.position_in_user_coordinates.gaze_point.left_eye",
    "y.position_in_user_coordinates.gaze_point.left_eye",
    "diameter.pupil.left_eye",
    "x.position_on_display_area.gaze_point.right_eye",
    "y.position_on_display_area.gaze_point.right_eye",
)


@pytest.mark.parametrize(
    ("header", "left", "right"),
    [
        (info(GAZE_LABELS), (0, 1, 2), (3, 4, 5)),
        (info(["right_x", "right_y", "left_x", "left_y"]), (2, 3, None), (0, 1, None)),
        (info(TITTA), (0, 1, 4), (5, 6, None)),
        (
            info(["leftEyeX", "leftEyeY", "rightEyeX", "rightEyeY", "leftPupilArea"]),
            (0, 1, 4),
            (2, 3, None),
        ),
        (
            info(["R_GazeX", "R_GazeY", "R_PupilSize", "L_GazeX", "L_GazeY"]),
            (3, 4, None),
            (0, 1, 2),
        ),
        (
            info(
                ["Screen_X_left", "Screen_Y_left", "Screen_X_right", "Screen_Y_right"]
            ),
            (0, 1, None),
            (2, 3, None),
        ),
        (
            info(
                ["a", "b", "c", "d"],
                types=["ScreenY", "ScreenX", "Diameter", "Confidence"],
                eyes=["left"] * 4,
            ),
            (1, 0, 2),
            None,
        ),
    ],
)
def test_channels_are_found_by_what_they_say_not_by_position(header, left, right):
    eyes = map_gaze(header, unit="pixels", origin="top_left").eyes

    found = {eye: (c.x, c.y, c.pupil) for eye, c in eyes.items()}
    expected = {"left": left, "right": right}
    assert found == {eye: c for eye, c in expected.items() if c is not None}


def test_one_combined_point_is_of_both_eyes():
    eyes = map_gaze(info(["x", "y"]), unit="normalized", origin="top_left").eyes

    assert set(eyes) == {"both"}


@pytest.mark.parametrize(
    ("unit", "origin", "value", "expected"),
    [
        ("pixels", "top_left", (10, 20), (10, 20)),
        ("pixels", "bottom_left", (10, 20), (10, 480)),
        ("pixels", "center", (10, 20), (510, 230)),
        ("normalized", "top_left", (0.25, 0.5), (250, 250)),
        ("normalized", "bottom_left", (0.25, 0.2), (250, 400)),
        ("normalized", "center", (0.25, 0.2), (750, 150)),
        ("normalized", "top_left", (-0.1, 1.2), (-100, 600)),  # off the screen stays
    ],
)
def test_units_and_origins_become_pixels_from_the_top_left(
    unit, origin, value, expected
):
    mapping = map_gaze(info(["x", "y"]), unit=unit, origin=origin)

    xy_px = mapping.to_screen_px(np.array([value]), SCREEN)["both"].xy_px

    np.testing.assert_allclose(xy_px, [expected])


@pytest.mark.parametrize(
    "value", [(np.nan, 1), (1, np.inf), (0, 0), (-32768, -32768), (1234.0, 0.5)]
)
def test_lost_gaze_is_nan_however_it_was_marked(value):
    mapping = map_gaze(info(["x", "y"]), unit="normalized", origin="top_left")

    eye = mapping.to_screen_px(np.array([value]), SCREEN)["both"]

    assert np.isnan(eye.xy_px).all()


def test_the_center_of_the_screen_is_no_lost_gaze_where_it_is_the_origin():
    mapping = map_gaze(info(["x", "y"]), unit="pixels", origin="center")

    xy_px = mapping.to_screen_px(np.zeros((1, 2)), SCREEN)["both"].xy_px

    np.testing.assert_array_equal(xy_px, [[500, 250]])


def test_a_pupil_radius_becomes_a_diameter():
    header = info(["x", "y", "p"], types=["ScreenX", "ScreenY", "Radius"])
    mapping = map_gaze(header, unit="pixels", origin="top_left")

    eye = mapping.to_screen_px(np.array([[1, 1, 2.0], [1, 1, 0.0]]), SCREEN)["both"]

    np.testing.assert_array_equal(eye.pupil, [4.0, np.nan])


def test_the_stated_unit_and_origin_are_taken():
    header = info(["x", "y"], units=["Normalized", ""], origin="bottom_left")

    mapping = map_gaze(header)

    assert (mapping.unit, mapping.origin) == ("normalized", "bottom_left")


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (info(["EEG1", "EEG2"]), "no channels for x and y"),
        (info(["gaze_origin_x", "gaze_origin_y"]), "no channels for x and y"),
        (info(["x", "y"]), "'not stated'"),
        (info(["x", "y"], units=["mm", "mm"]), "'mm'"),
        (info(["x", "y"], units=["px", "px"]), "the origin is not stated"),
    ],
)
def test_what_cannot_be_mapped_is_said_with_the_labels_found(header, found):
    with pytest.raises(GazeMappingError, match=found) as caught:
        map_gaze(header)

    for label in caught.value.labels:
        assert label in str(caught.value)
    assert "'X'" in str(caught.value)


def test_values_with_too_few_channels_are_refused():
    mapping = map_gaze(header_dict(SPECS[0].to_header_xml()))

    with pytest.raises(ValueError, match="over 5 channels"):
        mapping.to_screen_px(np.zeros((3, 4)), SCREEN)


def test_a_recorded_header_is_mapped_as_it_is_read(tmp_path):
    from capture.xdf import XdfWriter

    with XdfWriter(tmp_path / "a.xdf") as writer:
        writer.add_stream(SPECS[0].to_header_xml())

    (stream,) = read_streams(tmp_path / "a.xdf")

    assert set(map_gaze(stream.header).eyes) == {"left", "right"}
