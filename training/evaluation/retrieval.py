"""Retrieval between held-out studies and their reports, both ways."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capture.errors import InputError
from training.evaluation import metrics
from training.evaluation.held_out import HeldOut, ImageVectors, Vectors
from training.evaluation.zero_shot import subset

DEPTHS = (1, 5, 10)
"""How many of the nearest are looked at."""
_CHUNK_CELLS = 16_000_000
"""Patch-sentence cosines held at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """The studies that queries and candidates are drawn from."""

    position: NDArray[np.int64]
    """(n,) position within the split of the reading that stands for the study."""
    study: NDArray[np.str_]
    """(n,) study."""
    report: list[str]
    """(n) report text."""
    sentences: list[list[str]]
    """(n) sentences of the findings and impression sections."""

    def hits(self) -> NDArray[np.bool_]:
        """(n, n) True where two studies are one, or have word for word one report."""
        text = np.asarray(self.report, dtype=object)
        same_text = text[:, None] == text[None, :]
        same_study = self.study[:, None] == self.study[None, :]
        return np.asarray(same_study | same_text.astype(bool))


def retrieval(held: HeldOut) -> metrics.Scored:
    """Find the report of an image and the image of a report among held-out studies.

    Raises:
        InputError: Fewer than two studies of the split have a report.
    """
    pairs = study_pairs(held)
    images = subset(held.images, pairs.position)
    to_text, to_image = similarities(held, images, pairs)
    weights = metrics.patient_weights(
        list(held.ids("patient_id")[pairs.position]), held.resamples, held.seed
    )
    hits = pairs.hits()
    forward = scores(to_text, hits, weights)
    backward = scores(to_image.T, hits.T, weights)
    right = (_nearest_right(to_text, hits) + _nearest_right(to_image.T, hits.T)) / 2
    headline = metrics.mean(right, weights)
    figures = {
        "n_studies": len(pairs.study),
        "n_patients": len(set(held.ids("patient_id")[pairs.position])),
        "n_identical_reports": int(len(pairs.report) - len(set(pairs.report))),
        "hit": "a report of the same study, or one that is word for word the same",
        "similarity": _similarity_name(held),
        "interval": "95 % bootstrap over the patients of the queries; candidates fixed",
        "image_to_text": forward,
        "text_to_image": backward,
        "precision_at_1": metrics.estimate(headline).as_json(),
        "precision_at_1_is": "mean of both directions",
        "chance": forward["precision_chance"]["1"],
        "examples": _examples(to_text, hits, pairs, held),
    }
    return metrics.Scored(figures=figures, headline=headline)


def _nearest_right(
    similarity: metrics.Floats, hits: NDArray[np.bool_]
) -> metrics.Floats:
    """(q,) 1 where the nearest candidate is right, else 0."""
    nearest = similarity.argmax(axis=1)[:, None]
    right = np.take_along_axis(hits, nearest, axis=1)[:, 0]
    return np.asarray(right, dtype=np.float64)


def study_pairs(held: HeldOut) -> Pairs:
    """Take the first reading with a report of every study.

    Raises:
        InputError: Fewer than two studies of the split have a report.
    """
    sentences = _sentences(held)
    spoken = held.mask("has_report") & np.asarray([bool(s) for s in sentences])
    known = np.flatnonzero(spoken)
    studies = held.ids("study_id")
    first = np.sort(np.unique(studies[known], return_index=True)[1])
    if len(first) < 2:
        raise InputError(
            held.dataset.folder,
            f"{len(first)} studies of this split have a report, retrieval needs 2",
            "curate studies with their reports",
        )
    position = known[first]
    reports = held.dataset.text("report")
    return Pairs(
        position=position,
        study=studies[position],
        report=[" ".join(str(reports[held.rows[i]]).split()) for i in position],
        sentences=[sentences[i] for i in position],
    )


def similarities(
    held: HeldOut, images: ImageVectors, pairs: Pairs
) -> tuple[metrics.Floats, metrics.Floats]:
    """Score every image with every report, once for each direction.

    `patchmax` is the fine-grained score that EGMA trains (FILIP, Yao et al. 2022,
    arXiv:2111.07783): image to text averages over patches the best sentence, text to
    image averages over sentences the best patch. `pooled` is one cosine for both.

    Returns:
        Two (n, n) matrices, images down and reports across.
    """
    if held.headline == "pooled":
        joined = [" ".join(sentences) for sentences in pairs.sentences]
        both = (images.pooled @ held.embed(joined).T).astype(np.float64)
        return both, both
    flat = [text for sentences in pairs.sentences for text in sentences]
    starts = np.cumsum([0, *(len(s) for s in pairs.sentences)])
    return fine_grained(images.tokens, held.embed(flat), starts)


