"""The part of the report about the models: with gaze beside without."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from tui.demo.figures import (
    Film,
    box_layer,
    film_svg,
    heat_layer,
    interval_svg,
    peak_layer,
)
from tui.demo.pieces import estimate, interval, mark, number
from tui.demo.results import MODELS, Row

_LABELS = {"egma": "EGMA", "control": "control"}


class Films(ABC):
    """Images of the data set, each put into the page once."""

    @abstractmethod
    def of(self, row: int) -> Film:
        """Return the film of a row of the data set."""

    @abstractmethod
    def definitions(self) -> str:
        """Return all films that were asked for."""


def training(plots: Sequence[str]) -> str:
    """Show the training curves."""
    return (
        "<p>Same data, same seed, same initial encoders, same number of steps. The two "
        "losses measure different things: compare each with itself only.</p>"
        f'<div class="plots">{"".join(plots)}</div>'
    )


def models(rows: Sequence[Row], figures: dict[str, Any]) -> str:
    """Show all measures of both models, and their difference."""
    lines = []
    for row in rows:
        kind = "sub" if row.title.startswith("·") else "main"
        cells = "".join(
            f'<td class="num">{estimate(row.estimates[model])}</td>' for model in MODELS
        )
        drawn = interval_svg(
            [(model, row.estimates[model]) for model in MODELS], row.chance, row.span
        )
        chance = "" if row.chance is None else number(row.chance)
        lines.append(
            f'<tr class="{kind}"><td>{escape(row.title.lstrip("· "))}</td>{cells}'
            f'<td class="num">{chance}</td><td>{drawn}</td></tr>'
        )
    return (
        "<p>Patients that neither model has seen. Each value with its 95 % interval "
        "over resampled patients; the dashed line is chance. Each model is compared "
        "with text by what its objective trains, which was settled beforehand: EGMA by "
        "its patches, the control by its pooled image.</p>"
        '<div class="panel wide"><table><thead><tr><th>measure</th>'
        '<th class="num"><span class="swatch">●</span> EGMA</th>'
        '<th class="num"><span class="swatch control">●</span> control</th>'
        f'<th class="num">chance</th><th></th></tr></thead><tbody>{"".join(lines)}'
        f"</tbody></table></div>{_differences(figures)}"
    )


def _differences(figures: dict[str, Any]) -> str:
    names = {
        "zero_shot_auroc_macro": "zero-shot AUROC",
        "retrieval_p_at_1": "precision at 1",
        "pointing_game": "pointing game",
    }
    told = []
    for name, title in names.items():
        gap = figures[name].get("difference")
        if gap is None or gap["value"] is None:
            continue
        sure = gap["low"] is not None and (gap["low"] > 0 or gap["high"] < 0)
        verdict = "" if sure else ", which may be chance"
        told.append(
            f"{title} {gap['value']:+.3f} {interval(gap, signed=True)}{verdict}"
        )
    return (
        f"<p>EGMA minus control on the same resampled patients: {'; '.join(told)}.</p>"
        '<p class="note">One seed, small models, a few minutes on phantoms that a '
        "program drew and simulated readers read: these numbers show that the chain "
        "carries the signal from end to end. They say nothing about radiologists, "
        "patients or published results.</p>"
        if told
        else ""
    )


def grounding(results: dict[str, dict[str, Any]], films: Films) -> str:
    """Show where both models see what held-out sentences say."""
    examples = {
        m: {
            (e["row"], e["sentence"]): e
            for e in results[m]["grounding"]["results"]["examples"]
        }
        for m in MODELS
    }
    shared = [key for key in examples["egma"] if key in examples["control"]]
    cards = []
    for key in shared:
        film, views = films.of(key[0]), []
        for model in MODELS:
            example = examples[model][key]
            values = np.asarray(example["map"])
            picture = film_svg(
                film,
                f"map of {_LABELS[model]}",
                heat_layer(film, values, floor=0.35),
                box_layer(film, example["boxes"]),
                peak_layer(film, values, hit=example["hit"]),
            )
            views.append(f"<div>{picture}<em>{_LABELS[model]}</em></div>")
        marks = " · ".join(
            f"{_LABELS[m]} {mark(examples[m][key]['hit'])}" for m in MODELS
        )
        cards.append(
            f'<div class="sentence"><div class="pair">{"".join(views)}</div>'
            f"<p>{escape(examples['egma'][key]['text'])}</p><small>{marks}</small></div>"
        )
    return (
        "<p>Held-out sentences and where on the image each model finds them: the "
        "cosine of the sentence with every patch. The frame is the true region, the "
        "cross the highest point. Examples are spread evenly over the test set, not "
        "chosen.</p>"
        '<div class="grid" style="grid-template-columns:repeat(auto-fill,minmax(330px,'
        f'1fr))">{"".join(cards)}</div>'
    )


def retrieval(results: dict[str, dict[str, Any]], films: Films) -> str:
    """Show the reports that EGMA finds nearest to some images."""
    found = results["egma"]["retrieval"]["results"]
    parts = []
    for example in found["examples"]:
        film = films.of(example["row"])
        tops = "".join(
            f"<li>{mark(top['hit'])} {escape(top['report'])} "
            f'<span class="ci">{top["similarity"]:.3f}</span></li>'
            for top in example["top"]
        )
        parts.append(
            f'<div class="panel report"><div>{film_svg(film, "query")}</div><div>'
            "<small class=dim>right report at place "
            f"{example['rank_of_own_report']} of {found['n_studies']}</small>"
            f"<ol>{tops}</ol></div></div>"
        )
    return (
        "<p>Held-out images and the three reports that EGMA finds nearest: two of the "
        "best ranked, a median one, and the worst. A hit is "
        f"{escape(found['hit'])}.</p>" + "".join(parts)
    )
