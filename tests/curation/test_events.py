"""Events: on gaze a person can check, and against the labels of two experts."""

from itertools import pairwise

import numpy as np
import pytest

from capture.errors import UnknownNameError
from capture.geometry import Screen, px_to_deg
from curation.config import EventConfig
from curation.events import (
    BLINK,
    FIXATION,
    LOST,
    METHODS,
    SACCADE,
    detect_events,
    noise_thresholds,
    runs,
    velocity,
)


def gaze_of(places_deg, *, each_s=0.3, rate_hz=500, noise_deg=0.01, seed=0):
    """Still at each place, with a saccade of 30 ms in between."""
    still, moving = round(each_s * rate_hz), round(0.03 * rate_hz)
    parts = [np.repeat([places_deg[0]], still, axis=0)]
    for a, b in pairwise(places_deg):
        ramp = (1 - np.cos(np.linspace(0, np.pi, moving)))[:, None] / 2
        parts += [np.array(a) + ramp * np.subtract(b, a), np.repeat([b], still, axis=0)]
    xy = np.concatenate(parts).astype(float)
    xy += np.random.default_rng(seed).normal(0, noise_deg, xy.shape)
    return np.arange(len(xy)) / rate_hz, xy


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rate_hz", [120, 250, 1000])
def test_every_method_finds_five_fixations_of_300_ms(method, rate_hz):
    time_s, xy = gaze_of([(0, 0), (5, 0), (5, 5), (0, 5), (-4, 1)], rate_hz=rate_hz)

    found = runs(
        detect_events(time_s, xy, EventConfig(method=method, dispersion_deg=0.5))
        == FIXATION
    )

    assert len(found) == 5
    np.testing.assert_allclose((found[:, 1] - found[:, 0]) / rate_hz, 0.3, atol=0.04)


def test_noise_raises_the_threshold_instead_of_breaking_fixations():
    time_s, xy = gaze_of([(0, 0), (6, 0), (0, 6)], rate_hz=500, noise_deg=0.1)

    found = runs(detect_events(time_s, xy) == FIXATION)

    assert len(found) == 3


def test_a_short_loss_is_bridged_and_a_blink_is_not():
    time_s, xy = gaze_of([(0, 0)], each_s=2.0)
    xy[200:220] = np.nan  # 40 ms
    xy[500:600] = np.nan  # 200 ms
    xy[900:] = np.nan  # the end

    labels = detect_events(time_s, xy)

    assert (labels[:500] == FIXATION).all()
    assert (labels[500:600] == BLINK).all()
    assert (labels[900:] == LOST).all()
    assert len(runs(labels == FIXATION)) == 2


def test_a_gap_in_the_stamps_ends_a_fixation():
    time_s, xy = gaze_of([(0, 0)], each_s=1.0)
    kept = np.r_[0:200, 350:500]  # 300 ms without samples

    labels = detect_events(time_s[kept], xy[kept])

    assert (labels == FIXATION).all()  # both pieces are still
    from curation.gaze_mapping import _pieces

    step_s = np.diff(time_s[kept], prepend=-np.inf)
    starts, stops = _pieces(labels == FIXATION, np.zeros(350, int), step_s, 0.002)
    assert starts.tolist() == [0, 200]
    assert stops.tolist() == [200, 350]


def test_velocity_of_a_steady_movement_is_its_speed():
    xy = np.column_stack([np.arange(100) * 0.03, np.arange(100) * 0.04])

    speed = velocity(xy, 0.002, 0.019)

    np.testing.assert_allclose(speed[10:-10], 25.0)  # hypot(.03, .04) / 2 ms


def test_threshold_follows_the_noise():
    rng = np.random.default_rng(0)
    calm = np.abs(rng.normal(0, 5, 10_000))

    peak, edge = noise_thresholds(calm, EventConfig())
    louder, _ = noise_thresholds(calm * 2, EventConfig())

    assert 10 <= edge < peak
    assert louder == pytest.approx(2 * peak, rel=0.1)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_but_lost_gaze_has_no_events(method):
    config = EventConfig(method=method)

    labels = detect_events(np.arange(100) / 100, np.full((100, 2), np.nan), config)

    assert (labels == LOST).all()
    assert detect_events(np.zeros(0), np.zeros((0, 2)), config).shape == (0,)


def test_wrong_calls_say_what_is_wrong():
    with pytest.raises(UnknownNameError, match="known: adaptive, idt, ivt"):
        detect_events(np.zeros(3), np.zeros((3, 2)), EventConfig(method="i2mc"))
    with pytest.raises(ValueError, match="order"):
        detect_events(np.array([2.0, 1, 0]), np.zeros((3, 2)))


