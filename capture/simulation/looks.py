"""Where a simulated reader looks: from what is said to a sequence of fixations."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from capture.simulation.plan import CLOSING_S, Floats, PlannedSentence
from capture.simulation.profile import ReaderProfile
from capture.simulation.saccades import saccade_duration_s
from capture.simulation.truth import Box, StudyTruth

_IMAGE_DEG = 28.0  # height of a fitted image on a usual monitor; only spaces the onsets
_SHORTEST_S, _LONGEST_S = 0.08, 0.9
_ON_REGION = 0.85
_ATTRACTION = 0.35
_CENTER: Box = (0.46, 0.46, 0.54, 0.54)


@dataclass(frozen=True, slots=True)
class Look:
    """A stretch of time in which the eyes are about one thing."""

    start_s: float
    """When they arrive, since the image was shown."""
    end_s: float
    """When they leave."""
    regions: tuple[Box, ...]
    """Where; empty for a look over the whole image."""
    intent: int
    """Index of the sentence it is for, or -1."""
    magnified: bool = False
    """Whether the reader zooms in."""


def look_at(
    sentences: Sequence[PlannedSentence],
    reader: ReaderProfile,
    rng: np.random.Generator,
) -> list[Look]:
    """Give each sentence that is looked for its stretch of time.

    After a sentence the eyes stay until the next one calls them, or wander.

    Args:
        sentences: With the times at which the eyes arrive.
        reader: Whose habit of wandering.
        rng: Source of the draws.

    Returns:
        Looks in order of time; they do not overlap.
    """
    wanted = [s for s in sentences if s.arrive_s is not None and s.leave_s is not None]
    looks = []
    for sentence, following in zip_longest(wanted, wanted[1:]):
        arrive_s, leave_s = sentence.arrive_s or 0.0, sentence.leave_s or 0.0
        if following is not None and following.arrive_s is not None:
            if rng.random() >= reader.wander_share:
                leave_s = min(leave_s + 1.0, following.arrive_s)
            leave_s = min(leave_s, following.arrive_s)
        looks.append(Look(arrive_s, leave_s, sentence.regions, sentence.index))
    return looks


def plan_fixations(
    looks: Sequence[Look],
    truth: StudyTruth,
    duration_s: float,
    reader: ReaderProfile,
    rng: np.random.Generator,
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Fill the whole time on an image with fixations.

    Args:
        looks: What the eyes are about, and when; the rest is a survey.
        truth: Anatomy to survey and abnormalities that attract.
        duration_s: Time on the image.
        reader: How long the reader's fixations are.
        rng: Source of the draws.

    Returns:
        (n,) time of each landing, (n, 2) place, (n,) sentence it is for, or -1.
    """
    onsets, targets, intents = [0.0], [(0.5, 0.5)], [-1]
    place = _Places(truth, rng)
    for look in _covered(looks, duration_s):
        now_s = look.start_s
        first = True
        while now_s < look.end_s - 1e-9:
            on_region = bool(look.regions) and (first or rng.random() < _ON_REGION)
            spot = (
                place.inside(look.regions)
                if on_region
                else place.near(look, targets[-1])
            )
            far = math.dist(spot, targets[-1]) * _IMAGE_DEG
            slot_s = _fixation_s(reader, rng) + saccade_duration_s(far)
            left_s = look.end_s - now_s - slot_s
            if left_s < _SHORTEST_S + 0.06:  # no room for one more and its saccade
                slot_s = look.end_s - now_s
            onsets.append(now_s)
            targets.append(spot)
            intents.append(look.intent if on_region else -1)
            now_s += slot_s
            first = False
    return np.array(onsets), np.array(targets), np.array(intents, dtype=np.int64)


def _covered(looks: Sequence[Look], duration_s: float) -> list[Look]:
    """Fill the time between the looks, so that the eyes are always somewhere."""
    closing_s = duration_s - CLOSING_S
    covered: list[Look] = []
    now_s = 0.3
    for look in looks:
        start_s, end_s = max(look.start_s, now_s), min(look.end_s, closing_s)
        if start_s - now_s >= 0.3:
            covered.append(Look(now_s, start_s, (), -1))
        elif covered and start_s > now_s:
            last = covered.pop()
            covered.append(replace(last, end_s=start_s))
        if end_s > start_s:
            covered.append(replace(look, start_s=start_s, end_s=end_s))
            now_s = end_s
    if closing_s - now_s >= 0.1:
        covered.append(Look(now_s, closing_s, (), -1))
    return [*covered, Look(max(closing_s, now_s), duration_s, (_CENTER,), -1)]


def _fixation_s(reader: ReaderProfile, rng: np.random.Generator) -> float:
    drawn = reader.fixation_s * math.exp(reader.fixation_spread * rng.normal())
    return min(max(drawn, _SHORTEST_S), _LONGEST_S)


class _Places:
    """Draws where the next fixation lands."""

    def __init__(self, truth: StudyTruth, rng: np.random.Generator) -> None:
        self._rng = rng
        self._anatomy = list(truth.anatomy.values()) or [(0.15, 0.1, 0.85, 0.9)]
        self._abnormal = list(truth.abnormal)

    def inside(self, regions: Sequence[Box]) -> tuple[float, float]:
        """Return a point of one of the regions, mostly near its middle."""
        which = int(self._rng.integers(len(regions))) if len(regions) > 1 else 0
        x0, y0, x1, y1 = regions[which]
        dx, dy = np.clip(self._rng.normal(0, 0.22, 2), -0.48, 0.48).tolist()
        return (x0 + x1) / 2 + dx * (x1 - x0), (y0 + y1) / 2 + dy * (y1 - y0)

    def near(self, look: Look, here: tuple[float, float]) -> tuple[float, float]:
        """Return the nearer of two points off the task: surveys go in short steps."""
        spots = self.elsewhere(look), self.elsewhere(look)
        return min(spots, key=lambda spot: math.dist(spot, here))

    def elsewhere(self, look: Look) -> tuple[float, float]:
        """Return a point off the task: anatomy, or what is abnormal."""
        if look.magnified:
            return self.inside([_widened(box) for box in look.regions])
        if self._abnormal and self._rng.random() < _ATTRACTION:
            return self.inside(self._abnormal)
        return self.inside(self._anatomy)


def _widened(box: Box) -> Box:
    wide, high = (box[2] - box[0]) / 2, (box[3] - box[1]) / 2
    return (
        max(box[0] - wide, 0.0),
        max(box[1] - high, 0.0),
        min(box[2] + wide, 1.0),
        min(box[3] + high, 1.0),
    )
