"""How well the chain recovered what the simulated readers truly did.

Compares rows of the data set, which curation made of recordings alone, with what the
simulator wrote down beside them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capture.session import read_session
from capture.simulation.truth import TRUTH_FILE, read_truth
from curation.dataset import Dataset
from curation.schema import Table

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """One reading beside its truth."""

    right: NDArray[np.bool_]
    """(k,) for each fixation made for a sentence: was it given to that sentence?"""
    given: NDArray[np.bool_]
    """(k,) was it given to any sentence?"""
    start_error_s: Floats
    """(m,) found minus true start of each sentence that was said and found."""
    n_said: int
    """Sentences that were said."""
    gaze_error_deg: Floats
    """(f,) distance of each fixation from where the eye truly was."""


def session_folders(root: Path) -> list[Path]:
    """Return the sessions under a folder that carry their truth, sorted."""
    return sorted(path.parent for path in root.rglob(TRUTH_FILE))


def truth_of_rows(dataset: Dataset, root: Path) -> dict[int, dict[str, Any]]:
    """Find the truth of each row of a data set.

    Returns:
        Row number to the truth of that image; rows that nobody read are left out.
    """
    keys = zip(dataset.ids("reader_id"), dataset.ids("image_id"), strict=True)
    rows: dict[tuple[str, str], list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault((str(key[0]), str(key[1])), []).append(row)
    found: dict[int, dict[str, Any]] = {}
    for folder in session_folders(root):
        reader = read_session(folder).reader_id
        for image in read_truth(folder)["images"]:
            same = rows.get((reader, image["image_id"]), [])
            if len(same) == 1:  # who reads one image twice cannot be told apart
                found[same[0]] = image
    return found


def recover(tables: Mapping[str, Table], truth: Mapping[str, Any]) -> Recovered:
    """Compare one reading's tables with the truth of that image."""
    shown_s = float(truth["shown_s"])
    fixations, sentences = tables["fixations"], tables["sentences"]
    true = {name: np.asarray(v) for name, v in truth["fixations"].items()}
    middle_s = fixations["onset_s"] + fixations["duration_s"] / 2 + shown_s
    at, matched = _during(middle_s, true["onset_s"], true["duration_s"])
    partner = match_sentences(
        sentences["text"], [sentence["text"] for sentence in truth["sentences"]]
    )
    error_deg = np.hypot(
        (fixations["x"] - true["x"][at]) / fixations["sigma_x"],
        (fixations["y"] - true["y"][at]) / fixations["sigma_y"],
    )[matched]
    said = np.array([bool(s["said"]) for s in truth["sentences"]] + [False])
    intent = np.where(matched, true["sentence"][at], -1).astype(int)
    meant = (intent >= 0) & said[intent]
    chosen = _given(tables["sentence_fixations"], len(middle_s))
    given = np.where(chosen >= 0, partner[chosen], -1) if len(partner) else chosen
    return Recovered(
        right=(given == intent)[meant],
        given=(chosen >= 0)[meant],
        start_error_s=_start_errors(sentences, partner, truth, shown_s),
        n_said=int(said.sum()),
        gaze_error_deg=error_deg[np.isfinite(error_deg)],
    )


def match_sentences(found: Iterable[str], true: Iterable[str]) -> NDArray[np.int64]:
    """Pair sentences of equal words in order; -1 where there is no partner.

    Args:
        found: Sentences of the data set.
        true: Sentences of the simulator.

    Returns:
        (n,) index among the true ones for each found one.
    """
    waiting: dict[str, list[int]] = {}
    for index, text in enumerate(true):
        waiting.setdefault(_plain(text), []).append(index)
    queues = [waiting.get(_plain(text), []) for text in found]
    return np.array([queue.pop(0) if queue else -1 for queue in queues], dtype=int)


def summarize(readings: Iterable[Recovered]) -> dict[str, Any]:
    """Put all readings together into the figures of the demo's report."""
    all_of = list(readings)
    if not all_of:
        return {"readings": 0}
    right = np.concatenate([r.right for r in all_of])
    given = np.concatenate([r.given for r in all_of])
    start_s = np.concatenate([r.start_error_s for r in all_of])
    error_deg = np.concatenate([r.gaze_error_deg for r in all_of])
    said = sum(r.n_said for r in all_of)
    return {
        "readings": len(all_of),
        "fixations_compared": len(right),
        "fixation_share_to_true_sentence": _round(right.mean() if len(right) else None),
        "fixation_share_right_of_those_given": _round(
            right[given].mean() if given.any() else None
        ),
        "sentences_said": said,
        "sentence_share_timed": _round(len(start_s) / said if said else None),
        "sentence_start_error_ms_median": _ms(np.abs(start_s), 50),
        "sentence_start_error_ms_p95": _ms(np.abs(start_s), 95),
        "gaze_error_deg_median": _round(
            np.median(error_deg) if len(error_deg) else None
        ),
    }


def _during(
    time_s: Floats, onset_s: Floats, duration_s: Floats
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Index of the true fixation under way at each time, and whether there is one."""
    at = np.clip(np.searchsorted(onset_s, time_s, side="right") - 1, 0, None)
    return at, (time_s >= onset_s[at]) & (time_s <= onset_s[at] + duration_s[at])


def _given(pairs: Table, count: int) -> NDArray[np.int64]:
    """The sentence that claims most of each fixation's time; -1 for none."""
    chosen, most = np.full(count, -1), np.zeros(count)
    order = np.argsort(pairs["overlap_s"], kind="stable")
    chosen[pairs["fixation"][order]] = pairs["sentence"][order]
    most[pairs["fixation"][order]] = pairs["overlap_s"][order]
    return np.where(most > 0, chosen, -1)


def _start_errors(
    sentences: Table,
    partner: NDArray[np.int64],
    truth: Mapping[str, Any],
    zero_s: float,
) -> Floats:
    true_s = np.array([s.get("start_s", np.nan) for s in truth["sentences"]] + [np.nan])
    found_s = np.where(sentences["has_time"], sentences["start_s"], np.nan)
    error_s = found_s + zero_s - true_s.astype(float)[partner]
    return np.asarray(error_s[np.isfinite(error_s)])


def _plain(text: str) -> str:
    return "".join(c for c in str(text).lower() if c.isalnum())


def _round(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)


def _ms(values_s: Floats, percentile: float) -> float | None:
    if not len(values_s):
        return None
    return round(float(np.percentile(values_s, percentile)) * 1000, 1)
