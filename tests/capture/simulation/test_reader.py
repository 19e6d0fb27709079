from itertools import pairwise

import numpy as np
import pytest

from capture.simulation.profile import ReaderProfile
from capture.simulation.reader import plan_reading


@pytest.fixture
def plans(truth, speech):
    reader = ReaderProfile(lead_s=1.2, lead_spread_s=0.3, memory_share=0.15)
    return [plan_reading(truth, speech, reader, [0, i]) for i in range(60)]


def test_the_same_seed_gives_the_same_plan(truth, speech):
    first, second = (
        plan_reading(truth, speech, ReaderProfile(), 7, max_s=20.0) for _ in range(2)
    )

    np.testing.assert_array_equal(first.onset_s, second.onset_s)
    np.testing.assert_array_equal(first.target, second.target)
    assert first.sentences == second.sentences
    assert first.actions == second.actions


def test_eyes_lead_the_voice_by_the_readers_lead(plans):
    leads_s = [s.lead_s for plan in plans for s in plan.sentences if s.lead_s]

    assert np.mean(leads_s) == pytest.approx(1.2, abs=0.1)
    assert np.std(leads_s) == pytest.approx(0.3, abs=0.08)


def test_a_fixation_lands_in_the_region_when_the_look_begins(plans):
    for plan in plans:
        for sentence in plan.sentences:
            if sentence.arrive_s is None:
                continue
            k = int(np.abs(plan.onset_s - sentence.arrive_s).argmin())
            x0, y0, x1, y1 = sentence.region

            assert plan.onset_s[k] == pytest.approx(sentence.arrive_s)
            assert plan.intent[k] == sentence.index
            assert x0 <= plan.target[k, 0] <= x1
            assert y0 <= plan.target[k, 1] <= y1


def test_some_sentences_are_spoken_from_memory_and_some_never(plans):
    said = [s for plan in plans for s in plan.sentences if s.start_s is not None]
    with_region = [s for s in said if s.region is not None]
    from_memory = [s for s in with_region if s.arrive_s is None]

    assert 0.1 < len(from_memory) / len(with_region) < 0.3
    assert 0 < 60 * 6 - len(said) < 25


def test_most_gaze_during_a_look_is_for_its_sentence(plans):
    inside = [
        plan.intent[(plan.onset_s >= s.arrive_s) & (plan.onset_s < s.end_s)] == s.index
        for plan in plans
        for s in plan.sentences
        if s.arrive_s is not None
    ]

    assert 0.5 < np.concatenate(inside).mean() < 0.95


def test_sentences_do_not_overlap(plans):
    for plan in plans:
        said = [s for s in plan.sentences if s.start_s is not None]

        assert all(a.end_s + 0.19 < b.start_s for a, b in pairwise(said))
        assert said[-1].end_s < plan.duration_s


def test_a_silent_search_comes_first(plans):
    first_s = [plan.sentences[0].start_s for plan in plans if plan.sentences[0].start_s]

    assert np.mean(first_s) == pytest.approx(4.0, abs=0.4)
    assert all((plan.onset_s < 2.0).sum() >= 4 for plan in plans)


def test_fixations_follow_each_other_without_end(plans):
    for plan in plans:
        assert plan.onset_s[0] == 0
        assert np.diff(plan.onset_s).min() > 0.09
        assert np.diff(plan.onset_s).max() < 1.5


def test_the_view_is_as_it_was_when_the_image_ends(plans):
    kinds = {action.kind for plan in plans for action in plan.actions}

    assert kinds == {"zoom", "pan", "fit", "window", "invert", "reset"}
    for plan in plans:
        changes = [a.kind for a in plan.actions if a.kind not in ("zoom", "pan")]
        assert not changes or changes[-1] in ("fit", "reset")
        assert [a.time_s for a in plan.actions] == sorted(
            a.time_s for a in plan.actions
        )


def test_blinks_come_at_the_readers_rate(plans):
    blinks = sum(len(plan.blinks_s) for plan in plans)
    minutes = sum(plan.duration_s for plan in plans) / 60
    lengths_s = np.concatenate([plan.blinks_s[:, 1] for plan in plans])

    assert blinks / minutes == pytest.approx(12, rel=0.2)
    assert lengths_s.min() >= 0.1
    assert lengths_s.max() <= 0.3


@pytest.mark.parametrize("max_s", [5.0, 10.0, 15.0])
def test_a_plan_keeps_to_its_longest_time(truth, speech, max_s):
    for seed in range(20):
        plan = plan_reading(truth, speech, ReaderProfile(), seed, max_s=max_s)

        assert plan.duration_s <= max_s + 0.5


def test_every_sentence_needs_its_sound(truth, speech):
    with pytest.raises(ValueError, match="6 sentences cannot take the sound of 5"):
        plan_reading(truth, speech[:5], ReaderProfile(), 0)


def test_a_survey_goes_in_shorter_steps_than_chance(plans):
    steps, chance = [], []
    for plan in plans:
        survey = np.flatnonzero(plan.onset_s < 2.0)
        spots = plan.target[survey]
        steps.extend(np.linalg.norm(np.diff(spots, axis=0), axis=1))
        mixed = np.random.default_rng(0).permutation(spots)
        chance.extend(np.linalg.norm(np.diff(mixed, axis=0), axis=1))

    assert np.mean(steps) < 0.92 * np.mean(chance)
