"""Write down what a simulated reader truly did, to check later stages against."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capture.simulation.eyes import EyeSampler, EyeSamples
from capture.simulation.plan import PlannedSentence, ReadingPlan
from capture.simulation.profile import ReaderProfile

TRACE_HZ = 50.0
"""How often the true gaze is written down."""


class GazeTrace:
    """Keeps the true gaze of one image at about `TRACE_HZ`."""

    def __init__(self, rate_hz: float) -> None:
        """Begin empty.

        Args:
            rate_hz: Samples a second of what will be added.
        """
        self._every = max(1, round(rate_hz / TRACE_HZ))
        self._count = 0
        self._parts: list[NDArray[np.float64]] = []

    def add(self, times_s: NDArray[np.float64], samples: EyeSamples) -> None:
        """Take every so many of (n,) samples, counted over all calls."""
        first = -self._count % self._every
        self._count += len(times_s)
        kept = slice(first, None, self._every)
        self._parts.append(
            np.column_stack(
                [times_s[kept], samples.true_image[kept], samples.state[kept]]
            )
        )

    def as_json(self) -> dict[str, list[float]]:
        """Return LSL times, places as shares of the image, and states."""
        rows = np.concatenate(self._parts or [np.zeros((0, 4))])
        return {
            "time_s": rows[:, 0].round(5).tolist(),
            "x": rows[:, 1].round(5).tolist(),
            "y": rows[:, 2].round(5).tolist(),
            "state": rows[:, 3].astype(int).tolist(),
        }


def image_truth(
    plan: ReadingPlan,
    sampler: EyeSampler,
    trace: GazeTrace,
    *,
    image_id: str,
    index: int,
    shown_s: float,
    hidden_s: float,
) -> dict[str, Any]:
    """Describe one reading that was just played; times are LSL seconds.

    Args:
        plan: What was played.
        sampler: Through whose eyes; its reading must not have ended yet.
        trace: The true gaze.
        image_id: Pseudonym of the image.
        index: Row of the study list.
        shown_s: When the image appeared.
        hidden_s: When it left.
    """
    onset_s, duration_s, place = sampler.landings()
    until_s = hidden_s - shown_s
    played = onset_s < until_s
    intent = plan.intent[: len(onset_s)]
    cut_s = np.minimum(duration_s, until_s - onset_s)
    return {
        "image_id": image_id,
        "index": index,
        "shown_s": shown_s,
        "hidden_s": hidden_s,
        "sentences": [_sentence(s, shown_s, until_s) for s in plan.sentences],
        "fixations": {
            "onset_s": (onset_s[played] + shown_s).round(5).tolist(),
            "duration_s": cut_s[played].round(5).tolist(),
            "x": place[played, 0].round(5).tolist(),
            "y": place[played, 1].round(5).tolist(),
            "sentence": intent[played].tolist(),
        },
        "gaze": trace.as_json(),
        "blinks": _intervals(plan.blinks_s, shown_s),
        "losses": _intervals(plan.losses_s, shown_s),
        "actions": [
            asdict(action) | {"time_s": round(shown_s + action.time_s, 5)}
            for action in plan.actions
            if action.time_s < until_s
        ],
    }


def reader_truth(reader: ReaderProfile, rate_hz: float, seed: int) -> dict[str, Any]:
    """Describe the reader and the tracker's known faults."""
    return {"reader": asdict(reader), "rate_hz": rate_hz, "seed": seed}


def _sentence(
    sentence: PlannedSentence, shown_s: float, until_s: float
) -> dict[str, Any]:
    """Return one sentence; a sentence cut off by the end of the reading is unsaid."""
    start_s = sentence.start_s
    said = start_s is not None and (sentence.end_s or 0.0) <= until_s
    told: dict[str, Any] = {
        "index": sentence.index,
        "text": sentence.text,
        "region": sentence.region,
        "regions": sentence.regions,
        "said": said,
    }
    if not said or start_s is None:
        return told
    begin_s = shown_s + start_s
    return told | {
        "start_s": round(begin_s, 5),
        "end_s": _later(sentence.end_s, shown_s),
        "arrive_s": _later(sentence.arrive_s, shown_s),
        "leave_s": _later(sentence.leave_s, shown_s),
        "lead_s": None if sentence.lead_s is None else round(sentence.lead_s, 5),
        "words": [
            {
                "text": word.text,
                "char_start": word.char_start,
                "char_end": word.char_end,
                "start_s": _later(word.start_s, begin_s),
                "end_s": _later(word.end_s, begin_s),
            }
            for word in sentence.words
        ],
    }


def _later(time_s: float | None, origin_s: float) -> float | None:
    return None if time_s is None else round(origin_s + time_s, 5)


def _intervals(rows: NDArray[np.float64], shown_s: float) -> list[list[float]]:
    moved = rows.copy()
    moved[:, 0] += shown_s
    return [[round(value, 5) for value in row] for row in moved.tolist()]
