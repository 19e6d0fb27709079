"""Clock offsets, against pyxdf and on lines a person can check."""

import numpy as np
import pytest

from curation.clocks import recorder_time, robust_line


def test_without_a_measurement_stamps_stay():
    stamps_s = np.array([1.0, 2.0])

    np.testing.assert_array_equal(recorder_time(stamps_s, np.zeros((0, 2))), stamps_s)


def test_one_measurement_shifts():
    moved_s = recorder_time(np.array([1.0, 2.0]), np.array([[1.5, -10.0]]))

    assert moved_s.tolist() == [-9.0, -8.0]


def test_drift_of_20_ppm_far_from_zero_is_followed_within_a_microsecond():
    own_s = 1e6 + np.linspace(0, 600, 1000)
    offsets_s = -1e6 + 20e-6 * (own_s - 1e6)

    moved_s = recorder_time(own_s, np.column_stack([own_s, offsets_s])[::50])

    np.testing.assert_allclose(moved_s, own_s + offsets_s, atol=1e-6)


def test_one_wild_measurement_hardly_matters():
    x = np.arange(50.0)
    y = 3 + 1e-5 * x
    y[20] += 0.5

    shift_s, slope = robust_line(x, y)

    assert shift_s == pytest.approx(3 + 1e-5 * 24.5, abs=1e-4)
    assert slope == pytest.approx(1e-5, abs=1e-6)


def test_a_restarted_clock_gets_its_own_line():
    before = np.column_stack([np.arange(1000.0, 1100, 5), np.full(20, 7.0)])
    after = np.column_stack([np.arange(10.0, 110, 5), np.full(20, 1100.0)])

    moved_s = recorder_time(np.array([1050.0, 50.0]), np.vstack([before, after]))

    assert moved_s == pytest.approx([1057.0, 1150.0])


@pytest.mark.parametrize("name", ["minimal.xdf", "clock_resets.xdf"])
def test_real_recordings_get_the_stamps_of_pyxdf(shared_data, name):
    pyxdf = pytest.importorskip("pyxdf")
    from capture.xdf import read_streams

    path = shared_data / "xdf" / name
    theirs, _ = pyxdf.load_xdf(path, dejitter_timestamps=False)
    ours = {stream.stream_id: stream for stream in read_streams(path)}

    for stream in theirs:
        mine = ours[stream["info"]["stream_id"]]
        moved_s = recorder_time(mine.stamps_s, mine.clock_offsets)
        np.testing.assert_allclose(moved_s, stream["time_stamps"], rtol=0, atol=1e-6)
