import numpy as np
import pytest

from capture.simulation.saccades import (
    PEAK_TO_MEAN_VELOCITY,
    saccade_duration_s,
    saccade_profile,
)


@pytest.mark.parametrize(
    ("amplitude_deg", "duration_s"),
    [(1.0, 0.0232), (10.0, 0.043), (20.0, 0.065)],  # 2.2 ms a degree and 21 ms
)
def test_duration_follows_the_main_sequence(amplitude_deg, duration_s):
    assert saccade_duration_s(amplitude_deg) == pytest.approx(duration_s)


def test_profile_starts_and_ends_at_rest():
    covered = saccade_profile(np.array([-1.0, 0.0, 1e-4, 1 - 1e-4, 1.0, 2.0]))

    np.testing.assert_allclose(covered, [0, 0, 0, 1, 1, 1], atol=1e-6)


def test_speed_peaks_at_a_third_of_the_time():
    share = np.linspace(0, 1, 3001)

    speed = np.gradient(saccade_profile(share), share)

    assert share[speed.argmax()] == pytest.approx(1 / 3, abs=1e-3)
    assert speed.max() == pytest.approx(PEAK_TO_MEAN_VELOCITY, abs=1e-3)


def test_peak_velocity_saturates():
    amplitude_deg = np.array([2.0, 10.0, 20.0, 30.0])

    peak = PEAK_TO_MEAN_VELOCITY * amplitude_deg
    peak /= np.array([saccade_duration_s(a) for a in amplitude_deg])

    np.testing.assert_allclose(peak[:3], [140, 413, 547], atol=1)
    assert (np.diff(peak / amplitude_deg) < 0).all()
