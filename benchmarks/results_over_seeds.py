"""Run the demo over several seeds, add the ungazed EGMA, and write docs/results.md.

    python benchmarks/results_over_seeds.py --seeds 0 1 2 --out runs/seeds

Each seed draws its own patients, readers, splits and initial weights. Beside the two
models of the demo, EGMA is trained on the same data set with all gaze left out, so that
what gaze adds can be told from what the objective adds. What is complete is not run
again.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from statistics import mean, stdev
from typing import Any

ROOT = Path(__file__).parents[1]
T_975 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 8: 2.365, 10: 2.262}
"""Student's t at 97.5 % by the number of seeds: two-sided 95 % of a mean."""
MODELS = {
    "egma": "EGMA, with gaze",
    "egma-no-gaze": "EGMA, all gaze left out",
    "control": "CLIP, without gaze (control)",
}
FIGURES = {
    "zero-shot": ("macro_auroc", "Zero-shot AUROC, mean over findings"),
    "retrieval": ("precision_at_1", "Retrieval, precision at 1"),
    "grounding": ("pointing_game", "Pointing game"),
}
READ_SEEDS = [0, 1, 2]
"""Those whose results the words below are about."""
READING = """\
## How to read it

**Gaze makes the model point.** A held-out sentence's map peaks in its region nearly
twice as often with gaze as with the same objective, data, seed and steps without
any, and almost four times as often as in the control; the intervals are far apart.
The share of training readings that have gaze is about one in eight.

**Gaze does not make it classify better than the control.** Zero-shot AUROC of EGMA
with gaze is higher than without, though not so that three seeds settle it, and it
is within the noise of CLIP's, which compares pooled images and is trained for just
that. Do not read a benefit of gaze for classification out of this table.

**Retrieval is ten times chance and low all the same.** There are more than 300
candidates, most reports differ from others in wording only, and a report counts
only if it is the study's own or word for word the same. No difference between the
models can be claimed.

**Which findings are weak, and why.** Two of three sentences that name an effusion
deny it, and the reader looks at the same angles either way: EGMA's patch maximum
answers to the statement and to its denial, and the score is their difference.
Support devices are five different things with some forty-five examples each, lines
about a pixel wide at the 128 px that the models see, and no report denies them, so
that the negative prompt means little. Atelectatic bands are nearly as thin.
Cardiomegaly and edema are easy.

**What the alignment figures hold.** The gaze error is mostly the calibration error
that the simulated trackers have, 0.3 to 0.6 degrees; without it fixations lie 0.07
to 0.11 degrees from the truth, under zoom and pan as well (`tests/test_flow.py`).

**What was chosen how.** Learning rate, epochs and weights were chosen on the
validation split of seed 0. Findings were drawn clearer, the mapping term was weighed
down and the number of studies was raised (1,400 to 1,800) after looks at seed 0's
test figures, so its figures are not blind; seeds 1 and 2 were run once, at the end.

**What this is not.** Phantoms, simulated readers and models of a million
parameters: it shows that the chain carries the signal from end to end, not how
radiologists read. The demo of seed 1 ran beside the test suite, hence its minutes.
"""


def radgaze(*words: str, folder: Path) -> None:
    """Run one command of the project in `folder`."""
    environment = os.environ | {"OMP_NUM_THREADS": str(os.cpu_count() or 1)}
    command = [sys.executable, "-m", "tui.cli", *words]
    subprocess.run(command, cwd=folder, env=environment, check=True)


def run_seed(folder: Path, seed: int) -> None:
    """Make the demo of one seed, and train and evaluate EGMA without gaze on it."""
    summary = folder / "summary.json"
    done = summary.is_file() and json.loads(summary.read_text())["state"] == "complete"
    if not done:
        radgaze("demo", "--out", str(folder), "--seed", str(seed), folder=ROOT)
    model = folder / "egma-no-gaze"
    if not (model / "config.json").is_file():
        given = json.loads((folder / "egma" / "config.json").read_text())
        options = ("epochs", "image_size", "seed", "batch_size", "learning_rate")
        words = [
            word
            for name in options
            for word in (f"--{name.replace('_', '-')}", str(given[name]))
        ]
        radgaze(
            "train", "run", "dataset", "--out", model.name, *words,
            "--objective", "egma", "--gaze-fraction", "0", folder=folder,
        )  # fmt: skip
    if not (model / "evaluation" / "grounding.json").is_file():
        radgaze("train", "evaluate", model.name, "all", "dataset", folder=folder)


