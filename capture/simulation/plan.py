"""What a simulated radiologist is going to do with one image.

Times are seconds since the image was shown; places are shares of the original image's
width and height. The plan knows nothing of screens: where a place lies on the screen is
decided while it is played, from the view of that moment.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capture.display.view import ActionKind
from capture.simulation.truth import Box
from capture.simulation.voice import SpokenWord

Floats = NDArray[np.float64]

CLOSING_S = 0.4
"""At the end of every image the eyes go back to its middle for so long."""


@dataclass(frozen=True, slots=True)
class PlannedSentence:
    """One sentence of the report: whether and when it is said and looked for."""

    index: int
    """Position in the report."""
    text: str
    """As written."""
    region: Box | None
    """Where it must be looked for."""
    regions: tuple[Box, ...]
    """The places inside `region`, one or more; empty without a region."""
    start_s: float | None
    """Of its sound; None for a sentence that is never said."""
    end_s: float | None
    """Of its sound."""
    arrive_s: float | None
    """When the eyes reach the region for it; None for one spoken from memory."""
    leave_s: float | None
    """When they leave."""
    words: tuple[SpokenWord, ...]
    """With times from the start of the sentence."""

    @property
    def lead_s(self) -> float | None:
        """How long before the voice the eyes were there."""
        if self.start_s is None or self.arrive_s is None:
            return None
        return self.start_s - self.arrive_s


@dataclass(frozen=True, slots=True)
class PlannedAction:
    """One input to the window, aimed at a place of the image."""

    time_s: float
    """When it is made."""
    kind: ActionKind
    """What it does."""
    x: float = 0.5
    """Where the mouse is, as a share of the image's width."""
    y: float = 0.5
    """Where the mouse is, as a share of the image's height."""
    dx: float = 0.0
    """As in `Action`, screen pixels."""
    dy: float = 0.0
    """As in `Action`, wheel notches or screen pixels."""


@dataclass(frozen=True, slots=True)
class ReadingPlan:
    """Everything that happens between two images' appearances."""

    duration_s: float
    """When `next` is pressed."""
    onset_s: Floats
    """(n,) when the eye lands on each target; sorted, the first is 0."""
    target: Floats
    """(n, 2) x and y of each target, shares of the image."""
    intent: NDArray[np.int64]
    """(n,) index of the sentence that each fixation is for, or -1."""
    sentences: tuple[PlannedSentence, ...]
    """All of the report, in order."""
    actions: tuple[PlannedAction, ...]
    """Sorted by time, without the final `next`."""
    blinks_s: Floats
    """(k, 2) onset and duration of each blink."""
    losses_s: Floats
    """(k, 3) onset, duration and eye (0 left, 1 right, 2 both) of each loss."""
