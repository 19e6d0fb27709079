"""The pocketsphinx decoder, used so that equal sound gives equal times."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pocketsphinx import Decoder

RATE_HZ = 16_000
"""Sampling rate of the acoustic model."""
FRAME_S = 0.01
"""Step of the model's frames; every time is a multiple of it."""

_DITHER_LSB = (
    16.0  # digital silence breaks the search; below 16 single files still fail
)
_WIDE_BEAMS = {"beam": 1e-120, "pbeam": 1e-120, "wbeam": 1e-100}
_LEAST_RANGE_DB = 3.0  # even noise without a voice spans 2
_LOWEST_LOG = -745.0  # exp() of anything less is zero: the score itself is not told


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word of the text where the decoder found it."""

    index: int
    """Which token of the text."""
    start_s: float
    """From the first sample of the audio."""
    end_s: float
    log_score: float
    """Sum over its frames of the acoustic log score."""
    frames: int
    """Number of 10 ms frames."""
    phones: int
    """Number of phones of the word as it was spoken."""


def dithered(pcm: NDArray[np.int16], seed: int) -> NDArray[np.int16]:
    """Add faint noise (-66 dB of full scale), without which digital silence fails.

    Args:
        pcm: (n,) audio.
        seed: Of the noise.
    """
    noise = np.random.default_rng(seed).normal(0, _DITHER_LSB, len(pcm))
    return np.clip(np.round(pcm + noise), -32768, 32767).astype(np.int16)


def new_decoder(*, wide: bool = False) -> "Decoder":
    """Return a decoder without memory of earlier sound.

    Args:
        wide: Keep more paths in the search: slower, and finds what else is lost.
    """
    from pocketsphinx import Decoder

    beams = _WIDE_BEAMS if wide else {}
    return Decoder(samprate=RATE_HZ, lm=None, loglevel="FATAL", **beams)


@cache
def _dictionary() -> "Decoder":
    return new_decoder()


def look_up(word: str) -> str | None:
    """Return the phones of a word in the English dictionary, joined by blanks.

    Args:
        word: Lower case; `word(2)` asks for the second pronunciation.
    """
    phones: str | None = _dictionary().lookup_word(word)
    return phones


def hear(
    pcm: NDArray[np.int16],
    sentences: Sequence[Sequence[int]],
    sounds: Mapping[int, Sequence[str]],
    *,
    optional: bool,
    wide: bool = False,
) -> list[HeardWord] | None:
    """Find the words of the sentences in the sound.

    Every token becomes a word of its own, so that what is found names its place in the
    text even where the text repeats itself.

    Args:
        pcm: (n,) dithered audio at `RATE_HZ`.
        sentences: Token indices of each sentence, in the order of the text.
        sounds: Token index to its pronunciations.
        optional: Any sentence may have been left out; else all were spoken.
        wide: Search with wide beams.

    Returns:
        The words in order of time; None where the search found no way through.
    """
    decoder = new_decoder(wide=wide)
    for index, variants in sounds.items():
        for number, phones in enumerate(variants, start=1):
            suffix = f"({number})" if number > 1 else ""
            decoder.add_word(f"w{index}{suffix}", phones, False)
    decoder.add_jsgf_string("report", _grammar(sentences, optional=optional))
    decoder.activate_search("report")
    decoder.start_utt()
    decoder.process_raw(pcm.tobytes(), full_utt=True)
    decoder.end_utt()
    words = [_heard(segment, sounds) for segment in decoder.seg() or ()]
    found = [word for word in words if word is not None]
    if not optional and len(found) != sum(len(s) for s in sentences):
        return None
    return found or None


def _grammar(sentences: Sequence[Sequence[int]], *, optional: bool) -> str:
    rules = [
        f"<s{number}> = {' '.join(f'w{index}' for index in tokens)};"
        for number, tokens in enumerate(sentences)
    ]
    form = "[<s{}>]" if optional else "<s{}>"
    order = " ".join(form.format(number) for number in range(len(sentences)))
    return "\n".join(
        ["#JSGF V1.0;", "grammar report;", f"public <report> = {order};", *rules]
    )


def _heard(segment: Any, sounds: Mapping[int, Sequence[str]]) -> HeardWord | None:
    match = re.fullmatch(r"w(\d+)(?:\((\d+)\))?", segment.word)
    if match is None:
        return None
    index, variant = int(match[1]), int(match[2] or 1)
    score = segment.ascore
    return HeardWord(
        index=index,
        start_s=segment.start_frame * FRAME_S,
        end_s=(segment.end_frame + 1) * FRAME_S,
        log_score=math.log(score) if score > 0 else _LOWEST_LOG,
        frames=segment.end_frame + 1 - segment.start_frame,
        phones=len(sounds[index][variant - 1].split()),
    )


def speech_mask(pcm: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Tell for every 10 ms frame whether it holds a voice.

    Args:
        pcm: (n,) audio at `RATE_HZ`.

    Returns:
        (n // 160,) bool.
    """
    from pocketsphinx import Vad

    vad = Vad(mode=2, sample_rate=RATE_HZ, frame_length=3 * FRAME_S)
    step = vad.frame_bytes // 2
    heard = [
        vad.is_speech(pcm[i : i + step].tobytes())
        for i in range(0, len(pcm) - step + 1, step)
    ]
    mask = np.zeros(len(pcm) // 160, dtype=np.bool_)
    found = np.repeat(np.array(heard, dtype=np.bool_), 3)[: len(mask)]
    mask[: len(found)] = found
    return mask & _loud(pcm[: 160 * len(mask)])


def _loud(pcm: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Tell for every 10 ms frame whether it stands out of the background.

    The detector goes on for some 0.1 s after a voice has stopped; the level does not.
    """
    if len(pcm) == 0:
        return np.zeros(0, dtype=np.bool_)
    power = (pcm.reshape(-1, 160).astype(np.float64) ** 2).mean(axis=1)
    level_db = 10 * np.log10(power + 1)
    quiet_db, voice_db = np.percentile(level_db, [5, 95])
    if voice_db - quiet_db < _LEAST_RANGE_DB:
        return np.zeros(len(level_db), dtype=np.bool_)
    return np.asarray(level_db > quiet_db + 0.25 * (voice_db - quiet_db))
