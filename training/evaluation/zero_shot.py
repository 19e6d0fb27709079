"""Zero-shot findings: the sentence that states one against the one that denies it.

Tiu et al., Nature Biomedical Engineering 6 (2022) 1399-1406 (CheXzero): the probability
of a finding is the softmax over a positive and a negative prompt, without a scale.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capture.errors import InputError
from training.evaluation import metrics
from training.evaluation.held_out import HeldOut, ImageVectors, Vectors
from training.text import PROMPTS, Prompt, check_prompts

MIN_CLASS_COUNT = 3
"""A finding with fewer positives or negatives is not scored: its AUROC says nothing."""


def zero_shot(held: HeldOut, prompts: Mapping[str, Prompt] = PROMPTS) -> metrics.Scored:
    """Score every finding on the labeled images of a split.

    Images that several readers read count once. Uncertain and unstated labels are left
    out finding by finding.

    Raises:
        InputError: No image of the split has labels, or no finding has enough of them.
        ConfigError: A prompt names no finding.
    """
    check_prompts(prompts)
    once = labeled_images(held)
    columns = {name: i for i, name in enumerate(held.dataset.findings)}
    names = [name for name in prompts if name in columns]
    labels = np.asarray(held.dataset.labels)[held.rows[once]]
    labels = labels[:, [columns[name] for name in names]]
    scored, skipped = _enough(names, labels)
    if not scored:
        raise InputError(
            held.dataset.folder,
            f"no finding has {MIN_CLASS_COUNT} positive and {MIN_CLASS_COUNT} negative "
            "images in this split",
            "curate more studies, or evaluate another split",
        )
    weights = metrics.patient_weights(
        list(held.ids("patient_id")[once]), held.resamples, held.seed
    )
    positive, negative = embed_prompts(held, [prompts[name] for name in names])
    variants: dict[str, Any] = {}
    macros: dict[str, metrics.Floats] = {}
    for how in ("pooled", "patchmax"):
        p = probabilities(subset(held.images, once), positive, negative, how)
        macros[how], variants[how] = _score_all(names, scored, p, labels, weights)
    figures = {
        "classes": names,
        "skipped": skipped,
        "n_images": len(once),
        "n_patients": len(set(held.ids("patient_id")[once])),
        "headline": held.headline,
        "prompts": {
            name: {
                "positive": list(prompts[name].positive),
                "negative": list(prompts[name].negative),
            }
            for name in names
        },
        "macro_auroc": variants[held.headline]["macro_auroc"],
        "chance": 0.5,
        "variants": variants,
    }
    return metrics.Scored(figures=figures, headline=macros[held.headline])


def labeled_images(held: HeldOut) -> NDArray[np.int64]:
    """Positions within the split of the first reading of every labeled image.

    Raises:
        InputError: No image of the split has labels.
    """
    known = np.flatnonzero(held.mask("has_labels"))
    if not len(known):
        raise InputError(
            held.dataset.folder,
            "no image of this split has labels",
            "curate with a study list whose reports or annotations state findings",
        )
    first = np.unique(held.ids("image_id")[known], return_index=True)[1]
    return np.sort(known[first]).astype(np.int64)


def subset(images: ImageVectors, which: NDArray[np.int64]) -> ImageVectors:
    """Keep the vectors of some images."""
    return ImageVectors(
        tokens=images.tokens[which], pooled=images.pooled[which], grid=images.grid
    )


def embed_prompts(held: HeldOut, prompts: Sequence[Prompt]) -> tuple[Vectors, Vectors]:
    """Average the unit vectors of each prompt's sentences and make them unit again.

    Returns:
        (c, d) vectors that state the findings and (c, d) that deny them.
    """
    positive = [_mean_embed(held, prompt.positive) for prompt in prompts]
    negative = [_mean_embed(held, prompt.negative) for prompt in prompts]
    return np.stack(positive), np.stack(negative)


def probabilities(
    images: ImageVectors, positive: Vectors, negative: Vectors, how: str
) -> metrics.Floats:
    """Compare images with what states and what denies each finding.

    Args:
        images: Vectors of n images.
        positive: (c, d) unit vectors stating the findings.
        negative: (c, d) unit vectors denying them.
        how: `pooled` takes the cosine with the image vector, `patchmax` the largest
            cosine with any of its patches.

    Returns:
        (n, c) p = e^cos+ / (e^cos+ + e^cos-).
    """
    plus, minus = (cosines(images, side, how) for side in (positive, negative))
    return np.asarray(1 / (1 + np.exp(minus - plus)), dtype=np.float64)


def cosines(images: ImageVectors, texts: Vectors, how: str) -> metrics.Floats:
    """Cosine of n images with k texts, (n, k): `pooled` or `patchmax`."""
    if how == "pooled":
        return (images.pooled @ texts.T).astype(np.float64)
    return np.asarray((images.tokens @ texts.T).max(axis=1), dtype=np.float64)


def _mean_embed(held: HeldOut, sentences: Sequence[str]) -> Vectors:
    center = held.embed(sentences).mean(axis=0)
    unit: Vectors = center / max(float(np.linalg.norm(center)), 1e-12)
    return unit


def _enough(
    names: Sequence[str], labels: NDArray[np.int8]
) -> tuple[list[int], dict[str, str]]:
    scored, skipped = [], {}
    for i, name in enumerate(names):
        yes, no = int((labels[:, i] == 1).sum()), int((labels[:, i] == 0).sum())
        if min(yes, no) >= MIN_CLASS_COUNT:
            scored.append(i)
        else:
            skipped[name] = (
                f"{yes} positive and {no} negative images, "
                f"{MIN_CLASS_COUNT} of each are needed"
            )
    return scored, skipped


def _score_all(
    names: Sequence[str],
    scored: Sequence[int],
    p: metrics.Floats,
    labels: NDArray[np.int8],
    weights: metrics.Floats,
) -> tuple[metrics.Floats, dict[str, Any]]:
    areas, findings = [], {}
    for i in scored:
        area, findings[names[i]] = _score(p[:, i], labels[:, i], weights)
        areas.append(area)
    macro = metrics.macro(areas)
    auroc = metrics.estimate(macro).as_json()
    return macro, {"macro_auroc": auroc, "findings": findings}


def _score(
    p: metrics.Floats, labels: NDArray[np.int8], weights: metrics.Floats
) -> tuple[metrics.Floats, dict[str, Any]]:
    stated = (labels == 0) | (labels == 1)
    truth, p, weights = labels[stated] == 1, p[stated], weights[:, stated]
    called = (p >= 0.5).astype(np.float64)
    area = metrics.auroc(p, truth, weights)
    auroc = metrics.estimate(area)
    precision = metrics.estimate(metrics.average_precision(p, truth, weights))
    balanced = metrics.estimate(metrics.balanced_accuracy(called, truth, weights))
    share, common = float(called.mean()), float(max(truth.mean(), 1 - truth.mean()))
    result: dict[str, Any] = {
        "auroc": auroc.as_json(),
        "auprc": precision.as_json(),
        "balanced_accuracy": balanced.as_json(),
        "accuracy": float((called == truth).mean()),
        "macro_f1": _macro_f1(called > 0, truth),
        "positive_share": {"called": share, "true": float(truth.mean())},
        "confusion": _confusion(called, truth),
        "constant_predictor": {
            "auroc": 0.5,
            "auprc": float(truth.mean()),
            "balanced_accuracy": 0.5,
            "accuracy": common,
            "macro_f1": common / (1 + common),
        },
        "warnings": [],
    }
    if max(share, 1 - share) > 0.95:
        result["warnings"].append("more than 95 % of the images are called the same")
    if auroc.value < 0.4:
        result["warnings"].append(
            "AUROC below 0.4: are the prompts the wrong way round?"
        )
    return area, result


def _macro_f1(called: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Mean of the F1 scores of having and of not having the finding."""
    both = [(called, truth), (~called, ~truth)]
    scores = [2 * (a & b).sum() / (a.sum() + b.sum()) for a, b in both]
    return float(np.mean(scores))


def _confusion(called: metrics.Floats, truth: NDArray[np.bool_]) -> dict[str, int]:
    yes = called > 0
    return {
        "true_positive": int((yes & truth).sum()),
        "false_positive": int((yes & ~truth).sum()),
        "false_negative": int((~yes & truth).sum()),
        "true_negative": int((~yes & ~truth).sum()),
    }
