"""What sets one simulated reader apart from another: eyes, voice, habits, tracker."""

import math
from dataclasses import dataclass

import numpy as np

VOICES = (
    "en-us",
    "en-us+f3",
    "en-us+m3",
    "en-us+f2",
    "en-us+m7",
    "en-us+f5",
    "en-gb-x-rp",
    "en-gb-scotland",
    "en-us+m2",
    "en-029",
)
"""eSpeak voices that readers are given in turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderProfile:
    """One simulated radiologist at one simulated eye tracker.

    Source:
        Griffin & Bock, Psychological Science 11 (2000), eyes ahead of the voice;
        Holmqvist et al., Eye Tracking (Oxford University Press, 2011), the eyes.
    """

    name: str = "reader"
    """Whom the profile belongs to."""
    lead_s: float = 1.2
    """Mean time by which the eyes reach a sentence's region before its first word."""
    lead_spread_s: float = 0.3
    """Standard deviation of that time from sentence to sentence."""
    search_s: float = 4.0
    """Mean length of the silent look over the image before the first sentence."""
    pause_s: float = 0.8
    """Mean silence between two sentences."""
    memory_share: float = 0.12
    """Share of the sentences spoken without a look at their region."""
    unspoken_share: float = 0.02
    """Share of the report's sentences that are never said."""
    wander_share: float = 0.15
    """Share of the pauses in which the eyes go somewhere no sentence is about."""
    zoom_share: float = 0.5
    """Share of the small findings that are looked at magnified."""
    fixation_s: float = 0.25
    """Median length of a fixation."""
    fixation_spread: float = 0.42
    """Standard deviation of the logarithm of a fixation's length."""
    blinks_per_min: float = 12.0
    """Mean number of blinks a minute."""
    losses_per_min: float = 1.5
    """Mean number of times a minute that the tracker loses an eye."""
    noise_deg: tuple[float, float] = (0.1, 0.1)
    """Noise of the tracker, left and right eye: RMS from sample to sample."""
    offset_deg: tuple[float, float] = (0.25, 0.2)
    """Constant calibration error, positive right and down."""
    distortion: tuple[float, float, float, float] = (0.005, 0.0, 0.0, 0.005)
    """Calibration error that grows from the screen's center: xx, xy, yx, yy."""
    disparity_deg: float = 0.15
    """Horizontal distance between the gaze points of the right and left eye."""
    pupil_mm: float = 3.4
    """Mean diameter of the pupil."""
    voice: str = "en-us"
    """Name of the eSpeak voice."""
    words_per_minute: float = 165.0
    """Rate of speech."""
    loudness: float = 0.4
    """Gain of the voice."""
    room_noise: float = 25.0
    """RMS of the room's noise in the audio, of 32,767."""

    @classmethod
    def drawn(cls, name: str, seed: int, index: int = 0) -> "ReaderProfile":
        """Draw a reader; the same seed and index give the same one.

        Args:
            name: Whom the profile belongs to.
            seed: Of the whole simulation.
            index: Which of its readers.
        """
        rng = np.random.default_rng([seed, index, 0x5EAD])
        angle = rng.uniform(0, 2 * math.pi)
        error_deg = rng.uniform(0.3, 0.6)
        noise = rng.uniform(0.06, 0.25) * rng.uniform(0.85, 1.15, 2)
        linear = rng.normal(0, 0.006, 4)
        return cls(
            name=name,
            lead_s=round(float(rng.uniform(1.0, 1.5)), 3),
            lead_spread_s=round(float(rng.uniform(0.2, 0.4)), 3),
            search_s=round(float(rng.uniform(2.5, 5.0)), 3),
            pause_s=round(float(rng.uniform(0.5, 1.2)), 3),
            memory_share=round(float(rng.uniform(0.05, 0.2)), 3),
            unspoken_share=round(float(rng.uniform(0.0, 0.02)), 3),
            wander_share=round(float(rng.uniform(0.05, 0.25)), 3),
            zoom_share=round(float(rng.uniform(0.3, 0.7)), 3),
            fixation_s=round(float(rng.uniform(0.22, 0.28)), 3),
            fixation_spread=round(float(rng.uniform(0.36, 0.48)), 3),
            blinks_per_min=round(float(rng.uniform(10, 15)), 3),
            losses_per_min=round(float(rng.uniform(0.5, 3.0)), 3),
            noise_deg=(round(float(noise[0]), 4), round(float(noise[1]), 4)),
            offset_deg=(
                round(error_deg * math.cos(angle), 4),
                round(error_deg * math.sin(angle), 4),
            ),
            distortion=(
                round(float(linear[0]), 5),
                round(float(linear[1]), 5),
                round(float(linear[2]), 5),
                round(float(linear[3]), 5),
            ),
            disparity_deg=round(float(rng.normal(0.15, 0.05)), 4),
            pupil_mm=round(float(rng.uniform(2.8, 4.2)), 3),
            voice=VOICES[index % len(VOICES)],
            words_per_minute=round(float(rng.uniform(140, 190)), 1),
            loudness=round(float(rng.uniform(0.25, 0.5)), 3),
            room_noise=round(float(rng.uniform(12, 40)), 2),
        )
