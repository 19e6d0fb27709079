import numpy as np
import pytest

from capture.geometry import Screen, View
from capture.simulation.eyes import EyeSampler, EyeSamples, ViewHistory
from capture.simulation.profile import ReaderProfile
from capture.simulation.reader import plan_reading
from capture.simulation.record import GazeTrace, image_truth


def samples_of(count, first=0):
    return EyeSamples(
        values=np.zeros((count, 6), np.float32),
        true_screen_px=np.zeros((count, 2)),
        true_image=np.arange(first, first + count)[:, None] * [0.001, 0.002],
        state=np.zeros(count, np.uint8),
    )


@pytest.mark.parametrize("pieces", [[100], [1, 2, 3, 94], [7] * 14 + [2]])
def test_every_fifth_sample_of_250_hz_is_kept_however_it_comes(pieces):
    trace, first = GazeTrace(250.0), 0
    for count in pieces:
        times_s = np.arange(first, first + count) / 250
        trace.add(times_s, samples_of(count, first))
        first += count

    told = trace.as_json()

    np.testing.assert_allclose(told["time_s"], np.arange(20) / 50)
    np.testing.assert_allclose(told["x"], np.arange(20) * 0.005)
    np.testing.assert_allclose(told["y"], np.arange(20) * 0.010)


def test_a_slow_tracker_keeps_every_sample():
    trace = GazeTrace(30.0)
    trace.add(np.arange(10) / 30, samples_of(10))

    assert len(trace.as_json()["x"]) == 10


def test_what_an_early_end_cuts_off_was_never_said(truth, speech):
    plan = plan_reading(truth, speech, ReaderProfile(unspoken_share=0.0), 1)
    cut_s = plan.sentences[2].start_s + 0.1
    views = ViewHistory(100, 100)
    views.add(50.0, View(scale_x=5, scale_y=5, left_px=0, top_px=0))
    sampler = EyeSampler(ReaderProfile(), Screen(), 60.0, 0)
    sampler.begin(plan, views, 50.0)
    sampler.sample(50 + np.arange(int(60 * cut_s)) / 60)

    told = image_truth(
        plan,
        sampler,
        GazeTrace(60.0),
        image_id="image-1",
        index=0,
        shown_s=50.0,
        hidden_s=50.0 + cut_s,
    )

    assert [s["said"] for s in told["sentences"]] == [True, True] + [False] * 4
    ends_s = np.add(told["fixations"]["onset_s"], told["fixations"]["duration_s"])
    assert ends_s.max() <= 50.0 + cut_s + 1e-4
    assert told["sentences"][0]["words"][0]["start_s"] == pytest.approx(
        50.0 + plan.sentences[0].start_s, abs=1e-4
    )
