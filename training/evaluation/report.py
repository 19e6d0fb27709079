"""Write a result as JSON with a figure beside it."""

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from capture.errors import DiskFullError, InputError
from training.evaluation.metrics import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _MAIN, _OTHER, _CHANCE = "#222222", "#0072B2", "#E69F00", "#777777"
"""Okabe-Ito colors: told apart with any color vision."""


def write_report(result: dict[str, Any], headline: Floats, folder: Path) -> None:
    """Write a result, each file beside and then renamed into place.

    TASK.json is the result, TASK.png shows it, and TASK.npy holds the main figure of
    every bootstrap resample, from which two models are compared pair by pair.

    Raises:
        InputError: The folder cannot be made.
        DiskFullError: No space is left.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise InputError(folder, "cannot hold results", "choose another --out") from (
            error
        )
    text = json.dumps(result, indent=1, allow_nan=False, ensure_ascii=False)
    name = result["task"]
    try:
        _replace(folder / f"{name}.json", text.encode())
        _replace(folder / f"{name}.png", _draw(result))
        _replace(folder / f"{name}.npy", _array(headline))
    except OSError as error:
        raise DiskFullError(folder) from error


def summary_lines(result: dict[str, Any]) -> list[str]:
    """Say the main figures of a result in words, with interval and chance."""
    return [*_doubts(result), *_figure_lines(result)]


def _doubts(result: dict[str, Any]) -> list[str]:
    if result["protocol"]["trained_on_this_data_set"]:
        return []
    return [
        "trained on another data set: make sure that none of these patients was in it"
    ]


def _figure_lines(result: dict[str, Any]) -> list[str]:
    found = result["results"]
    if result["task"] == "zero-shot":
        head = _number("macro AUROC", found["macro_auroc"], found["chance"])
        rows = [
            _number(f"  {name}", score["auroc"], 0.5)
            for name, score in found["variants"][found["headline"]]["findings"].items()
        ]
        skipped = [f"  {n}: skipped, {why}" for n, why in found["skipped"].items()]
        return [head, *rows, *skipped]
    if result["task"] == "retrieval":
        return [
            _number(f"{way.replace('_', ' ')}, {kind} at {k}", e, chance[k])
            for way in ("image_to_text", "text_to_image")
            for kind in ("precision", "recall")
            for chance in [found[way][f"{kind}_chance"]]
            for k, e in found[way][kind].items()
        ]
    rows = [
        _number(f"  beside: {name}", score["pointing_game"], found["chance"])
        for name, score in found["scores"].items()
        if name != "model"
    ]
    return [_number("pointing game", found["pointing_game"], found["chance"]), *rows]


def _number(name: str, value: dict[str, Any], chance: float) -> str:
    if value["value"] is None:
        return f"{name}: undefined"
    interval = (
        "" if value["low"] is None else f" [{value['low']:.3f}, {value['high']:.3f}]"
    )
    return f"{name}: {value['value']:.3f}{interval} (chance {chance:.3f})"


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)


def _array(values: Floats) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()


def _draw(result: dict[str, Any]) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.2), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    {
        "zero-shot": _draw_zero_shot,
        "retrieval": _draw_retrieval,
        "grounding": _draw_grounding,
    }[result["task"]](figure, result["results"])
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _draw_zero_shot(figure: "Figure", found: dict[str, Any]) -> None:
    axes = figure.add_subplot()
    scores = found["variants"][found["headline"]]["findings"]
    rows = [("macro", found["macro_auroc"])]
    rows += [(name, score["auroc"]) for name, score in scores.items()]
    _intervals(axes, rows, _MAIN)
    axes.axvline(0.5, color=_CHANCE, linestyle="--", linewidth=1, label="chance")
    axes.set_xlim(0, 1)
    axes.set_xlabel("AUROC, 95 % interval over patients")
    axes.set_title(f"Zero-shot findings ({found['headline']})", loc="left")
    axes.legend(frameon=False, loc="lower left")


def _draw_retrieval(figure: "Figure", found: dict[str, Any]) -> None:
    for place, (way, title) in enumerate(
        (("image_to_text", "image to report"), ("text_to_image", "report to image"))
    ):
        axes = figure.add_subplot(1, 2, place + 1)
        scores = found[way]
        depths = list(scores["recall"])
        for kind, color in (("recall", _MAIN), ("precision", _OTHER)):
            values = [scores[kind][k]["value"] for k in depths]
            low = [scores[kind][k]["low"] for k in depths]
            high = [scores[kind][k]["high"] for k in depths]
            spread = [
                [max(0.0, v - a) for v, a in zip(values, low, strict=True)],
                [max(0.0, b - v) for v, b in zip(values, high, strict=True)],
            ]
            axes.errorbar(
                depths, values, yerr=spread, color=color, marker="o", capsize=3,
                label=kind,
            )  # fmt: skip
            chance = [scores[f"{kind}_chance"][k] for k in depths]
            axes.plot(depths, chance, color=color, linestyle="--", linewidth=1)
        axes.set_ylim(0, 1)
        axes.set_xlabel("nearest looked at; dashed: chance")
        axes.set_title(title, loc="left")
        axes.legend(frameon=False)


def _draw_grounding(figure: "Figure", found: dict[str, Any]) -> None:
    titles = (
        ("pointing_game", "peak in region"),
        ("nss", "NSS against gaze"),
        ("cc", "CC with gaze"),
    )
    for place, (metric, title) in enumerate(titles):
        axes = figure.add_subplot(1, 3, place + 1)
        rows = [
            (name.replace("_", " "), score[metric])
            for name, score in found["scores"].items()
            if score[metric]
        ]
        _intervals(axes, rows, _MAIN)
        if metric == "pointing_game":
            axes.axvline(found["chance"], color=_CHANCE, linestyle="--", linewidth=1)
            axes.set_xlim(0, 1)
        elif place:
            axes.axvline(0, color=_CHANCE, linestyle="--", linewidth=1)
        if place:
            axes.tick_params(labelleft=False)
        axes.set_title(title, loc="left", fontsize=10)


def _intervals(
    axes: "Axes", rows: list[tuple[str, dict[str, Any]]], color: str
) -> None:
    rows = [row for row in rows if row[1]["value"] is not None][::-1]
    for y, (_, estimate) in enumerate(rows):
        if estimate["low"] is not None:
            axes.plot([estimate["low"], estimate["high"]], [y, y], color=color)
        axes.plot(estimate["value"], y, "o", color=color)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows], color=_INK)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.spines[["top", "right"]].set_visible(False)
