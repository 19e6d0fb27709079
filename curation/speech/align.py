"""When each sentence and word of a known report was dictated.

The whole reading is aligned in one call. If every sentence was spoken as written, a
strict alignment gives the times. If that fails or looks wrong, a grammar in which every
sentence may be missing decides which sentences were spoken. Without a transcription
nothing proves that the report is what was said, so guards mark suspicious readings as
unverified: speech that no word covers, words stretched beyond any voice, nothing found.
"""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.reports import Sentence
from curation.speech.decoder import (
    FRAME_S,
    RATE_HZ,
    HeardWord,
    dithered,
    hear,
    look_up,
    speech_mask,
)
from curation.speech.guards import AlignmentLimits, doubts, mean_score, uncovered_s
from curation.speech.lexicon import pronounce
from curation.speech.pauses import without_pauses
from curation.speech.tokens import Token, speak_words

_log = logging.getLogger(__name__)
_ATTEMPTS = (
    ("forced", False),
    ("forced", True),
    ("grammar", False),
    ("grammar", True),
)
"""Method and whether its beams are wide, until one finds what nobody doubts."""
_PROBE_S = 6.0
"""Enough for a sentence; the time it takes grows faster than the sound."""


@dataclass(frozen=True, slots=True)
class WordTime:
    """One word of the report and when it was said."""

    text: str
    """As written in the report."""
    char_start: int
    """First character in the report."""
    char_end: int
    start_s: float
    """From the first audio sample."""
    end_s: float


@dataclass(frozen=True, slots=True)
class SentenceTime:
    """One sentence of the report and when it was said, if it was."""

    start_s: float | None
    """From the first audio sample; None where the sentence was not found."""
    end_s: float | None
    method: str
    """forced, grammar, or none where the sentence has no times."""
    score: float
    """Mean acoustic log score a frame; NaN where the sentence has no times."""
    words: tuple[WordTime, ...]


@dataclass(frozen=True, slots=True)
class ReportAlignment:
    """The times of a report, and how far they can be trusted."""

    sentences: tuple[SentenceTime, ...]
    """One entry a sentence that was given, in order."""
    coverage: float
    """Sentences with times among all; 0 where there are none."""
    uncovered_speech_s: float
    """Voiced time that no word covers."""
    guessed_words: tuple[str, ...]
    """Words in no dictionary, whose sound was guessed from their letters."""
    unverified: bool
    """A guard fired: what was said may not be what the report says."""
    reasons: tuple[str, ...]
    """Which guards fired, in words."""


@dataclass(frozen=True, slots=True)
class _Text:
    """The words of all sentences, numbered through."""

    tokens: list[Token]
    sentences: list[list[int]]
    sounds: dict[int, tuple[str, ...]]
    guessed: tuple[str, ...]


def align_report(
    pcm: NDArray[np.int16],
    rate_hz: int,
    sentences: Sequence[Sentence],
    *,
    seed: int = 0,
    limits: AlignmentLimits | None = None,
) -> ReportAlignment:
    """Find when the sentences of a report were dictated.

    A sentence that was not spoken gets no times. The result depends on the arguments
    alone: not on what was aligned before, nor on how many processes work.

    Args:
        pcm: (n,) mono audio of one reading.
        rate_hz: Its sampling rate.
        sentences: What may have been said, in the order of the text.
        seed: Of the faint noise that digital silence needs.
        limits: Bounds of the guards.

    Raises:
        ValueError: `pcm` is not one-dimensional, or `rate_hz` is not positive.
    """
    if pcm.ndim != 1 or rate_hz <= 0:
        raise ValueError(f"pcm must be (n,) at a positive rate, got {pcm.shape}")
    limits = limits or AlignmentLimits()
    text = _read(sentences)
    sound = dithered(_resampled(pcm, rate_hz), seed)
    mask = speech_mask(sound)
    heard, method = _search(sound, mask, text, limits)
    kept = _above_floor(heard, text, limits)
    reasons = doubts(list(kept.values()), mask, limits) if text.tokens else []
    result = [
        _sentence_time(sentence, [kept[i] for i in indices if i in kept], text, method)
        for sentence, indices in zip(sentences, text.sentences, strict=True)
    ]
    spoken = sum(entry.method != "none" for entry in result)
    return ReportAlignment(
        sentences=tuple(result),
        coverage=spoken / len(result) if result else 0.0,
        uncovered_speech_s=uncovered_s(kept.values(), mask),
        guessed_words=text.guessed,
        unverified=bool(reasons),
        reasons=tuple(reasons),
    )


