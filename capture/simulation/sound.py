"""What a microphone hears of a simulated reader: a quiet room, and the dictation."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from capture.simulation.plan import ReadingPlan
from capture.simulation.voice import RATE_HZ, SpokenSentence

VECTOR_S = 0.01
"""Length of the pieces in which sound is sent and written."""
VECTOR_SAMPLES = round(VECTOR_S * RATE_HZ)


def room_noise(n: int, rms: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return (n,) samples of a quiet room; never digital silence."""
    return rng.standard_normal(n, dtype=np.float32) * np.float32(rms)


def mix_speech(
    sound: NDArray[np.float32],
    plan: ReadingPlan,
    speech: Sequence[SpokenSentence],
    begin_s: float,
    stretch: float,
    gain: float,
) -> None:
    """Add what is said about an image to `sound`, in place.

    Args:
        sound: (n,) samples at `RATE_HZ`.
        plan: Says when each sentence starts.
        speech: The sound of every sentence of the plan.
        begin_s: When the image appeared, from the first sample; may be negative.
        stretch: Samples of this sound per sample of a true 16,000 Hz.
        gain: Factor of the voice.
    """
    for sentence, spoken in zip(plan.sentences, speech, strict=True):
        if sentence.start_s is None:
            continue
        first = round((begin_s + sentence.start_s) * RATE_HZ * stretch)
        a, b = max(first, 0), min(first + len(spoken.pcm), len(sound))
        if b > a:
            sound[a:b] += spoken.pcm[a - first : b - first] * np.float32(gain)


def to_vectors(sound: NDArray[np.float32]) -> NDArray[np.int16]:
    """Round (n,) samples, clipped as a converter would, to (n / 160, 160) vectors."""
    whole = np.clip(np.rint(sound), -32768, 32767)
    return whole.astype(np.int16).reshape(-1, VECTOR_SAMPLES)
