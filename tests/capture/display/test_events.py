import json

import pytest

from capture.display.events import (
    EVENTS,
    Blank,
    Heartbeat,
    ImageHidden,
    ImageShown,
    Note,
    Other,
    SessionEnded,
    SessionStarted,
    ViewChanged,
    parse_event,
)

VIEW = {
    "image_id": "image-1",
    "affine": (0.5, 0.0, 10.0, 0.0, 0.5, 20.0),
    "window_center": 2048.0,
    "window_width": 4096.0,
    "invert": True,
}
EXAMPLES = [
    SessionStarted(session_id="s"),
    SessionEnded(state="stopped"),
    Heartbeat(),
    Note(text="ä"),
    Blank(),
    ImageShown(index=0, width_px=3, height_px=4, pixel_sha256="ab", **VIEW),
    ViewChanged(cause="zoom", **VIEW),
    ImageHidden(image_id="image-1"),
]


@pytest.mark.parametrize("event", EXAMPLES)
def test_an_event_comes_back_from_its_json(event):
    text = event.to_json()

    assert json.loads(text)["event"] == event.event
    assert "\n" not in text
    assert parse_event(text) == event


def test_every_kind_of_event_has_an_example():
    assert {type(event) for event in EXAMPLES} == set(EVENTS.values())


def test_fields_of_later_versions_are_passed_over():
    text = '{"event": "image_hidden", "image_id": "i", "later": 1}'

    assert parse_event(text) == ImageHidden(image_id="i")


def test_whole_numbers_are_numbers():
    data = json.loads(EXAMPLES[6].to_json()) | {"affine": [1, 0, 0, 0, 1, 0]}

    event = parse_event(json.dumps(data | {"window_center": 5}))

    assert isinstance(event, ViewChanged)
    assert event.window_center == 5.0
    assert event.affine == (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "{}",
        '{"event": 3}',
        '{"event": "dance"}',
        '{"event": "image_hidden"}',
        '{"event": "image_hidden", "image_id": 4}',
        '{"event": "session_ended", "state": "tired"}',
        EXAMPLES[6].to_json().replace("true", "1"),
        EXAMPLES[6].to_json().replace("20.0]", '"a"]'),
        EXAMPLES[6].to_json().replace(", 20.0]", "]"),
    ],
)
def test_what_is_no_known_event_is_kept_as_it_is(text):
    event = parse_event(text)

    assert isinstance(event, Other)
    assert event.to_json() == text
