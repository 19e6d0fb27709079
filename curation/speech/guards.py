"""Signs that a report is not what was said, read off its alignment.

Without a transcription nothing proves that a text was spoken; an aligner that is given
a wrong text mostly answers with a wrong result. These guards notice most of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.speech.decoder import FRAME_S, HeardWord

_HALO = 10  # frames: the voice detector reaches this far beyond a word


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignmentLimits:
    """What a trustworthy alignment looks like; found on synthetic voices."""

    score_floor: float = -3.0
    """Mean acoustic log score a frame below which a sentence counts as not spoken."""
    longest_phone_s: float = 0.25
    """Mean length of a word's phones above which the word was stretched."""
    longest_short_word_s: float = 0.5
    """Length that any word may have: a lone "a" is often drawn out."""
    uncovered_share: float = 0.1
    """Share of the voiced time outside of all words above which text is missing."""
    uncovered_least_s: float = 0.5
    """Voiced time outside of all words that is never held against a reading."""
    uncovered_run_s: float = 0.25
    """Length of one stretch of voice outside of all words: a sentence too many."""


def mean_score(words: Sequence[HeardWord]) -> float:
    """Return the mean acoustic log score a frame of at least one word."""
    return sum(w.log_score for w in words) / sum(w.frames for w in words)


def doubts(
    heard: Sequence[HeardWord], voiced: NDArray[np.bool_], limits: AlignmentLimits
) -> list[str]:
    """Return why an alignment cannot be trusted, in words; nothing where it can.

    Args:
        heard: The words found.
        voiced: (frames,) whether each 10 ms frame holds a voice.
        limits: What a trustworthy alignment looks like.
    """
    if not heard:
        return ["no sentence of the report was found in the sound"]
    reasons: list[str] = []
    excess_s = max(_excess_s(word, limits) for word in heard)
    if excess_s > 0:
        reasons.append(f"a word lasts {excess_s:.2f} s longer than any voice says it")
    outside_s, voiced_s = uncovered_s(heard, voiced), float(voiced.sum()) * FRAME_S
    allowed_s = max(limits.uncovered_share * voiced_s, limits.uncovered_least_s)
    run_s = _longest_run_s(_outside(heard, voiced))
    if outside_s > allowed_s:
        reasons.append(f"{outside_s:.1f} s of {voiced_s:.1f} s of speech in no word")
    elif run_s > limits.uncovered_run_s:
        reasons.append(f"{run_s:.1f} s of speech on end in no word")
    return reasons


def uncovered_s(heard: Iterable[HeardWord], voiced: NDArray[np.bool_]) -> float:
    """Return the voiced time that no word covers.

    Args:
        heard: The words found.
        voiced: (frames,) whether each 10 ms frame holds a voice.
    """
    return float(_outside(heard, voiced).sum()) * FRAME_S


def _excess_s(word: HeardWord, limits: AlignmentLimits) -> float:
    fits_s = max(limits.longest_phone_s * word.phones, limits.longest_short_word_s)
    return word.end_s - word.start_s - fits_s


def _outside(
    heard: Iterable[HeardWord], voiced: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    outside = voiced.copy()
    for word in heard:
        start = max(round(word.start_s / FRAME_S) - _HALO, 0)
        outside[start : round(word.end_s / FRAME_S) + _HALO] = False
    return outside


def _longest_run_s(mask: NDArray[np.bool_]) -> float:
    """Return the longest stretch of a mask, pauses below 0.1 s bridged."""
    frames = np.flatnonzero(mask)
    if len(frames) == 0:
        return 0.0
    parts = np.split(frames, np.flatnonzero(np.diff(frames) > 10) + 1)
    return max(float(part[-1] + 1 - part[0]) for part in parts) * FRAME_S