def _read(sentences: Sequence[Sentence]) -> _Text:
    """Number the words of all sentences and look their sounds up."""
    tokens: list[Token] = []
    numbered: list[list[int]] = []
    sounds: dict[int, tuple[str, ...]] = {}
    guessed: dict[str, None] = {}
    for sentence in sentences:
        indices = []
        for token in speak_words(sentence.text):
            spelled = sentence.text[token.char_start : token.char_end]
            variants, was_guessed = pronounce(token.word, spelled, look_up)
            if was_guessed:
                guessed[token.word] = None
            sounds[len(tokens)] = variants
            indices.append(len(tokens))
            start = sentence.char_start
            place = (start + token.char_start, start + token.char_end)
            tokens.append(Token(token.word, *place))
        numbered.append(indices)
    if guessed:
        _log.info("sound of %d words guessed from their letters", len(guessed))
    return _Text(tokens, numbered, sounds, tuple(guessed))


def _resampled(pcm: NDArray[np.int16], rate_hz: int) -> NDArray[np.int16]:
    if rate_hz == RATE_HZ or len(pcm) == 0:
        return pcm
    from scipy.signal import resample_poly

    factor = math.gcd(RATE_HZ, rate_hz)
    moved: NDArray[np.float64] = resample_poly(
        pcm.astype(np.float64), RATE_HZ // factor, rate_hz // factor
    )
    return np.clip(np.round(moved), -32768, 32767).astype(np.int16)


def _search(
    sound: NDArray[np.int16],
    mask: NDArray[np.bool_],
    text: _Text,
    limits: AlignmentLimits,
) -> tuple[dict[int, HeardWord], str]:
    """Return the words found by token index, and the method that found them.

    Wide beams force every text onto every sound, so what they find is believed only
    where each sentence sounds right.
    """
    spoken = [indices for indices in text.sentences if indices]
    if not spoken or not mask.any():
        return {}, "none"
    wrong = False
    for method, wide in _ATTEMPTS:
        optional = method == "grammar"
        if wide and not optional and wrong:
            continue
        if optional and wide and not _promising(sound, mask, text, limits):
            break
        found = hear(sound, spoken, text.sounds, optional=optional, wide=wide)
        words = {w.index: w for w in without_pauses(found or (), mask)}
        words = _whole_sentences(words, text)
        kept = _above_floor(words, text, limits)
        wrong = bool(words) and not kept  # a way through, and nothing sounds right
        whole = len(kept) == len(text.tokens) or not wide or optional
        if words and whole and not doubts(list(kept.values()), mask, limits):
            return words, method
        if words and optional:
            break
    return words, "grammar"


def _promising(
    sound: NDArray[np.int16],
    mask: NDArray[np.bool_],
    text: _Text,
    limits: AlignmentLimits,
) -> bool:
    """Whether wide beams find a sentence in the first seconds of the voice.

    They take longer than the sound lasts where the text was not said: minutes, without
    this look at a part of it.
    """
    first = int(mask.argmax()) * round(FRAME_S * RATE_HZ)
    part = sound[first : first + int(_PROBE_S * RATE_HZ)]
    if first + len(part) >= len(sound):
        return True
    spoken = [indices for indices in text.sentences if indices]
    found = hear(part, spoken, text.sounds, optional=True, wide=True)
    words = _whole_sentences({w.index: w for w in found or ()}, text)
    return bool(_above_floor(words, text, limits))


def _whole_sentences(heard: dict[int, HeardWord], text: _Text) -> dict[int, HeardWord]:
    """Drop the sentence that the end of the sound cut off."""
    whole = [s for s in text.sentences if s and all(index in heard for index in s)]
    return {index: heard[index] for indices in whole for index in indices}


def _above_floor(
    heard: dict[int, HeardWord], text: _Text, limits: AlignmentLimits
) -> dict[int, HeardWord]:
    kept: dict[int, HeardWord] = {}
    for indices in text.sentences:
        words = [heard[index] for index in indices if index in heard]
        if words and mean_score(words) >= limits.score_floor:
            kept |= {word.index: word for word in words}
    return kept


def _sentence_time(
    sentence: Sentence, heard: Sequence[HeardWord], text: _Text, method: str
) -> SentenceTime:
    if not heard:
        return SentenceTime(None, None, "none", math.nan, ())
    words: list[WordTime] = []
    for found in heard:
        token = text.tokens[found.index]
        start, end = token.char_start, token.char_end
        if words and words[-1].char_start == start:
            start_s = words.pop().start_s
        else:
            start_s = found.start_s
        written = sentence.text[start - sentence.char_start : end - sentence.char_start]
        words.append(WordTime(written, start, end, start_s, found.end_s))
    return SentenceTime(
        words[0].start_s, words[-1].end_s, method, mean_score(heard), tuple(words)
    )
