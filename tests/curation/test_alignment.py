"""Windows of every policy on two sentences a person can check."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.errors import UnknownNameError
from curation.alignment import POLICIES, make_policy, overlaps, windows

# Two sentences, 2-4 s and 5-9 s; the second names findings at 6 and 7.5 s.
START_S, END_S = np.array([2.0, 5.0]), np.array([4.0, 9.0])
FIRST_S, LAST_S = np.array([np.nan, 6.0]), np.array([np.nan, 7.5])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("during", [(2, 4), (5, 9)]),
        ("andpause", [(0, 4), (4, 9)]),
        ("reflacx-5s", [(0, 4), (2, 9)]),  # 5 - 5 s is before the previous sentence
        ("reflacx-1.5s", [(0.5, 4), (3.5, 7.5)]),  # no mention: its own end
        ("lead-1.5", [(0.5, 4), (3.5, 9)]),
        ("double", [(0, 4), (2, 9)]),
        ("all", [(0, 4), (0, 9)]),
    ],
)
def test_windows_of_every_policy(name, expected):
    actual = windows(make_policy(name), START_S, END_S, FIRST_S, LAST_S)

    np.testing.assert_allclose(actual, expected)


def test_every_policy_is_tested_above():
    assert set(POLICIES) == {
        *("during", "andpause", "reflacx-5s", "reflacx-1.5s"),
        *("lead-1.5", "double", "all"),
    }


def test_the_sentence_before_is_the_one_spoken_before():
    start_s, end_s = np.array([5.0, np.nan, 2.0]), np.array([9.0, np.nan, 4.0])

    actual = windows(make_policy("double"), start_s, end_s)

    np.testing.assert_allclose(actual, [(2, 9), (np.nan, np.nan), (0, 4)])


def test_a_fixation_may_belong_to_two_sentences():
    # The fixation 3.5-5.5 s lies .5 s in each sentence; 4.2-4.8 s in none.
    pairs = overlaps(
        windows(make_policy("during"), START_S, END_S),
        np.array([3.5, 4.2]),
        np.array([2.0, 0.6]),
    )

    assert pairs["sentence"].tolist() == [0, 1]
    assert pairs["fixation"].tolist() == [0, 0]
    assert pairs["overlap_s"].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("window_s", [(np.nan, np.nan), (5.0, 5.0), (6.0, 4.0)])
def test_an_empty_window_relates_to_nothing(window_s):
    pairs = overlaps(np.array([window_s]), np.array([4.5]), np.array([1.0]))

    assert len(pairs["sentence"]) == 0


def test_no_sentence_and_no_fixation_relate_to_nothing():
    empty = np.zeros(0)

    assert len(overlaps(np.zeros((0, 2)), START_S, END_S)["fixation"]) == 0
    assert windows(make_policy("all"), empty, empty).shape == (0, 2)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0.1, 10)), max_size=8))
def test_overlap_is_never_longer_than_the_fixation(fixations):
    onset_s = np.array([onset for onset, _ in fixations])
    duration_s = np.array([duration for _, duration in fixations])

    pairs = overlaps(np.array([[1.0, 50.0], [20.0, 80.0]]), onset_s, duration_s)

    assert (pairs["overlap_s"] <= duration_s[pairs["fixation"]] + 1e-5).all()
    assert (pairs["overlap_s"] > 0).all()


def test_an_unknown_policy_lists_the_known():
    with pytest.raises(UnknownNameError, match="known: all, andpause, double"):
        make_policy("lead")
