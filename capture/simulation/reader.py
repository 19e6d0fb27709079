"""A simulated radiologist: reads one image and dictates its report."""

import math
from collections.abc import Sequence

import numpy as np

from capture.simulation.handling import gray_actions, magnify
from capture.simulation.looks import look_at, plan_fixations
from capture.simulation.plan import CLOSING_S, Floats, PlannedSentence, ReadingPlan
from capture.simulation.profile import ReaderProfile
from capture.simulation.truth import Box, StudyTruth, TruthSentence
from capture.simulation.voice import SpokenSentence


def plan_reading(
    truth: StudyTruth,
    speech: Sequence[SpokenSentence],
    reader: ReaderProfile,
    seed: Sequence[int] | int,
    *,
    max_s: float | None = None,
) -> ReadingPlan:
    """Plan how a reader reads one image; the same arguments give the same plan.

    A silent search comes first. For each sentence the eyes then reach its region
    before the voice begins, by the reader's lead; what time is left goes over the
    anatomy, drawn to what is abnormal.

    Args:
        truth: What there is to see, and the report's sentences with their regions.
        speech: The sound of each of those sentences.
        reader: Whose habits to follow.
        seed: Fixes every draw.
        max_s: Longest time on the image; sentences that do not fit stay unspoken.

    Raises:
        ValueError: `speech` has another length than the report.
    """
    if len(speech) != len(truth.sentences):
        raise ValueError(
            f"{len(truth.sentences)} sentences cannot take the sound of {len(speech)}"
        )
    rng = np.random.default_rng(seed)
    sentences, duration_s = _schedule(truth, speech, reader, max_s, rng)
    looks, actions = magnify(look_at(sentences, reader, rng), truth, reader, rng)
    onset_s, target, intent = plan_fixations(looks, truth, duration_s, reader, rng)
    actions += gray_actions(duration_s, rng)
    return ReadingPlan(
        duration_s=duration_s,
        onset_s=onset_s,
        target=target,
        intent=intent,
        sentences=sentences,
        actions=tuple(sorted(actions, key=lambda action: action.time_s)),
        blinks_s=_blinks(duration_s, reader, rng),
        losses_s=_losses(duration_s, reader, rng),
    )


def _schedule(
    truth: StudyTruth,
    speech: Sequence[SpokenSentence],
    reader: ReaderProfile,
    max_s: float | None,
    rng: np.random.Generator,
) -> tuple[tuple[PlannedSentence, ...], float]:
    search_s = reader.search_s * math.exp(rng.normal(0, 0.2))
    limit_s = math.inf if max_s is None else max_s - 1.0
    now_s = search_s if max_s is None else min(search_s, 0.25 * max_s)
    planned: list[PlannedSentence] = []
    silent_since_s = arrived_s = 0.0
    for index, (sentence, sound) in enumerate(
        zip(truth.sentences, speech, strict=True)
    ):
        skip, memory = rng.random(2).tolist()
        lead, pause, stay = rng.normal(0, 1, 3).tolist()
        end_s = now_s + sound.duration_s
        if skip < reader.unspoken_share or end_s > limit_s or not len(sound.pcm):
            planned.append(_unsaid(index, sentence))
            continue
        arrive_s = leave_s = None
        share = reader.memory_share * (2.0 if sentence.section == "impression" else 1.0)
        if sentence.region is not None and memory >= share:
            lead_s = max(reader.lead_s + reader.lead_spread_s * lead, 0.25)
            arrive_s = max(now_s - lead_s, arrived_s + 0.6)
            leave_s = max(end_s + 0.25 * stay, arrive_s + 0.5)
            arrived_s = arrive_s
        planned.append(
            PlannedSentence(
                index, sentence.text, sentence.region, _places(sentence), now_s, end_s,
                arrive_s, leave_s, sound.words,
            )
        )  # fmt: skip
        silent_since_s = end_s
        now_s = end_s + max(0.2, reader.pause_s * math.exp(0.4 * pause))
    after_s = max(silent_since_s, min(search_s, limit_s, now_s))
    last_look_s = max((s.leave_s or 0.0 for s in planned), default=0.0)
    closing_s = CLOSING_S + float(rng.uniform(0.15, 0.5))
    return tuple(planned), float(max(after_s, last_look_s) + closing_s)


def _places(sentence: TruthSentence) -> tuple[Box, ...]:
    if sentence.region is None:
        return ()
    return sentence.regions or (sentence.region,)


def _unsaid(index: int, sentence: TruthSentence) -> PlannedSentence:
    return PlannedSentence(
        index,
        sentence.text,
        sentence.region,
        _places(sentence),
        None,
        None,
        None,
        None,
        (),
    )


def _blinks(
    duration_s: float, reader: ReaderProfile, rng: np.random.Generator
) -> Floats:
    onsets = _events(duration_s, reader.blinks_per_min, rng)
    return np.column_stack([onsets, rng.uniform(0.1, 0.3, len(onsets))])


def _losses(
    duration_s: float, reader: ReaderProfile, rng: np.random.Generator
) -> Floats:
    onsets = _events(duration_s, reader.losses_per_min, rng)
    lasting = np.clip(rng.lognormal(math.log(0.15), 0.6, len(onsets)), 0.03, 0.8)
    eyes = rng.choice(3, len(onsets), p=(0.35, 0.35, 0.3)).astype(np.float64)
    return np.column_stack([onsets, lasting, eyes])


def _events(duration_s: float, per_min: float, rng: np.random.Generator) -> Floats:
    """Return sorted times of a Poisson process whose events are 0.6 s apart."""
    apart_s = 0.6
    mean_s = max(60.0 / max(per_min, 1e-6) - apart_s, 0.1)
    count = int(2 * duration_s / (mean_s + apart_s)) + 10
    times = np.cumsum(apart_s + rng.exponential(mean_s, count))
    return times[times < duration_s - 0.3]
