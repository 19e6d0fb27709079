"""Training, validation and test patients, by hash: nobody has to keep a list."""

import hashlib
from collections.abc import Iterable

from capture.errors import ConfigError

SPLITS = ("train", "validation", "test")


def split_patients(
    patient_ids: Iterable[str],
    *,
    seed: int = 0,
    shares: tuple[float, float, float] = (0.7, 0.1, 0.2),
) -> dict[str, list[str]]:
    """Put every patient into exactly one split.

    A patient's place depends on the id and the seed alone, so adding patients moves
    nobody. The one exception is a split that would stay empty: it gets the patient
    whose hash lies nearest, from the largest split.

    Args:
        patient_ids: Pseudonyms; repeats count once.
        seed: Another seed is another division.
        shares: Of train, validation and test; they add up to 1.

    Returns:
        Sorted patient ids of each split, in the order of `SPLITS`.

    Raises:
        ConfigError: The shares are negative or do not add up to 1.
    """
    if min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
        raise ConfigError(
            f"split shares must be 0 or more and add up to 1, got {shares}"
        )
    places = {patient: _place(patient, seed) for patient in sorted(set(patient_ids))}
    edges = (shares[0], shares[0] + shares[1])
    splits: dict[str, list[str]] = {name: [] for name in SPLITS}
    for patient, place in places.items():
        splits[SPLITS[sum(place >= edge for edge in edges)]].append(patient)
    _fill_empty(splits, places, shares)
    return {name: sorted(patients) for name, patients in splits.items()}


def _place(patient_id: str, seed: int) -> float:
    digest = hashlib.sha256(f"{seed}\0{patient_id}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def _fill_empty(
    splits: dict[str, list[str]],
    places: dict[str, float],
    shares: tuple[float, float, float],
) -> None:
    middles = (
        shares[0] / 2,
        shares[0] + shares[1] / 2,
        shares[0] + shares[1] + shares[2] / 2,
    )
    for name, share, middle in zip(SPLITS, shares, middles, strict=True):
        donor = max(splits.values(), key=len)
        if splits[name] or not share or len(donor) < 2:
            continue
        nearest = min(donor, key=lambda p: (abs(places[p] - middle), p))
        donor.remove(nearest)
        splits[name].append(nearest)
