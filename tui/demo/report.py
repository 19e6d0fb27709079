"""Gather the figures of a finished demo, and write report.html of them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capture.simulation.eyes import SACCADE
from curation.dataset import Dataset, open_dataset
from tui.demo import html
from tui.demo.figures import Film, curves, histogram, make_film
from tui.demo.model_sections import Films
from tui.demo.quality import quality_table, samples_lost, voice_leads_s
from tui.demo.reading_sections import Replay
from tui.demo.results import MODELS, comparison, headline_figures, read_results
from tui.demo.state import State
from tui.demo.timeline import Reading
from tui.demo.truth import (
    match_sentences,
    recover,
    session_folders,
    summarize,
    truth_of_rows,
)

_MOST_COMPARED = 400
"""Readings held against their truth; more would change no figure, but take time."""


def write_demo_report(state: State) -> dict[str, Any]:
    """Write report.html into the demo's folder.

    Returns:
        The figures for summary.json.

    Raises:
        InputError: Something that a stage should have written is not there.
    """
    out = state.folder
    dataset, results = open_dataset(out / "dataset"), read_results(out)
    sessions = session_folders(out / "sessions")
    truths = truth_of_rows(dataset, out / "sessions")
    chosen = sorted(truths)[:: max(1, len(truths) // _MOST_COMPARED)]
    live = sorted(truth_of_rows(dataset, out / "sessions" / "live"))
    alignment = summarize(_recover(dataset, truths, chosen))
    alignment["live"] = summarize(_recover(dataset, truths, live))
    lost = {
        folder.name: samples_lost(folder)
        for folder in session_folders(out / "sessions" / "live")
    }
    alignment["live_samples"] = lost
    figures = headline_figures(out, results)
    films = _Films(dataset)
    shown = live or sorted(truths)[:2]
    replays = [_replay(dataset, films, row, truths[row]) for row in shown]
    page = html.page(
        state=state,
        figures=figures,
        alignment=alignment,
        replays=replays,
        is_live=bool(live),
        quality=quality_table(dataset, sessions),
        plots=_plots(dataset),
        training=_curves(out),
        rows=comparison(results),
        results=results,
        films=films,
    )
    part = out / ".report.html.part"
    part.write_text(page, encoding="utf-8")
    part.replace(out / "report.html")
    return {**figures, "alignment": alignment, "readings": len(dataset)}


class _Films(Films):
    """Films of rows, each made once."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.made: dict[int, Film] = {}

    def of(self, row: int) -> Film:
        """Return the film of a row of the data set."""
        if row not in self.made:
            square = self.dataset.image_batch([row])[0]
            placement = self.dataset.placement([row])[0].tolist()
            self.made[row] = make_film(f"film{row}", square, placement)
        return self.made[row]

    def definitions(self) -> str:
        """Return all films that were asked for, to stand before their first use."""
        return "".join(film.definition() for film in self.made.values())


def _recover(
    dataset: Dataset, truths: dict[int, dict[str, Any]], rows: list[int]
) -> list[Any]:
    found = []
    for row in rows:
        reading = dataset.reading(row)
        names = ("sentences", "fixations", "sentence_fixations")
        tables = {name: reading.table(name) for name in names}
        if reading.has_gaze and len(tables["fixations"]["x"]):
            found.append(recover(tables, truths[row]))
    return found


def _replay(dataset: Dataset, films: _Films, row: int, truth: dict[str, Any]) -> Replay:
    reading = dataset.reading(row)
    sentences, looks = reading.table("sentences"), reading.table("fixations")
    pairs = reading.table("sentence_fixations")
    texts = [str(text) for text in sentences["text"]]
    partner = match_sentences(texts, [s["text"] for s in truth["sentences"]])
    shown_s = float(truth["shown_s"])
    given = np.full(len(looks["x"]), -1)
    order = np.argsort(pairs["overlap_s"], kind="stable")
    given[pairs["fixation"][order]] = pairs["sentence"][order]
    gaze = {name: np.asarray(v, float) for name, v in truth["gaze"].items()}
    trace = np.stack([gaze["x"], gaze["y"]], axis=1)
    spans = [
        (float(a), float(b)) if timed else None
        for a, b, timed in zip(
            sentences["start_s"], sentences["end_s"], sentences["has_time"], strict=True
        )
    ]
    return Replay(
        film=films.of(row),
        texts=texts,
        methods=[str(method) for method in sentences["method"]],
        maps=[_dwell(looks, pairs, index) for index in range(len(texts))],
        reading=Reading(
            onset_s=looks["onset_s"],
            duration_s=looks["duration_s"],
            xy=np.stack([looks["x"], looks["y"]], axis=1).astype(np.float64),
            trace_s=gaze["time_s"] - shown_s,
            trace=np.where((gaze["state"] <= SACCADE)[:, None], trace, np.nan),
            spans_s=spans,
            true_spans_s=[_true_span(truth, k, shown_s) for k in partner],
            given=given,
        ),
        boxes=np.stack(
            [reading.table("regions")[c] for c in ("x0", "y0", "x1", "y1")], axis=1
        ).tolist(),
    )


def _true_span(
    truth: dict[str, Any], index: int, shown_s: float
) -> tuple[float, float] | None:
    if index < 0 or not truth["sentences"][index]["said"]:
        return None
    sentence = truth["sentences"][index]
    return sentence["start_s"] - shown_s, sentence["end_s"] - shown_s


def _dwell(looks: Any, pairs: Any, index: int) -> NDArray[np.float32] | None:
    from training.evaluation.maps import dwell

    own = pairs["sentence"] == index
    at = pairs["fixation"][own]
    if not len(at):
        return None
    (seconds,) = dwell(
        np.zeros(len(at), dtype=np.int64),
        1,
        np.stack([looks["x"][at], looks["y"][at]], axis=1),
        np.stack([looks["sigma_x"][at], looks["sigma_y"][at]], axis=1),
        pairs["overlap_s"][own].astype(np.float32),
    )
    return np.asarray(seconds)


def _plots(dataset: Dataset) -> list[str]:
    gazed = dataset.mask("has_gaze")
    valid = dataset.column("quality/valid_share")[gazed]
    duration_s = dataset.ragged("fixations", "duration_s")[0]
    return [
        histogram(100 * valid, unit="%", title="Samples with an eye, per reading"),
        histogram(1000 * duration_s, unit="ms", title="Fixation duration"),
        histogram(
            voice_leads_s(dataset), unit="s", title="Eyes before voice, per finding"
        ),
    ]


def _curves(out: Path) -> list[str]:
    figures = []
    for model in MODELS:
        lines = _metrics(out / model / "metrics.jsonl")
        series = []
        for split, label in (("train", "training"), ("validation", "validation")):
            own = [line for line in lines if line.get("split") == split]
            own = [line for line in own if line.get("loss") is not None]
            step = np.array([line["step"] for line in own], dtype=np.float64)
            loss = np.array([line["loss"] for line in own], dtype=np.float64)
            kind = model if split == "train" else f"{model} held"
            series.append(
                (label, kind, step, _smooth(loss) if len(loss) > 60 else loss)
            )
        title = "EGMA, with gaze" if model == "egma" else "Control, without gaze"
        figures.append(curves(series, title=f"{title}: loss"))
    return figures


def _metrics(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average over about a fiftieth of the run, so that the trend can be seen."""
    width = max(1, len(values) // 50)
    padded = np.pad(values, (width // 2, width - 1 - width // 2), mode="edge")
    return np.convolve(padded, np.ones(width) / width, mode="valid")