def result(folder: Path, model: str, task: str) -> dict[str, Any]:
    """Read one result of one seed."""
    path = folder / model / "evaluation" / f"{task}.json"
    found: dict[str, Any] = json.loads(path.read_text())["results"]
    return found


def interval(values: list[float]) -> str:
    """Write the mean over seeds and its 95 % interval (Student's t)."""
    half = T_975[len(values)] * stdev(values) / len(values) ** 0.5
    return f"{mean(values):.3f} [{mean(values) - half:.3f}, {mean(values) + half:.3f}]"


def headline_table(folders: list[Path]) -> list[str]:
    """Compare the models in the main figures."""
    lines = [
        "| | " + " | ".join(MODELS.values()) + " | chance |",
        "|---|" + "---|" * (len(MODELS) + 1),
    ]
    for task, (key, title) in FIGURES.items():
        cells = []
        for model in MODELS:
            found = [result(f, model, task)[key]["value"] for f in folders]
            each = ", ".join(f"{value:.3f}" for value in found)
            cells.append(f"**{interval(found)}**<br>{each}")
        chance = mean(result(f, "egma", task)["chance"] for f in folders)
        lines.append(f"| {title} | " + " | ".join(cells) + f" | {chance:.3f} |")
    return lines


def findings_table(folders: list[Path]) -> list[str]:
    """Compare the models finding by finding."""
    rows: dict[str, dict[str, list[float]]] = {}
    for model in MODELS:
        for folder in folders:
            found = result(folder, model, "zero-shot")
            each = found["variants"][found["headline"]]["findings"]
            for name, scores in each.items():
                value = scores["auroc"]["value"]
                rows.setdefault(name, {}).setdefault(model, []).append(value)
    lines = [
        "| zero-shot AUROC | " + " | ".join(MODELS.values()) + " |",
        "|---|" + "---|" * len(MODELS),
    ]
    for name, row in rows.items():
        cells = [
            interval(row[m]) if len(row.get(m, [])) == len(folders) else "not measured"
            for m in MODELS
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def alignment_table(folders: list[Path]) -> list[str]:
    """Show how well curation recovers what the simulator knows, seed by seed."""
    found = [json.loads((f / "summary.json").read_text())["alignment"] for f in folders]
    names = [k for k, v in found[0].items() if isinstance(v, int | float)]
    lines = [
        "| against the simulator's truth | "
        + " | ".join(f.name for f in folders)
        + " |",
        "|---|" + "---|" * len(folders),
    ]
    for name in names:
        cells = [_plain(one[name]) for one in found]
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return lines


def document(folders: list[Path], command: str) -> str:
    """Write the page."""
    took = [json.loads((f / "summary.json").read_text())["seconds"] for f in folders]
    minutes = ", ".join(f"{seconds / 60:.1f}" for seconds in took)
    parts = [
        "# Results",
        f"Made by `{command}` on {os.cpu_count()} cores of {platform.machine()}, "
        f"without a GPU; the demo took {minutes} minutes a seed. "
        f"Means over {len(folders)} seeds with 95 % intervals (Student's t over "
        "seeds), the seeds one by one below each. Every seed draws its own phantoms, "
        "readers, splits and initial weights; all figures are of held-out patients.",
        "\n".join(headline_table(folders)),
        READING.strip() if [f.name for f in folders] == _names(READ_SEEDS) else "",
        "## Finding by finding",
        "\n".join(findings_table(folders)),
        "## What curation recovers",
        "\n".join(alignment_table(folders)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _plain(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"


def _names(seeds: list[int]) -> list[str]:
    return [f"seed-{seed}" for seed in seeds]


def main() -> None:
    """Run what is missing and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=Path("runs/seeds"))
    options = parser.parse_args()
    folders = []
    for seed in options.seeds:
        folder = (options.out / _names([seed])[0]).resolve()
        run_seed(folder, seed)
        folders.append(folder)
    seeds = " ".join(map(str, options.seeds))
    command = f"python benchmarks/results_over_seeds.py --seeds {seeds}"
    page = ROOT / "docs" / "results.md"
    page.write_text(document(folders, command), encoding="utf-8")
    print(f"wrote {page}")


if __name__ == "__main__":
    main()
