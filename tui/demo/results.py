"""The figures of both models side by side, as summary.json and the report have them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from capture.errors import InputError
from training.evaluation.metrics import Floats, paired_difference

MODELS = ("egma", "control")
"""Run folders of the demo: with gaze, and without."""
HEADLINES = {
    "zero_shot_auroc_macro": ("zero-shot", "macro_auroc"),
    "retrieval_p_at_1": ("retrieval", "precision_at_1"),
    "pointing_game": ("grounding", "pointing_game"),
}
"""Name in summary.json to task and to the name in its result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the comparison."""

    title: str
    """What is measured."""
    estimates: dict[str, dict[str, float | None]]
    """Model to value, low and high."""
    chance: float | None
    """What guessing gives; None where there is no such number."""
    span: tuple[float, float] = (0.0, 1.0)
    """Axis to draw it on."""


def read_results(out: Path) -> dict[str, dict[str, Any]]:
    """Read what evaluation wrote: model to task to result.

    Raises:
        InputError: A result is missing or damaged.
    """
    tasks = {task for task, _ in HEADLINES.values()}
    return {
        model: {
            task: read_json(out / model / "evaluation" / f"{task}.json")
            for task in sorted(tasks)
        }
        for model in MODELS
    }


def headline_figures(out: Path, results: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The main figures of both models, with intervals, chance and paired difference."""
    figures: dict[str, Any] = {}
    for name, (task, key) in HEADLINES.items():
        found = {model: results[model][task]["results"] for model in MODELS}
        figures[name] = {
            model: {**found[model][key], "chance": found[model]["chance"]}
            for model in MODELS
        }
        a, b = (_resamples(out, model, task) for model in MODELS)
        if a.shape == b.shape:
            figures[name]["difference"] = paired_difference(a, b).as_json()
    return figures


def comparison(results: dict[str, dict[str, Any]]) -> list[Row]:
    """All rows of the comparison of the two models, in the order of the report."""
    return [*_zero_shot(results), *_retrieval(results), *_grounding(results)]


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        InputError: The file is missing, or is not one.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(path, f"cannot be read: {error}", "run the demo anew") from (
            error
        )
    if not isinstance(values, dict):
        raise InputError(path, "holds no JSON object", "run the demo anew")
    return values


def _resamples(out: Path, model: str, task: str) -> Floats:
    path = out / model / "evaluation" / f"{task}.npy"
    try:
        values: Floats = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(path, f"cannot be read: {error}", "run the demo anew") from (
            error
        )
    return values


def _zero_shot(results: dict[str, dict[str, Any]]) -> list[Row]:
    found = {m: results[m]["zero-shot"]["results"] for m in MODELS}
    best = {m: found[m]["variants"][found[m]["headline"]]["findings"] for m in MODELS}
    rows = [
        Row(
            title="Zero-shot AUROC, mean over findings",
            estimates={m: found[m]["macro_auroc"] for m in MODELS},
            chance=0.5,
        )
    ]
    shared = [name for name in best["egma"] if name in best["control"]]
    return rows + [
        Row(
            title=f"· {name}",
            estimates={m: best[m][name]["auroc"] for m in MODELS},
            chance=0.5,
        )
        for name in shared
    ]


def _retrieval(results: dict[str, dict[str, Any]]) -> list[Row]:
    found = {m: results[m]["retrieval"]["results"] for m in MODELS}
    rows = []
    for way, title in (
        ("image_to_text", "Report of an image"),
        ("text_to_image", "Image of a report"),
    ):
        for kind, depth in (("precision", "1"), ("recall", "5"), ("recall", "10")):
            if depth not in found["egma"][way][kind]:
                continue
            rows.append(
                Row(
                    title=f"{title}: {kind} at {depth}",
                    estimates={m: found[m][way][kind][depth] for m in MODELS},
                    chance=found["egma"][way][f"{kind}_chance"][depth],
                )
            )
    return rows


def _grounding(results: dict[str, dict[str, Any]]) -> list[Row]:
    found = {m: results[m]["grounding"]["results"] for m in MODELS}
    scores = {m: found[m]["scores"]["model"] for m in MODELS}
    rows = [
        Row(
            title="Pointing game: peak of the sentence's map in its region",
            estimates={m: found[m]["pointing_game"] for m in MODELS},
            chance=found["egma"]["chance"],
        ),
        Row(
            title="· the same with another sentence's map",
            estimates={
                m: found[m]["scores"]["shuffled_sentence"]["pointing_game"]
                for m in MODELS
            },
            chance=found["egma"]["chance"],
        ),
    ]
    for key, title, span in (
        ("nss", "NSS of the map at held-out fixations", (-0.5, 2.5)),
        ("cc", "CC of the map with held-out gaze", (-0.2, 1.0)),
    ):
        if all(scores[m][key] for m in MODELS):
            rows.append(
                Row(
                    title=title,
                    estimates={m: scores[m][key] for m in MODELS},
                    chance=0.0,
                    span=span,
                )
            )
    return rows
