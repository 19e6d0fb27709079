import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.speech.audio_clock import fill_gaps, fit_audio_clock

RATE_HZ, FRAME = 16_000, 160


def make_stamps(
    *, seconds=60, start_s=1000.0, drift=0.0, late_s=0.0, seed=0, lost_at=None, lost=0
):
    """Stamps of 10 ms vectors that arrive up to `late_s` late, never early."""
    vector = np.arange(seconds * 100)
    if lost_at is not None:
        vector = vector + np.where(vector >= lost_at, lost, 0)
    true_s = start_s + vector * 0.01 * (1 + drift)
    rng = np.random.default_rng(seed)
    return true_s, true_s + rng.exponential(1, len(vector)) * late_s


def test_exact_stamps_give_the_exact_clock():
    _, stamps_s = make_stamps()

    clock = fit_audio_clock(stamps_s, FRAME, RATE_HZ)

    assert len(clock.pieces) == 1
    assert clock.sample_to_s(16_000.0) == pytest.approx(1001.0, abs=1e-9)
    assert clock.pieces[0].rate_hz == pytest.approx(16_000, abs=1e-4)


def test_late_stamps_do_not_move_the_clock():
    true_s, stamps_s = make_stamps(late_s=0.02)

    clock = fit_audio_clock(stamps_s, FRAME, RATE_HZ)

    error_s = clock.sample_to_s(np.arange(len(true_s)) * FRAME) - true_s
    assert np.abs(error_s).max() < 0.001
    assert clock.residual_p95_s == pytest.approx(0.06, rel=0.1)  # -0.02 ln 0.05


def test_a_drift_of_50_ppm_is_found():
    true_s, stamps_s = make_stamps(seconds=300, drift=50e-6, late_s=0.002)

    clock = fit_audio_clock(stamps_s, FRAME, RATE_HZ)

    assert clock.pieces[0].rate_hz == pytest.approx(16_000 / (1 + 50e-6), rel=2e-6)
    error_s = clock.sample_to_s(np.arange(len(true_s)) * FRAME) - true_s
    assert np.abs(error_s).max() < 0.0005


def test_a_sound_card_that_is_one_percent_off_makes_no_gaps():
    _, stamps_s = make_stamps(drift=0.01, late_s=0.005)

    clock = fit_audio_clock(stamps_s, FRAME, RATE_HZ)

    assert clock.gaps == ()


@pytest.mark.parametrize("lost", [2, 30, 500])
def test_lost_vectors_open_a_gap_of_their_length(lost):
    true_s, stamps_s = make_stamps(lost_at=2500, lost=lost, late_s=0.0005)

    clock = fit_audio_clock(stamps_s, FRAME, RATE_HZ)

    ((start_s, end_s),) = clock.gaps
    assert start_s == pytest.approx(1025.0, abs=0.005)
    assert end_s - start_s == pytest.approx(lost * 0.01, abs=0.002)
    error_s = clock.sample_to_s(np.arange(len(true_s)) * FRAME) - true_s
    assert np.abs(error_s).max() < 0.011


def test_a_late_burst_is_no_gap():
    _, stamps_s = make_stamps()
    stamps_s[2000:2040] += 0.2

    assert fit_audio_clock(stamps_s, FRAME, RATE_HZ).gaps == ()


def test_filled_audio_keeps_time_over_a_gap():
    _, stamps_s = make_stamps(seconds=20, lost_at=1000, lost=50)
    pcm = np.full(20 * RATE_HZ, 1000, dtype=np.int16)

    filled, clock = fill_gaps(pcm, fit_audio_clock(stamps_s, FRAME, RATE_HZ))

    assert len(filled) == 20.5 * RATE_HZ
    assert np.abs(filled[160_000:168_000]).max() < 200
    assert clock.sample_to_s(15.0 * RATE_HZ) == pytest.approx(1015.0, abs=1e-6)
    assert clock.gaps == ((pytest.approx(1010.0), pytest.approx(1010.5)),)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 20 * RATE_HZ - 1), st.sampled_from([None, 700]))
def test_samples_survive_the_round_trip(sample, lost_at):
    _, stamps_s = make_stamps(seconds=20, lost_at=lost_at, lost=40)
    clock = fit_audio_clock(stamps_s, FRAME, RATE_HZ)

    assert clock.s_to_sample(clock.sample_to_s(float(sample))) == sample


def test_one_vector_is_a_clock():
    clock = fit_audio_clock(np.array([5.0]), FRAME, RATE_HZ)

    assert clock.sample_to_s(160.0) == pytest.approx(5.01)


@pytest.mark.parametrize("stamps", [[], [np.nan], [1.0, np.inf]])
def test_missing_stamps_are_refused(stamps):
    with pytest.raises(ValueError, match="stamps_s"):
        fit_audio_clock(np.array(stamps), FRAME, RATE_HZ)