def fine_grained(
    tokens: Vectors, sentences: Vectors, starts: NDArray[np.int64]
) -> tuple[metrics.Floats, metrics.Floats]:
    """Compare all images with all texts patch by sentence.

    Args:
        tokens: (b, n, d) patch vectors.
        sentences: (m, d) sentence vectors of all texts, one text after the other.
        starts: (k + 1,) where the sentences of each text begin; none is empty.

    Returns:
        I (b, k), mean over patches of the best sentence of the text, and W (b, k), mean
        over the text's sentences of the best patch.
    """
    counts = np.diff(starts)
    cells = tokens.shape[1] * len(sentences)
    step = max(1, _CHUNK_CELLS // max(cells, 1))
    to_text, to_image = [], []
    for first in range(0, len(tokens), step):
        cosine = tokens[first : first + step] @ sentences.T  # (c, n, m)
        best_sentence = np.maximum.reduceat(cosine, starts[:-1], axis=2)
        to_text.append(best_sentence.mean(axis=1, dtype=np.float64))
        best_patch = cosine.max(axis=1).astype(np.float64)
        to_image.append(np.add.reduceat(best_patch, starts[:-1], axis=1) / counts)
    return np.concatenate(to_text), np.concatenate(to_image)


def scores(
    similarity: metrics.Floats, hits: NDArray[np.bool_], weights: metrics.Floats
) -> dict[str, Any]:
    """Precision and recall of the nearest candidates, with what chance would give.

    Args:
        similarity: (q, c) queries down, candidates across.
        hits: (q, c) True where a candidate is right.
        weights: (1 + r, q) from `metrics.patient_weights`.

    Returns:
        By depth K: `precision`, the share of hits in the top K; `recall`, whether the
        top K holds a hit; and for both the expectation under a random order.
    """
    order = np.argsort(-similarity, axis=1, kind="stable")
    ranked = np.take_along_axis(hits, order, axis=1)
    result: dict[str, Any] = {
        key: {} for key in ("precision", "precision_chance", "recall", "recall_chance")
    }
    for depth in (k for k in DEPTHS if k <= hits.shape[1]):
        top = ranked[:, :depth]
        found = np.asarray(top.sum(axis=1), dtype=np.float64)
        precision = metrics.mean(found / depth, weights)
        recall = metrics.mean((found > 0).astype(np.float64), weights)
        key = str(depth)
        result["precision"][key] = metrics.estimate(precision).as_json()
        result["recall"][key] = metrics.estimate(recall).as_json()
        result["precision_chance"][key] = float(hits.mean())
        result["recall_chance"][key] = float(_any_hit(hits, depth).mean())
    first_hit = ranked.argmax(axis=1) + 1.0
    result["median_rank"] = float(np.median(first_hit))
    return result


def _any_hit(hits: NDArray[np.bool_], depth: int) -> metrics.Floats:
    """Chance that `depth` candidates drawn at random hold a hit (hypergeometric)."""
    candidates = hits.shape[1]
    wrong = candidates - hits.sum(axis=1, keepdims=True).astype(np.float64)
    drawn = np.arange(depth)[None, :]
    missed = np.prod(np.clip(wrong - drawn, 0, None) / (candidates - drawn), axis=1)
    return np.asarray(1 - missed)


def _sentences(held: HeldOut) -> list[list[str]]:
    """Findings and impression sentences of every reading of the split."""
    text, offsets = held.dataset.ragged("sentences", "text")
    section, _ = held.dataset.ragged("sentences", "section")
    spans = [range(int(offsets[row]), int(offsets[row + 1])) for row in held.rows]
    return [[str(text[i]) for i in span if section[i] in (0, 1)] for span in spans]


def _similarity_name(held: HeldOut) -> str:
    if held.headline == "pooled":
        return "cosine of the pooled image and the pooled report"
    return (
        "mean over patches (image to text) or sentences (text to image) of the maximum"
    )


def _examples(
    similarity: metrics.Floats, hits: NDArray[np.bool_], pairs: Pairs, held: HeldOut
) -> list[dict[str, Any]]:
    """The best-ranked right answer, a median one and the worst, three reports each."""
    order = np.argsort(-similarity, axis=1, kind="stable")
    rank = np.take_along_axis(hits, order, axis=1).argmax(axis=1)
    by_rank = np.argsort(rank, kind="stable")
    places = (0, 1, len(by_rank) // 2, len(by_rank) - 1)
    chosen = list(dict.fromkeys(int(by_rank[i]) for i in places))
    return [
        {
            "row": int(held.rows[pairs.position[query]]),
            "rank_of_own_report": int(rank[query]) + 1,
            "own_report": pairs.report[query],
            "top": [
                {
                    "report": pairs.report[candidate],
                    "similarity": float(similarity[query, candidate]),
                    "hit": bool(hits[query, candidate]),
                }
                for candidate in order[query, :3]
            ],
        }
        for query in chosen
    ]
