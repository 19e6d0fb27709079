"""Numbers of a reading and the reasons to reject it."""

import numpy as np
import pytest

from curation.config import QualityLimits
from curation.quality import measure, reasons_to_reject

GOOD = {
    "valid_share": 0.9,
    "gaze_rate_hz": 100.0,
    "duration_s": 10.0,
    "largest_gap_s": 0.2,
    "on_image_share": 0.9,
    "timed_sentence_share": 0.5,
}


def test_numbers_of_ten_seconds_with_a_tenth_lost():
    time_s = np.arange(1000) / 100 + 5
    valid = np.ones(1000, bool)
    valid[400:500] = False
    on_image = valid & (np.arange(1000) < 700)

    actual = measure(time_s, valid, on_image, 5.0, 15.0, 0.01)

    assert actual["valid_share"] == pytest.approx(0.9)
    assert actual["gaze_rate_hz"] == pytest.approx(100)
    assert actual["duration_s"] == 10
    assert actual["largest_gap_s"] == pytest.approx(1.01)
    assert actual["on_image_share"] == pytest.approx(600 / 900)


def test_samples_that_never_came_count_as_lost():
    time_s = np.arange(0, 1000, 2) / 100  # every second sample of 100 Hz

    actual = measure(time_s, np.ones(500, bool), np.ones(500, bool), 0, 10, 0.01)

    assert actual["valid_share"] == pytest.approx(0.5)


def test_a_reading_without_samples_is_all_gap():
    none = np.zeros(0, bool)

    actual = measure(np.zeros(0), none, none, 3.0, 8.0, 0.01)

    assert actual["largest_gap_s"] == 5
    assert actual["valid_share"] == 0


def test_a_good_reading_has_no_reasons():
    assert reasons_to_reject(GOOD, 20, QualityLimits()) == []


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("valid_share", 0.4, "valid_share 0.40 is below 0.5"),
        ("gaze_rate_hz", 5.0, "gaze_rate_hz 5.00 is below 20"),
        ("duration_s", 0.5, "duration_s 0.50 is below 1"),
        ("largest_gap_s", 11.0, "largest_gap_s 11.00 is above 10"),
        ("on_image_share", 0.1, "on_image_share 0.10 is below 0.3"),
    ],
)
def test_each_limit_gives_its_reason(name, value, reason):
    assert reasons_to_reject(GOOD | {name: value}, 20, QualityLimits()) == [reason]


def test_too_few_fixations_and_sentences_are_reasons():
    limits = QualityLimits(min_timed_share=0.8)

    reasons = reasons_to_reject(GOOD, 1, limits)

    assert reasons == [
        "timed_sentence_share 0.50 is below 0.8",
        "1 fixations, expected 3 or more",
    ]
