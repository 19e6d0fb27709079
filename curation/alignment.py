"""Which fixations belong to which sentence: the rule is data, the result a relation."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from capture.errors import UnknownNameError
from curation.schema import Column, make_table

Floats = NDArray[np.float64]
Anchor = Literal[
    "sentence_start",
    "mention_start",
    "sentence_end",
    "prev_start",
    "prev_end",
    "reading_start",
]
End = Literal["sentence_end", "sentence_start", "first_mention", "last_mention"]
Clamp = Literal["prev_start", "prev_end", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignmentPolicy:
    """The window of time in which gaze counts toward a sentence."""

    anchor: Anchor = "sentence_start"
    """Where the window begins."""
    lead_s: float = 0.0
    """How much earlier than the anchor: the eyes are ahead of the voice."""
    end: End = "sentence_end"
    """Where the window ends."""
    lag_s: float = 0.0
    """How much later than that."""
    clamp: Clamp = "none"
    """The window does not reach back beyond this point of the previous sentence."""
    weight: Literal["overlap"] = "overlap"
    """A fixation counts with its seconds inside the window."""


POLICIES: dict[str, AlignmentPolicy] = {
    "during": AlignmentPolicy(),
    "andpause": AlignmentPolicy(anchor="prev_end"),
    "reflacx-5s": AlignmentPolicy(lead_s=5.0, clamp="prev_start"),
    "reflacx-1.5s": AlignmentPolicy(lead_s=1.5, end="last_mention", clamp="prev_start"),
    "lead-1.5": AlignmentPolicy(lead_s=1.5, clamp="prev_start"),
    "double": AlignmentPolicy(anchor="prev_start"),
    "all": AlignmentPolicy(anchor="reading_start"),
}
"""Name on the command line to policy. Bigolin Lanfredi et al., Sci Data 2022."""


def make_policy(name: str) -> AlignmentPolicy:
    """Look a policy up.

    Raises:
        UnknownNameError: `name` is not in `POLICIES`.
    """
    if name not in POLICIES:
        raise UnknownNameError("alignment policy", name, POLICIES)
    return POLICIES[name]


def windows(
    policy: AlignmentPolicy,
    start_s: Floats,
    end_s: Floats,
    first_mention_s: Floats | None = None,
    last_mention_s: Floats | None = None,
) -> Floats:
    """Compute the window of every sentence.

    The previous sentence is the one spoken before, not the one written before; before
    the first, it is the moment when the image was shown, 0.

    Args:
        policy: The rule.
        start_s: (n,) seconds since the image was shown; NaN where unknown.
        end_s: (n,) seconds.
        first_mention_s: (n,) start of the first mentioned finding; NaN for none.
        last_mention_s: (n,) start of the last one; NaN for none, and then a policy
            that ends there ends with the sentence.

    Returns:
        (n, 2) begin and end; NaN where the sentence has no time.
    """
    unknown = np.full(len(start_s), np.nan)
    first = unknown if first_mention_s is None else first_mention_s
    last = unknown if last_mention_s is None else last_mention_s
    previous = _previous(start_s, end_s)
    begins = {
        "sentence_start": start_s,
        "mention_start": np.where(np.isnan(first), start_s, first),
        "sentence_end": end_s,
        "prev_start": previous[:, 0],
        "prev_end": previous[:, 1],
        "reading_start": np.where(np.isnan(start_s), np.nan, 0.0),
    }
    ends = {
        "sentence_end": end_s,
        "sentence_start": start_s,
        "first_mention": np.where(np.isnan(first), end_s, first),
        "last_mention": np.where(np.isnan(last), end_s, last),
    }
    limits = {
        "prev_start": previous[:, 0],
        "prev_end": previous[:, 1],
        "none": np.zeros(len(start_s)),
    }
    begin_s = np.maximum(begins[policy.anchor] - policy.lead_s, limits[policy.clamp])
    return np.column_stack([np.maximum(begin_s, 0), ends[policy.end] + policy.lag_s])


def overlaps(
    windows_s: Floats, onset_s: Floats, duration_s: Floats
) -> dict[str, Column]:
    """Relate sentences and fixations, many to many.

    Args:
        windows_s: (n, 2) from `windows`; NaN or empty windows relate to nothing.
        onset_s: (f,) fixations.
        duration_s: (f,) seconds.

    Returns:
        The table `sentence_fixations`, sorted by sentence, then fixation.
    """
    begin_s = np.maximum(windows_s[:, :1], onset_s[None])
    end_s = np.minimum(windows_s[:, 1:], (onset_s + duration_s)[None])
    shared_s = np.nan_to_num(end_s - begin_s, nan=0.0).astype(np.float32)
    sentence, fixation = np.nonzero(shared_s > 0)
    return make_table(
        "sentence_fixations",
        sentence=sentence,
        fixation=fixation,
        overlap_s=shared_s[sentence, fixation],
    )


def _previous(start_s: Floats, end_s: Floats) -> Floats:
    """Start and end of the sentence spoken before each; 0 before the first."""
    order = np.argsort(start_s, kind="stable")
    order = order[np.isfinite(start_s[order])]
    previous = np.full((len(start_s), 2), np.nan)
    previous[order[:1]] = 0.0
    previous[order[1:], 0] = start_s[order[:-1]]
    previous[order[1:], 1] = np.minimum(end_s[order[:-1]], start_s[order[1:]])
    return previous
