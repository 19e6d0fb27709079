"""Keep pauses out of words: the decoder lets a word begin in the silence before it."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from curation.speech.decoder import FRAME_S, HeardWord

_EDGE = 15
"""Frames without a voice at a word's edge from which on they are a pause: the sound
before a stop consonant opens is shorter."""
_INSIDE = 25
"""Frames without a voice inside of a word that no speaker makes."""
_MARGIN = 3
"""Frames kept before and after the voice, the detector's own resolution."""


def without_pauses(
    words: Iterable[HeardWord], voiced: NDArray[np.bool_]
) -> list[HeardWord]:
    """Move the bounds of words that reach into a pause to where the voice is.

    A word that spans a pause keeps the side with more voice; a word in which no voice
    was detected stays as it is.

    Args:
        words: As the decoder found them.
        voiced: (frames,) whether each 10 ms frame holds a voice.
    """
    return [_trimmed(word, voiced) for word in words]


def _trimmed(word: HeardWord, voiced: NDArray[np.bool_]) -> HeardWord:
    first, last = round(word.start_s / FRAME_S), round(word.end_s / FRAME_S)
    runs = _runs(voiced[first:last])
    if not runs:
        return word
    start, end = max(runs, key=lambda run: run[1] - run[0])
    begin = first + start - _MARGIN if start >= _EDGE else first
    rest = last - first - end
    stop = first + end + _MARGIN if rest >= _EDGE else last
    return replace(word, start_s=begin * FRAME_S, end_s=stop * FRAME_S)


def _runs(voiced: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return (start, end) of the voiced stretches, joined over short gaps."""
    frames = np.flatnonzero(voiced)
    if len(frames) == 0:
        return []
    breaks = np.flatnonzero(np.diff(frames) > _INSIDE)
    starts = frames[np.append(0, breaks + 1)]
    ends = frames[np.append(breaks, len(frames) - 1)] + 1
    return list(zip(starts.tolist(), ends.tolist(), strict=True))
