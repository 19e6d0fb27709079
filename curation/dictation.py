"""When each sentence of a report was dictated, on the clock of the gaze."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from curation.recordings import Audio
from curation.report_tables import ReportText, section_number
from curation.schema import Column, make_table
from curation.speech.align import SentenceTime

Floats = NDArray[np.float64]
TAIL_S = 1.0
"""Audio after the image was hidden that still belongs to it: the last word."""


@dataclass(frozen=True, slots=True, eq=False)
class Dictation:
    """Sentences and words with their times, and where the findings are named."""

    sentences: dict[str, Column]
    words: dict[str, Column]
    first_mention_s: Floats
    """(n,) start of the first word that names a finding; NaN where none is timed."""
    last_mention_s: Floats
    """(n,) the same for the last finding."""
    doubts: tuple[str, ...]
    """Why what was said may not be what the report says; empty where nothing is odd."""


def dictation(
    report: ReportText,
    audio: Audio | None,
    shown_s: float,
    hidden_s: float,
    *,
    seed: int = 0,
) -> Dictation:
    """Find a report's sentences in the audio of one image.

    Args:
        report: What may have been said.
        audio: Of the session; None leaves all sentences without times.
        shown_s: When the image appeared; times count from here.
        hidden_s: When it went.
        seed: Of the aligner.
    """
    times, doubts = _times(report, audio, shown_s, hidden_s, seed)
    timed = [time.start_s is not None and time.end_s is not None for time in times]
    sentences = make_table(
        "sentences",
        text=[s.text for s in report.sentences],
        section=[section_number(s) for s in report.sentences],
        char_start=[s.char_start for s in report.sentences],
        char_end=[s.char_end for s in report.sentences],
        has_time=timed,
        start_s=[_or_nan(time.start_s) for time in times],
        end_s=[_or_nan(time.end_s) for time in times],
        method=[time.method for time in times],
        score=[time.score for time in times],
    )
    words = make_table(
        "words",
        text=[word.text for time in times for word in time.words],
        sentence=[i for i, time in enumerate(times) for _ in time.words],
        start_s=[word.start_s for time in times for word in time.words],
        end_s=[word.end_s for time in times for word in time.words],
    )
    mention_s = [_mention_s(report, i, time) for i, time in enumerate(times)]
    first = np.array([min(found, default=np.nan) for found in mention_s])
    last = np.array([max(found, default=np.nan) for found in mention_s])
    return Dictation(sentences, words, first, last, doubts)


def _times(
    report: ReportText, audio: Audio | None, shown_s: float, hidden_s: float, seed: int
) -> tuple[Sequence[SentenceTime], tuple[str, ...]]:
    silent = [SentenceTime(None, None, "none", np.nan, ())] * len(report.sentences)
    if audio is None or not len(report.sentences):
        return silent, ()
    frame_s = audio.frames.shape[1] / audio.rate_hz
    first, last = np.searchsorted(audio.stamps_s, [shown_s, hidden_s + TAIL_S])
    if last - first < 2 or (last - first) * frame_s < _SHORTEST_S:
        return silent, ()
    from curation.speech.align import align_report
    from curation.speech.audio_clock import fill_gaps, fit_audio_clock

    stamps_s, frames = audio.stamps_s[first:last], audio.frames[first:last]
    clock = fit_audio_clock(stamps_s, frames.shape[1], audio.rate_hz)
    pcm, clock = fill_gaps(frames.ravel(), clock, seed=seed)
    found = align_report(pcm, audio.rate_hz, report.sentences, seed=seed)

    def moved(time_s: float) -> float:
        return float(clock.sample_to_s(time_s * audio.rate_hz)) - shown_s

    return [_moved(time, moved) for time in found.sentences], found.reasons


_SHORTEST_S = 0.5


def _moved(time: SentenceTime, moved: Callable[[float], float]) -> SentenceTime:
    if time.start_s is None or time.end_s is None:
        return time
    words = [
        replace(word, start_s=moved(word.start_s), end_s=moved(word.end_s))
        for word in time.words
    ]
    return SentenceTime(
        moved(time.start_s), moved(time.end_s), time.method, time.score, tuple(words)
    )


def _mention_s(report: ReportText, number: int, time: SentenceTime) -> list[float]:
    """Start of the word with which each mentioned finding begins."""
    offset = report.sentences[number].char_start
    return [
        word.start_s
        for mention in report.mentions[number]
        for word in time.words
        if word.char_start <= offset + mention.char_start < word.char_end
    ]


def _or_nan(time_s: float | None) -> float:
    return np.nan if time_s is None else time_s
