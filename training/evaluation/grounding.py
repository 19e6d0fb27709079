"""Grounding: does a held-out sentence light up the region it is about?

The map of a sentence is its cosine with every patch, stretched over the image. It is
held against the marked region (pointing game) and against where the reader looked while
that sentence was said (NSS, CC), beside what knows nothing of the sentence: chance, the
middle of the image, the mean gaze of the training readings, and another sentence.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capture.errors import InputError
from curation.dataset import Dataset
from training.evaluation import maps, metrics
from training.evaluation.held_out import HeldOut, Vectors

N_EXAMPLES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounded:
    """Held-out sentences that state a finding with a marked region."""

    position: NDArray[np.int64]
    """(k,) position of the reading within the split."""
    sentence: NDArray[np.int64]
    """(k,) index of the sentence within its reading."""
    text: list[str]
    """(k) what was said."""
    region: NDArray[np.bool_]
    """(k, CELLS, CELLS) union of the regions of that sentence."""
    boxes: list[list[list[float]]]
    """(k) their boxes, x0, y0, x1, y1 normalized."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """Fixations made for the grounded sentences."""

    owner: NDArray[np.int64]
    """(f,) which grounded sentence."""
    xy: NDArray[np.float32]
    """(f, 2) normalized image coordinates."""
    sigma: NDArray[np.float32]
    """(f, 2) one degree of visual angle in the same units."""
    weight: NDArray[np.float32]
    """(f,) seconds of the fixation that belong to the sentence."""


def grounding(held: HeldOut) -> metrics.Scored:
    """Score the maps of all held-out sentences that have a region.

    Raises:
        InputError: No reading of the split has a region tied to a sentence.
    """
    found = grounded_sentences(held)
    vectors = held.embed(found.text)
    own = _maps(held, found, vectors)
    rng = np.random.default_rng(held.seed)
    other = _maps(held, found, vectors[_other_text(found.text, rng)])
    looks = sentence_looks(held, found)
    middle = np.broadcast_to(maps.center_gaussian(), own.shape)
    rivals = {"model": own, "center": middle, "shuffled_sentence": other}
    mean_gaze = mean_gaze_map(held.dataset)
    if mean_gaze is not None:
        rivals["mean_gaze"] = np.broadcast_to(mean_gaze, own.shape)
    weights = metrics.patient_weights(
        list(held.ids("patient_id")[found.position]), held.resamples, held.seed
    )
    table = {name: _score(m, found, looks, weights) for name, m in rivals.items()}
    model_hit = maps.peak_inside(own, found.region)
    other_hit = maps.peak_inside(other, found.region)
    figures = {
        "n_sentences": len(found.text),
        "n_with_gaze": len(np.unique(looks.owner)),
        "n_readings": len(np.unique(found.position)),
        "n_patients": len(set(held.ids("patient_id")[found.position])),
        "map": "cosine of the sentence with every patch, bilinear over the image",
        "pointing_game": table["model"]["pointing_game"],
        "chance": float(found.region.mean()),
        "chance_is": "mean share of the image that the region covers",
        "gain_over_shuffled": metrics.estimate(
            metrics.mean(model_hit - other_hit, weights)
        ).as_json(),
        "scores": table,
        "examples": _examples(held, found, looks, own, model_hit),
    }
    return metrics.Scored(figures=figures, headline=metrics.mean(model_hit, weights))


def grounded_sentences(held: HeldOut) -> Grounded:
    """Collect the sentences of the split that mention a marked region as present.

    Raises:
        InputError: There is none.
    """
    data = held.dataset
    sentence, offsets = data.ragged("regions", "sentence")
    place, item = _of_rows(held.rows, offsets)
    told = sentence[item] >= 0
    place, item = place[told], item[told]
    if not len(item):
        raise InputError(
            data.folder,
            "no reading of this split has a region tied to a sentence",
            "curate with annotations that mark regions, and with reports",
        )
    columns = [data.ragged("regions", c)[0][item] for c in ("x0", "y0", "x1", "y1")]
    boxes = np.stack(columns, axis=1).astype(np.float32)
    pairs = np.stack([place, sentence[item].astype(np.int64)], axis=1)
    unique, group = np.unique(pairs, axis=0, return_inverse=True)
    region = np.zeros((len(unique), maps.CELLS, maps.CELLS), dtype=bool)
    np.logical_or.at(region, group, maps.box_mask(boxes))
    text, starts = data.ragged("sentences", "text")
    first = starts[held.rows[unique[:, 0]]]
    return Grounded(
        position=unique[:, 0],
        sentence=unique[:, 1],
        text=[str(t) for t in np.asarray(text)[first + unique[:, 1]]],
        region=region,
        boxes=[boxes[group == k].round(4).tolist() for k in range(len(unique))],
    )


def sentence_looks(held: HeldOut, found: Grounded) -> Looks:
    """Fixations that curation tied to the grounded sentences; empty without gaze."""
    data = held.dataset
    sentence, offsets = data.ragged("sentence_fixations", "sentence")
    fixation = data.ragged("sentence_fixations", "fixation")[0]
    overlap = data.ragged("sentence_fixations", "overlap_s")[0]
    place, item = _of_rows(held.rows, offsets)
    span = int(max(found.sentence.max(), sentence.max(initial=0))) + 1
    wanted = found.position * span + found.sentence  # ascending: made by np.unique
    have = place * span + sentence[item].astype(np.int64)
    owner = np.clip(np.searchsorted(wanted, have), 0, len(wanted) - 1)
    keep = wanted[owner] == have
    owner, item, place = owner[keep], item[keep], place[keep]
    starts = data.ragged("fixations", "x")[1]
    at = starts[held.rows[place]] + fixation[item]
    x, y, sigma_x, sigma_y = (
        data.ragged("fixations", c)[0][at] for c in ("x", "y", "sigma_x", "sigma_y")
    )
    return Looks(
        owner=owner.astype(np.int64),
        xy=np.stack([x, y], axis=1).astype(np.float32),
        sigma=np.stack([sigma_x, sigma_y], axis=1).astype(np.float32),
        weight=overlap[item].astype(np.float32),
    )


def mean_gaze_map(data: Dataset) -> Vectors | None:
    """Average where the training readings dwelled; None where none has gaze."""
    rows = np.asarray(data.rows("train"), dtype=np.int64)
    x, offsets = data.ragged("fixations", "x")
    place, item = _of_rows(rows, offsets)
    if not len(item):
        return None
    columns = [
        data.ragged("fixations", c)[0][item]
        for c in ("y", "sigma_x", "sigma_y", "duration_s")
    ]
    y, sigma_x, sigma_y, seconds = (np.asarray(c, dtype=np.float32) for c in columns)
    total = np.bincount(place, weights=seconds, minlength=len(rows))[place]
    (mean_map,) = maps.dwell(
        np.zeros(len(item), dtype=np.int64),
        1,
        np.stack([x[item], y], axis=1).astype(np.float32),
        np.stack([sigma_x, sigma_y], axis=1),
        (seconds / total).astype(np.float32),
    )
    return np.asarray(mean_map)


def _of_rows(
    rows: NDArray[np.int64], offsets: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Flat items of some rows of a ragged group, with the place of their row."""
    count = (offsets[rows + 1] - offsets[rows]).astype(np.int64)
    place = np.repeat(np.arange(len(rows)), count)
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return place, offsets[rows][place] + within


