"""`train evaluate RUN TASK DATASET`: score a trained run on held-out patients."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from capture.errors import RadgazeError

_TASKS = "zero-shot, retrieval, grounding, several with commas between, or all"


def main(argv: Sequence[str] | None = None) -> int:
    """Evaluate; 0 when done, 1 when it failed, 2 on wrong use.

    The figures go to stdout (the whole result with `--json`), the talk to stderr.
    """
    options = _parser().parse_args(argv)
    try:
        from training.evaluation.report import summary_lines
        from training.evaluation.run import TASKS, evaluate_tasks  # numpy, h5py

        results = evaluate_tasks(
            options.run,
            [*TASKS] if options.task == "all" else options.task.split(","),
            options.dataset,
            split=options.split,
            out=options.out,
            batch_size=options.batch_size,
            resamples=options.resamples,
            seed=options.seed,
            progress=options.progress,
        )
    except RadgazeError as error:
        print(f"train evaluate: {error}", file=sys.stderr)
        return error.exit_code
    for result in results:
        told = json.dumps(result) if options.json else "\n".join(summary_lines(result))
        print(told)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="train evaluate",
        description="Score a trained run on held-out patients.",
    )
    parser.add_argument("run", type=Path, help="folder that `train run` wrote")
    parser.add_argument("task", help=_TASKS)
    parser.add_argument("dataset", type=Path, help="folder that `curate run` wrote")
    parser.add_argument("--split", default="test", help="which patients (default test)")
    parser.add_argument("--out", type=Path, help="folder for results (RUN/evaluation)")
    parser.add_argument("--batch-size", type=_positive, default=64)
    parser.add_argument("--resamples", type=_positive, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--json", action="store_true", help="print whole results, one a line"
    )
    parser.add_argument(
        "--progress", choices=("auto", "bar", "json", "none"), default="auto"
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return number
