from dataclasses import replace

import numpy as np
import pytest

from capture.geometry import Screen, View, angle_deg, px_to_deg
from capture.simulation.eyes import BLINK, FIXATION, SACCADE, EyeSampler, ViewHistory
from capture.simulation.plan import ReadingPlan
from capture.simulation.profile import ReaderProfile
from capture.simulation.reader import plan_reading

SCREEN = Screen()
FITTED = View(scale_x=0.5, scale_y=0.5, left_px=500, top_px=0)
STEADY = ReaderProfile(
    noise_deg=(0.0, 0.0),
    offset_deg=(0.0, 0.0),
    distortion=(0, 0, 0, 0),
    disparity_deg=0.0,
)
NONE_2, NONE_3 = np.zeros((0, 2)), np.zeros((0, 3))


def plan_of(onset_s, target, *, duration_s=10.0, blinks_s=NONE_2, losses_s=NONE_3):
    return ReadingPlan(
        duration_s=duration_s,
        onset_s=np.array(onset_s, dtype=float),
        target=np.array(target, dtype=float),
        intent=np.full(len(onset_s), -1),
        sentences=(),
        actions=(),
        blinks_s=np.array(blinks_s, dtype=float),
        losses_s=np.array(losses_s, dtype=float),
    )


def play(plan, *, reader=STEADY, rate_hz=1000.0, views=None, seed=0, pieces=1):
    if views is None:
        views = ViewHistory(1000, 2000)
        views.add(100.0, FITTED)
    sampler = EyeSampler(reader, SCREEN, rate_hz, seed)
    sampler.begin(plan, views, 100.0)
    times_s = 100.0 + np.arange(int(plan.duration_s * rate_hz)) / rate_hz
    parts = [sampler.sample(piece) for piece in np.array_split(times_s, pieces)]
    values, screen_px, image, state = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("values", "true_screen_px", "true_image", "state")
    )
    return times_s, values, screen_px, image, state, sampler


def test_eyes_rest_at_the_center_of_the_screen_when_nothing_is_shown():
    sampler = EyeSampler(STEADY, SCREEN, 100.0, 0)

    samples = sampler.sample(np.arange(200) / 100)

    np.testing.assert_allclose(samples.true_screen_px.mean(0), [960, 540], atol=5)
    assert np.isnan(samples.true_image).all()


def test_a_saccade_of_ten_degrees_lasts_43_ms():
    # at 35.4 px/deg near the middle; both points lie at the same height
    plan = plan_of([0, 1], [(0.5, 0.54), (0.5, 0.54)])
    start = np.array([[750.0, 540.0]])
    x = np.linspace(751, 1400, 20000)
    there = np.column_stack([x, np.full_like(x, 540)])
    far = angle_deg(np.repeat(start, len(x), 0), there, SCREEN)
    ten = (x[np.abs(far - 10).argmin()] - 500) / 0.5 / 1000
    plan = plan_of([0, 1], [(0.5, 0.54), (ten, 0.54)], duration_s=2.0)

    times_s, _, _, _, state, _ = play(plan)

    flying = times_s[state == SACCADE]
    assert flying[-1] - flying[0] == pytest.approx(0.043, abs=0.002)
    assert flying[-1] == pytest.approx(101.0, abs=0.0015)


def test_measured_main_sequence_fits_the_formula(truth, speech):
    plan = plan_reading(truth, speech, ReaderProfile(), 4)
    times_s, _, px, _, state, _ = play(plan)
    starts = np.flatnonzero((state[1:] == SACCADE) & (state[:-1] != SACCADE)) + 1
    ends = np.flatnonzero((state[1:] != SACCADE) & (state[:-1] == SACCADE)) + 1
    n = min(len(starts), len(ends))
    starts, ends = starts[:n], ends[:n]

    far = angle_deg(px[starts - 1], px[ends], SCREEN)
    lasting_s = times_s[ends] - times_s[starts]

    slope, intercept = np.polyfit(far, lasting_s, 1)
    assert slope == pytest.approx(0.0022, abs=0.0003)
    assert intercept == pytest.approx(0.021, abs=0.003)


def test_fixations_are_as_long_as_peoples(truth, speech):
    lasting_s = []
    for seed in range(10):
        plan = plan_reading(truth, speech, ReaderProfile(), seed)
        sampler = play(plan, rate_hz=60.0)[-1]
        lasting_s.extend(sampler.landings()[1])

    low, median, high = np.percentile(lasting_s, [2, 50, 98])
    assert median == pytest.approx(0.25, abs=0.04)
    assert low > 0.06
    assert high < 0.95


