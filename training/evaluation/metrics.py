"""Scores with bootstrap intervals over patients, computed for all resamples at once.

Every score takes a (1 + r, n) matrix of weights: row 0 is the sample as it is (ones),
the others say how often each item was drawn. A score therefore returns (1 + r,) values
and `estimate` makes a number with its interval of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Score = Callable[[Floats, NDArray[np.bool_], Floats], Floats]

_CHUNK_CELLS = 4_000_000
"""Weights handled at once: bounds the memory of a score on many images."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % percentile interval; NaN where it is undefined."""

    value: float
    """On the sample itself."""
    low: float
    """2.5th percentile of the resamples."""
    high: float
    """97.5th percentile of the resamples."""

    def as_json(self) -> dict[str, float | None]:
        """Return the three numbers for a result file; None where undefined."""
        names = ("value", "low", "high")
        numbers = (self.value, self.low, self.high)
        return {
            name: round(float(v), 6) if np.isfinite(v) else None
            for name, v in zip(names, numbers, strict=True)
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What a task found."""

    figures: dict[str, Any]
    """Plain JSON values."""
    headline: Floats
    """(1 + r,) main figure of the sample and of every resample: the same data, split
    and seed make it paired with that of another model."""


def paired_difference(a: Floats, b: Floats) -> Estimate:
    """Difference of two models scored on the same resamples.

    Raises:
        ValueError: The two were resampled differently often.
    """
    if a.shape != b.shape:
        raise ValueError(f"resamples differ: {a.shape} and {b.shape}")
    return estimate(a - b)


def patient_weights(
    patients: Sequence[str], resamples: int = 2000, seed: int = 0
) -> Floats:
    """Draw patients with replacement; all items of a drawn patient come along.

    Args:
        patients: (n,) patient of each item.
        resamples: Number of bootstrap samples r.
        seed: Fixes the draws.

    Returns:
        (1 + r, n) times that each item counts; row 0 is all ones.

    Raises:
        ValueError: There are no items.

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap (1993), cluster sampling.
    """
    if not len(patients):
        raise ValueError("there are no items to resample")
    names, owner = np.unique(np.asarray(patients, dtype=str), return_inverse=True)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), resamples)
    return np.vstack([np.ones((1, len(owner))), drawn[:, owner].astype(np.float64)])


def estimate(values: Floats) -> Estimate:
    """Turn the (1 + r,) values of a score into a number with its 95 % interval."""
    resampled = values[1:][np.isfinite(values[1:])]
    low, high = (
        np.percentile(resampled, [2.5, 97.5]) if len(resampled) else (np.nan, np.nan)
    )
    return Estimate(float(values[0]), float(low), float(high))


def auroc(scores: Floats, truth: NDArray[np.bool_], weights: Floats) -> Floats:
    """Area under the ROC curve: the chance that a positive outscores a negative.

    Args:
        scores: (n,) higher means more likely positive; ties count one half.
        truth: (n,) True for positives.
        weights: (1 + r, n) from `patient_weights`.

    Returns:
        (1 + r,) areas; NaN where a sample holds no positive or no negative.

    Source:
        Hanley and McNeil, Radiology 143 (1982) 29-36.
    """
    return _in_chunks(_auroc, scores, truth, weights)


def average_precision(
    scores: Floats, truth: NDArray[np.bool_], weights: Floats
) -> Floats:
    """Area under the precision-recall curve as the sum of its steps.

    Args:
        scores: (n,) higher means more likely positive.
        truth: (n,) True for positives.
        weights: (1 + r, n) from `patient_weights`.

    Returns:
        (1 + r,) areas; NaN where a sample holds no positive.
    """
    return _in_chunks(_average_precision, scores, truth, weights)


def balanced_accuracy(
    predicted: Floats, truth: NDArray[np.bool_], weights: Floats
) -> Floats:
    """Mean of sensitivity and specificity.

    Args:
        predicted: (n,) 1 where the item is called positive, else 0.
        truth: (n,) True for positives.
        weights: (1 + r, n) from `patient_weights`.

    Returns:
        (1 + r,) in [0, 1]; NaN where a sample holds no positive or no negative.
    """
    right = (predicted > 0) == truth
    hit = ratio(weights @ (truth & right), weights @ truth)
    return (hit + ratio(weights @ (~truth & right), weights @ ~truth)) / 2


def mean(values: Floats, weights: Floats) -> Floats:
    """Average of (n,) values in each resample; NaN values are left out."""
    known = np.isfinite(values)
    return ratio(weights @ np.where(known, values, 0.0), weights @ known)


def macro(columns: Sequence[Floats]) -> Floats:
    """Average scores over classes, leaving out those undefined in a resample.

    Args:
        columns: One (1 + r,) array of values a class.

    Returns:
        (1 + r,) means; NaN where no class is defined.
    """
    table = np.stack(columns)
    known = np.isfinite(table)
    return ratio(np.where(known, table, 0.0).sum(axis=0), known.sum(axis=0))


def ratio(over: Floats, under: NDArray[np.float64] | NDArray[np.int_]) -> Floats:
    """Divide element by element; NaN where `under` is zero."""
    filled = np.full(over.shape, np.nan)
    np.divide(over, under, out=filled, where=np.asarray(under) != 0)
    return filled


def _in_chunks(
    score: Score, scores: Floats, truth: NDArray[np.bool_], weights: Floats
) -> Floats:
    rows = max(1, _CHUNK_CELLS // max(len(scores), 1))
    parts = [
        score(scores, truth, weights[i : i + rows])
        for i in range(0, len(weights), rows)
    ]
    return np.concatenate(parts)


def _tie_sums(
    scores: Floats, truth: NDArray[np.bool_], weights: Floats
) -> tuple[Floats, Floats]:
    """Weight of positives and of negatives at each distinct score, ascending."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf) > 0)
    ranked, positive = weights[:, order], truth[order]
    at_positive = np.add.reduceat(ranked * positive, starts, axis=1)
    at_negative = np.add.reduceat(ranked * ~positive, starts, axis=1)
    return at_positive, at_negative


def _auroc(scores: Floats, truth: NDArray[np.bool_], weights: Floats) -> Floats:
    positive, negative = _tie_sums(scores, truth, weights)
    below = np.cumsum(negative, axis=1) - negative / 2
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    return ratio((positive * below).sum(axis=1), pairs)


def _average_precision(
    scores: Floats, truth: NDArray[np.bool_], weights: Floats
) -> Floats:
    positive, negative = (part[:, ::-1] for part in _tie_sums(scores, truth, weights))
    found = np.cumsum(positive, axis=1)
    called = found + np.cumsum(negative, axis=1)
    precision = np.nan_to_num(ratio(found, called))
    return ratio((positive * precision).sum(axis=1), positive.sum(axis=1))
