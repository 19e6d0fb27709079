"""Patients stay where they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.errors import ConfigError
from curation.splits import split_patients

PATIENTS = [f"patient-{i:012x}" for i in range(2000)]


def test_shares_are_met():
    splits = split_patients(PATIENTS)

    sizes = [len(patients) / 2000 for patients in splits.values()]
    assert sizes == pytest.approx([0.7, 0.1, 0.2], abs=0.03)


@given(st.sets(st.sampled_from(PATIENTS)), st.integers(0, 99))
def test_every_patient_is_in_exactly_one_split(patients, seed):
    splits = split_patients(patients, seed=seed)

    assert sorted(p for split in splits.values() for p in split) == sorted(patients)


def test_more_patients_move_nobody():
    before, after = split_patients(PATIENTS[:500]), split_patients(PATIENTS)

    assert all(set(before[name]) <= set(after[name]) for name in before)


def test_order_and_repeats_do_not_matter():
    assert split_patients(PATIENTS[::-1] * 2) == split_patients(PATIENTS)


def test_another_seed_is_another_division():
    assert split_patients(PATIENTS, seed=1) != split_patients(PATIENTS)


@pytest.mark.parametrize("n", [3, 4, 5, 8])
@pytest.mark.parametrize("seed", range(5))
def test_few_patients_leave_no_split_empty(n, seed):
    assert all(split_patients(PATIENTS[:n], seed=seed).values())


def test_a_share_of_zero_stays_empty():
    splits = split_patients(PATIENTS, shares=(0.8, 0.0, 0.2))

    assert splits["validation"] == []


@pytest.mark.parametrize("shares", [(0.5, 0.1, 0.1), (1.2, -0.4, 0.2)])
def test_shares_that_cannot_be_are_refused(shares):
    with pytest.raises(ConfigError, match="add up to 1"):
        split_patients(PATIENTS, shares=shares)