def test_true_place_on_the_image_maps_exactly_to_the_screen_in_every_view():
    views = ViewHistory(1000, 2000)
    views.add(100.0, FITTED)
    views.add(101.0, View(scale_x=1.25, scale_y=1.25, left_px=-300, top_px=-700))
    views.add(102.0, View(scale_x=1.25, scale_y=1.25, left_px=-250, top_px=-650))
    plan = plan_of([0, 0.5, 1.5], [(0.5, 0.5), (0.6, 0.6), (0.7, 0.6)], duration_s=3)

    times_s, values, px, image, _, _ = play(plan, views=views)

    for time_s in (100.7, 101.2, 102.5):
        k = int(np.abs(times_s - time_s).argmin())
        here = views.at(time_s).to_screen(image[k : k + 1] * (1000, 2000))
        np.testing.assert_allclose(px[k : k + 1], here, atol=1e-6)
        np.testing.assert_allclose(values[k, [0, 1]], here[0], atol=0.01)


def test_gaze_stays_on_its_target_while_the_view_moves_under_it():
    views = ViewHistory(1000, 2000)
    views.add(100.0, FITTED)
    views.add(101.0, View(scale_x=0.5, scale_y=0.5, left_px=700, top_px=0))
    plan = plan_of([0], [(0.5, 0.5)], duration_s=2)

    times_s, _, px, image, _, _ = play(plan, views=views)

    np.testing.assert_allclose(image, 0.5, atol=0.02)
    moved_px = np.median(px[times_s > 101, 0]) - np.median(px[times_s < 101, 0])
    assert moved_px == pytest.approx(200, abs=10)


def test_a_target_outside_the_screen_is_looked_for_at_its_edge():
    views = ViewHistory(1000, 2000)
    views.add(100.0, View(scale_x=4, scale_y=4, left_px=0, top_px=0))
    plan = plan_of([0, 1], [(0.1, 0.1), (0.9, 0.1)], duration_s=2)

    px = play(plan, views=views)[2]

    assert px[:, 0].max() < SCREEN.width_px
    assert px[-1, 0] > SCREEN.width_px - 30


def test_noise_has_the_readers_rms_from_sample_to_sample():
    reader = replace(STEADY, noise_deg=(0.1, 0.25))
    plan = plan_of([0], [(0.5, 0.5)], duration_s=20)

    values = play(plan, reader=reader)[1].astype(float)

    for eye, rms in ((0, 0.1), (3, 0.25)):
        deg = px_to_deg(values[:, eye : eye + 2], SCREEN)
        steps = np.diff(deg, axis=0)
        actual = np.sqrt((steps**2).sum(1).mean())
        assert actual == pytest.approx(rms, rel=0.05)


def test_calibration_error_is_the_readers_own():
    reader = replace(STEADY, offset_deg=(0.4, -0.3), disparity_deg=0.2)
    plan = plan_of([0], [(0.5, 0.5)], duration_s=5)

    _, values, px, _, _, _ = play(plan, reader=reader)

    true = px_to_deg(px, SCREEN)
    left = px_to_deg(values[:, 0:2].astype(float), SCREEN) - true
    right = px_to_deg(values[:, 3:5].astype(float), SCREEN) - true
    np.testing.assert_allclose(left.mean(0), [0.3, -0.3], atol=1e-3)
    np.testing.assert_allclose(right.mean(0), [0.5, -0.3], atol=1e-3)


def test_a_blink_drops_the_gaze_and_then_loses_it():
    plan = plan_of([0], [(0.5, 0.5)], duration_s=2, blinks_s=[(1.0, 0.2)])

    times_s, values, _, _, state, _ = play(plan)

    since = times_s - 100
    shut = (since > 1.001) & (since < 1.199)
    closing = (since > 0.99) & (since < 0.999)
    assert np.isnan(values[shut]).all()
    assert (state[shut] == BLINK).all()
    assert (values[closing, 1] > values[since < 0.9, 1].max() + 10).all()
    assert not np.isnan(values[(since < 0.97) | (since > 1.24)]).any()


def test_a_tracker_may_lose_one_eye():
    plan = plan_of([0], [(0.5, 0.5)], duration_s=2, losses_s=[(1.0, 0.5, 0)])

    times_s, values, _, _, state, _ = play(plan)

    lost = (times_s > 101.001) & (times_s < 101.499)
    assert np.isnan(values[lost, :3]).all()
    assert np.isfinite(values[:, 3:]).all()
    assert (state == FIXATION).all()


def test_cutting_the_time_into_chunks_changes_nothing(truth, speech):
    plan = plan_reading(truth, speech, ReaderProfile(), 4)

    whole = play(plan, reader=ReaderProfile(), rate_hz=250.0)
    pieces = play(plan, reader=ReaderProfile(), rate_hz=250.0, pieces=101)

    np.testing.assert_array_equal(whole[4], pieces[4])
    np.testing.assert_allclose(whole[3], pieces[3], atol=1e-9)


def test_drift_is_small_and_slow():
    plan = plan_of([0], [(0.5, 0.5)], duration_s=30)

    deg = px_to_deg(play(plan)[2], SCREEN)

    assert 0.02 < deg.std(0).mean() < 0.15
    assert np.abs(np.diff(deg, axis=0)).max() < 0.03


def test_no_view_is_a_programming_error():
    with pytest.raises(ValueError, match="no view"):
        ViewHistory(10, 10).scale_and_shift(np.zeros(1))
