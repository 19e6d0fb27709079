import numpy as np
import pytest

from curation.schema import make_table
from tui.demo.truth import match_sentences, recover, summarize


@pytest.fixture
def truth():
    """Shown at LSL second 100; three fixations, two for sentence 1 and one for 0."""
    return {
        "shown_s": 100.0,
        "sentences": [
            {"text": "The heart is large.", "said": True, "start_s": 101.0},
            {"text": "The lungs are clear.", "said": True, "start_s": 103.0},
            {"text": "Never said.", "said": False},
        ],
        "fixations": {
            "onset_s": [100.0, 101.0, 102.0],
            "duration_s": [0.9, 0.9, 0.9],
            "x": [0.5, 0.2, 0.2],
            "y": [0.5, 0.4, 0.4],
            "sentence": [0, 1, 1],
        },
    }


@pytest.fixture
def tables():
    """What curation found: one degree too far right, the last fixation to nobody."""
    return {
        "sentences": make_table(
            "sentences", text=["The heart is large.", "The lungs are  clear."],
            section=[0, 0], char_start=[0, 20], char_end=[19, 40],
            has_time=[True, True], start_s=[1.05, 2.97], end_s=[2.0, 4.0],
            method=["forced"] * 2, score=[1.0, 1.0],
        ),
        "fixations": make_table(
            "fixations", x=[0.55, 0.25, 0.25], y=[0.5, 0.4, 0.4],
            onset_s=[0.05, 1.05, 2.05], duration_s=[0.8] * 3,
            sigma_x=[0.05] * 3, sigma_y=[0.04] * 3,
        ),
        "sentence_fixations": make_table(
            "sentence_fixations", sentence=[0, 0, 1], fixation=[0, 1, 1],
            overlap_s=[0.8, 0.2, 0.6],
        ),
    }  # fmt: skip


def test_a_reading_is_compared_fixation_by_fixation(tables, truth):
    actual = recover(tables, truth)

    np.testing.assert_array_equal(actual.right, [True, True, False])
    np.testing.assert_array_equal(actual.given, [True, True, False])
    np.testing.assert_allclose(actual.gaze_error_deg, 1, atol=1e-5)
    np.testing.assert_allclose(actual.start_error_s, [0.05, -0.03], atol=1e-9)


def test_the_summary_is_in_shares_milliseconds_and_degrees(tables, truth):
    actual = summarize([recover(tables, truth)])

    assert actual["fixation_share_to_true_sentence"] == pytest.approx(2 / 3, abs=1e-4)
    assert actual["fixation_share_right_of_those_given"] == 1
    assert actual["sentence_start_error_ms_median"] == 40
    assert actual["sentence_share_timed"] == 1
    assert actual["gaze_error_deg_median"] == 1


def test_sentences_said_twice_are_paired_in_order():
    found = ["No effusion.", "Clear lungs.", "No effusion.", "Extra."]

    actual = match_sentences(found, ["No effusion.", "No effusion.", "Clear lungs."])

    np.testing.assert_array_equal(actual, [0, 2, 1, -1])


def test_nothing_to_compare_is_said_as_such():
    assert summarize([]) == {"readings": 0}
