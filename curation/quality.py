"""Accept or reject a reading, with the numbers and the reasons."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from curation.config import QualityLimits

Floats = NDArray[np.float64]


def measure(
    time_s: Floats,
    valid: NDArray[np.bool_],
    on_image: NDArray[np.bool_],
    shown_s: float,
    hidden_s: float,
    period_s: float,
) -> dict[str, float]:
    """Measure the gaze of one reading.

    Args:
        time_s: (n,) stamps of the samples while the image was shown.
        valid: (n,) an eye was found.
        on_image: (n,) gaze lies on the image.
        shown_s: When the image appeared.
        hidden_s: When it went.
        period_s: Between samples, of the whole recording.

    Returns:
        The columns of `schema.QUALITY` but the one on sentences. Samples that are
        missing count as invalid, so gaps in the recording lower the share.
    """
    duration_s = hidden_s - shown_s
    expected = max(len(time_s), round(duration_s / period_s), 1)
    edges_s = np.concatenate([[shown_s], time_s[valid], [hidden_s]])
    return {
        "valid_share": float(valid.sum() / expected),
        "gaze_rate_hz": float(len(time_s) / duration_s) if duration_s > 0 else 0.0,
        "duration_s": duration_s,
        "largest_gap_s": float(np.diff(edges_s).max(initial=0.0)),
        "on_image_share": float(on_image.sum() / max(valid.sum(), 1)),
    }


def reasons_to_reject(
    quality: Mapping[str, float], fixations: int, limits: QualityLimits
) -> list[str]:
    """Say why a reading is not good enough; empty when it is.

    Args:
        quality: Columns of `schema.QUALITY`.
        fixations: How many were found.
        limits: What must be reached.

    Returns:
        Sentences with the number found and the limit.
    """
    least = {
        "duration_s": limits.min_duration_s,
        "gaze_rate_hz": limits.min_rate_hz,
        "valid_share": limits.min_valid_share,
        "on_image_share": limits.min_on_image_share,
        "timed_sentence_share": limits.min_timed_share,
    }
    reasons = [
        f"{name} {quality[name]:.2f} is below {limit:g}"
        for name, limit in least.items()
        if quality.get(name, limit) < limit
    ]
    gap_s = quality["largest_gap_s"]
    if gap_s > limits.max_gap_s:
        reasons.append(f"largest_gap_s {gap_s:.2f} is above {limits.max_gap_s:g}")
    if fixations < limits.min_fixations:
        reasons.append(
            f"{fixations} fixations, expected {limits.min_fixations} or more"
        )
    return reasons
