"""The report of the demo as one HTML file that needs nothing else."""

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Any

from tui.demo import model_sections, reading_sections
from tui.demo.model_sections import Films
from tui.demo.pieces import card, number, percent, rounded
from tui.demo.reading_sections import Replay
from tui.demo.results import MODELS, Row
from tui.demo.state import State, versions


def page(
    *,
    state: State,
    figures: dict[str, Any],
    alignment: dict[str, Any],
    replays: Sequence[Replay],
    is_live: bool,
    quality: Sequence[tuple[str, str]],
    plots: Sequence[str],
    training: Sequence[str],
    rows: Sequence[Row],
    results: dict[str, dict[str, Any]],
    films: Films,
) -> str:
    """Put the page together; every text in it is escaped."""
    parts = (
        ("replay", "A reading, replayed", reading_sections.replays(replays, is_live)),
        ("quality", "What was recorded", reading_sections.quality(quality, plots)),
        ("truth", "Against the truth", reading_sections.truth(alignment)),
        ("training", "Training", model_sections.training(training)),
        ("models", "With and without gaze", model_sections.models(rows, figures)),
        ("grounding", "Grounding", model_sections.grounding(results, films)),
        ("retrieval", "Retrieval", model_sections.retrieval(results, films)),
        ("made", "How it was made", _made(state)),
    )
    body = "".join(_section(*part) for part in parts)
    style = files("tui.demo").joinpath("page.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>radgaze demo</title><style>{style}</style></head><body>"
        f'<svg width="0" height="0" style="position:absolute" aria-hidden="true">'
        f"{films.definitions()}</svg>{_header(state, figures, alignment)}"
        f"<main>{body}{_footer(state)}</main></body></html>\n"
    )


def _header(state: State, figures: dict[str, Any], alignment: dict[str, Any]) -> str:
    minutes = sum(stage["seconds"] for stage in state.stages) / 60
    live = alignment.get("live_samples", {})
    lost = sum(s["lost"] for streams in live.values() for s in streams.values())
    pushed = sum(s["pushed"] for streams in live.values() for s in streams.values())
    cards = [
        card(f"{alignment.get('readings', 0)}", "readings held against their truth"),
        card(f"{lost:,}", f"of {pushed:,} live samples lost"),
        card(
            percent(alignment.get("fixation_share_to_true_sentence")),
            "of fixations given to the sentence they were made for",
        ),
        card(
            rounded(alignment.get("sentence_start_error_ms_median"), "ms"),
            "median error of a sentence's start",
        ),
    ]
    names = {
        "zero_shot_auroc_macro": "zero-shot AUROC, EGMA against its control",
        "retrieval_p_at_1": "right report or image ranked first, EGMA against control",
        "pointing_game": "sentences that point into their region, EGMA against control",
    }
    for name, title in names.items():
        a, b = (figures[name][model]["value"] for model in MODELS)
        cards.append(
            f'<div class="card"><b>{number(a)} <span class="vs">/ {number(b)}</span>'
            f"</b><span>{escape(title)} "
            f"(chance {number(figures[name]['egma']['chance'])})</span></div>"
        )
    cards.append(card(f"{minutes:.1f} min", "from nothing to this page"))
    links = " ".join(
        f'<a href="#{name}">{title}</a>'
        for name, title in (
            ("replay", "Replay"), ("quality", "Recordings"), ("truth", "Truth"),
            ("training", "Training"), ("models", "Comparison"),
            ("grounding", "Grounding"), ("retrieval", "Retrieval"),
            ("made", "How it was made"),
        )
    )  # fmt: skip
    quick = (
        '<p class="note">A quick run: it shows that the chain holds together. The '
        "models have learned nothing yet.</p>"
        if state.options.quick
        else ""
    )
    return (
        "<header><div><h1>From a look to a model</h1>"
        '<p class="lead">Phantom chest X-rays, read by simulated radiologists who look '
        "and dictate; recorded over real streams, turned into a data set, and learned "
        "from with gaze (EGMA) and without (its control). Everything on this page came "
        f"from the commands at its end, seed {state.options.seed}.</p>"
        f'{quick}<div class="cards">{"".join(cards)}</div><nav>{links}</nav>'
        "</div></header>"
    )


def _made(state: State) -> str:
    lines = "".join(
        f"<tr><td>{escape(stage['title'])}</td><td>"
        + "<br>".join(_command(told) for told in stage["commands"])
        + f'</td><td class="num">{stage["seconds"]:.0f} s</td></tr>'
        for stage in state.stages
    )
    return (
        "<p>Commands as the demo ran them in its folder, one after the other; those of "
        "the two models side by side.</p>"
        f'<div class="panel wide"><table><tbody>{lines}</tbody></table></div>'
    )


def _command(told: str) -> str:
    """Spell a command so that no line ends within an option, as after its hyphens."""
    words = [escape(word) for word in told.split(" ")]
    kept = [f"<span>{w}</span>" if w.startswith("--") else w for w in words]
    return f"<code>{' '.join(kept)}</code>"


def _footer(state: State) -> str:
    told = ", ".join(f"{name} {value}" for name, value in versions().items())
    return f"<footer>Seed {state.options.seed}. {escape(told)}.</footer>"


def _section(name: str, title: str, content: str) -> str:
    return f'<section id="{name}"><h2>{escape(title)}</h2>{content}</section>'