def _maps(held: HeldOut, found: Grounded, vectors: Vectors) -> Vectors:
    placement = np.asarray(held.dataset.placement(held.rows[found.position]))
    tokens, size = held.images.tokens, held.dataset.image_size
    parts = []
    for first in range(0, len(vectors), 256):  # bounds memory: 256 sentences at a time
        part = slice(first, first + 256)
        cosine = np.einsum("knd,kd->kn", tokens[found.position[part]], vectors[part])
        patches = cosine.reshape(-1, *held.images.grid)
        parts.append(maps.upsample(patches, placement[part], size))
    return np.concatenate(parts)


def _other_text(text: list[str], rng: np.random.Generator) -> NDArray[np.int64]:
    """For each sentence one that says something else, where there is one."""
    names, group = np.unique(np.asarray(text, dtype=object), return_inverse=True)
    shift = rng.integers(1, max(len(names), 2), len(text))
    wanted = (group + shift) % len(names)
    first = np.unique(group, return_index=True)[1]
    return np.asarray(first[wanted], dtype=np.int64)


def _score(
    shown: Vectors, found: Grounded, looks: Looks, weights: metrics.Floats
) -> dict[str, Any]:
    hits = maps.peak_inside(shown, found.region)
    result: dict[str, Any] = {
        "pointing_game": metrics.estimate(metrics.mean(hits, weights)).as_json()
    }
    if not len(looks.owner):
        return result | {"nss": None, "cc": None}
    nss = maps.scanpath_saliency(shown, looks.owner, looks.xy, looks.weight)
    cc = maps.correlation(shown, _dwell(found, looks))
    return result | {
        "nss": metrics.estimate(metrics.mean(nss, weights)).as_json(),
        "cc": metrics.estimate(metrics.mean(cc, weights)).as_json(),
    }


def _dwell(found: Grounded, looks: Looks) -> Vectors:
    count = len(found.text)
    return maps.dwell(looks.owner, count, looks.xy, looks.sigma, looks.weight)


def _examples(
    held: HeldOut, found: Grounded, looks: Looks, own: Vectors, hit: metrics.Floats
) -> list[dict[str, Any]]:
    """Sentences spread over the split in its order: hits and misses as they come."""
    gazed = np.unique(looks.owner)
    pool = gazed if len(gazed) else np.arange(len(found.text))
    firsts = np.unique(np.asarray(found.text, dtype=object)[pool], return_index=True)[1]
    pool = pool[np.sort(firsts)]
    chosen = pool[np.linspace(0, len(pool) - 1, min(N_EXAMPLES, len(pool))).astype(int)]
    return [
        {
            "row": int(held.rows[found.position[k]]),
            "sentence": int(found.sentence[k]),
            "text": found.text[k],
            "boxes": found.boxes[k],
            "map": own[k, ::2, ::2].round(4).tolist(),
            "hit": bool(hit[k]),
        }
        for k in chosen
    ]