def test_runs_are_half_open():
    assert runs(np.array([1, 1, 0, 1], bool)).tolist() == [[0, 2], [3, 4]]
    assert runs(np.zeros(3, bool)).shape == (0, 2)


ANDERSSON = Screen(
    width_px=1024, height_px=768, width_mm=380, height_mm=300, distance_mm=670
)


def load_trial(path):
    from scipy.io import loadmat

    data = loadmat(path, squeeze_me=True, struct_as_record=False)["ETdata"].pos
    xy = data[:, 3:5].astype(float)
    xy[(xy == 0).any(axis=1)] = np.nan
    return xy, data[:, 5].astype(int)


def kappa(a, b):
    agree = (a == b).mean()
    chance = a.mean() * b.mean() + (1 - a.mean()) * (1 - b.mean())
    return (agree - chance) / (1 - chance)


def matched(a, b):
    """Greedy one-to-one matches of fixations at an IoU of at least one half."""
    a, b = runs(a), runs(b)
    low = np.maximum(a[:, None, 0], b[None, :, 0])
    shared = np.clip(np.minimum(a[:, None, 1], b[None, :, 1]) - low, 0, None)
    total = np.diff(a)[:, :] + np.diff(b)[:, 0][None] - shared
    iou, hits = shared / total, 0
    while iou.size and iou.max() >= 0.5:
        i, j = np.unravel_index(iou.argmax(), iou.shape)
        iou[i], iou[:, j], hits = 0, 0, hits + 1
    return hits, len(a), len(b)


@pytest.mark.parametrize(
    ("method", "expert", "least_kappa", "least_f1"),
    [
        ("adaptive", "RA", 0.740, 0.950),
        ("adaptive", "MN", 0.870, 0.970),
        ("ivt", "RA", 0.68, 0.935),
        ("ivt", "MN", 0.81, 0.945),
    ],
)
def test_agreement_with_experts(shared_data, method, expert, least_kappa, least_f1):
    # The experts reach kappa .779 and event F1 .961 with each other on these trials.
    trials = sorted(
        (shared_data / "gaze_andersson2017" / "img").glob(f"*_{expert}.mat")
    )
    if not trials:
        pytest.skip("the labelled trials are not here")
    config = EventConfig(method=method)
    ours, theirs = [], []
    for path in trials:
        xy_px, expert_labels = load_trial(path)
        labels = detect_events(
            np.arange(len(xy_px)) / 500, px_to_deg(xy_px, ANDERSSON), config
        )
        ours.append(labels == FIXATION)
        theirs.append(expert_labels == 1)

    hits, found, true = np.sum(
        [matched(a, b) for a, b in zip(ours, theirs, strict=True)], axis=0
    )

    assert kappa(np.concatenate(ours), np.concatenate(theirs)) >= least_kappa
    assert 2 * hits / (found + true) >= least_f1


def test_saccades_are_labelled_between_fixations():
    time_s, xy = gaze_of([(0, 0), (8, 0)])

    labels = detect_events(time_s, xy)

    found = runs(labels == SACCADE)
    assert len(found) == 1
    assert 0.02 <= (found[0, 1] - found[0, 0]) / 500 <= 0.05


def test_fixations_are_those_of_another_makers_parser(shared_data):
    # 60 s of an EyeLink 1000 at 500 Hz; no number above was chosen on it.
    path = shared_data / "gaze_eyelink" / "test_eyelink.asc"
    if not path.is_file():
        pytest.skip("the EyeLink recording is not here")
    stamps, points, parsed = [], [], []
    for line in path.read_text(errors="replace").splitlines():
        words = line.split()
        if line[:1].isdigit():
            stamps.append(int(words[0]))
            lost = words[1] == "."
            points.append((np.nan,) * 2 if lost else (float(words[1]), float(words[2])))
        elif line.startswith("EFIX L"):
            parsed.append((int(words[2]), int(words[3])))
    stamps, screen = np.array(stamps), Screen()
    labels = detect_events(stamps / 1000, px_to_deg(np.array(points), screen))
    theirs = np.zeros(len(stamps), bool)
    for first, last in parsed:
        theirs[(stamps >= first) & (stamps <= last)] = True

    hits, found, true = matched(labels == FIXATION, theirs)

    assert true > 100
    assert 2 * hits / (found + true) >= 0.97
