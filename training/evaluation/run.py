"""Run one evaluation task on a trained run, and keep what came of it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from capture.errors import UnknownNameError
from capture.progress import ProgressMode
from curation.dataset import open_dataset
from training.evaluation.grounding import grounding
from training.evaluation.held_out import HeldOut, hold_out
from training.evaluation.metrics import Scored
from training.evaluation.report import write_report
from training.evaluation.retrieval import retrieval
from training.evaluation.zero_shot import zero_shot

TASKS: dict[str, Callable[[HeldOut], Scored]] = {
    "zero-shot": zero_shot,
    "retrieval": retrieval,
    "grounding": grounding,
}
"""Name on the command line to task. A new task is one module and one line here."""

RESULT_FORMAT, RESULT_VERSION = "radgaze-evaluation", 1


def evaluate(
    run: Path,
    task: str,
    dataset: Path,
    *,
    split: str = "test",
    out: Path | None = None,
    batch_size: int = 64,
    resamples: int = 2000,
    seed: int = 0,
    progress: ProgressMode = "none",
) -> dict[str, Any]:
    """Score a trained model on held-out patients and write the result.

    Args:
        run: Run folder that `train run` wrote.
        task: A name of `TASKS`.
        dataset: Data set folder.
        split: Which patients: train, validation or test.
        out: Folder for TASK.json, TASK.png and TASK.npy; `RUN/evaluation` unless given.
        batch_size: Images or texts through the model at once.
        resamples: Bootstrap samples over patients.
        seed: Fixes bootstrap and shuffles.
        progress: How to tell of progress on stderr.

    Returns:
        What TASK.json holds.

    Raises:
        UnknownNameError: There is no such task or split.
        InputError: The run or the data set cannot be used for this task.
        VersionError: One of them was written in another version.
    """
    (result,) = evaluate_tasks(
        run,
        [task],
        dataset,
        split=split,
        out=out,
        batch_size=batch_size,
        resamples=resamples,
        seed=seed,
        progress=progress,
    )
    return result


def evaluate_tasks(
    run: Path,
    tasks: Sequence[str],
    dataset: Path,
    *,
    split: str,
    out: Path | None,
    batch_size: int,
    resamples: int,
    seed: int,
    progress: ProgressMode,
) -> list[dict[str, Any]]:
    """Do what `evaluate` does for several tasks, encoding the images once.

    Raises:
        UnknownNameError: There is no such task or split.
        InputError: The run or the data set cannot be used for a task; the results of
            the tasks before it are written.
        VersionError: One of them was written in another version.
    """
    for task in tasks:
        if task not in TASKS:
            raise UnknownNameError("evaluation task", task, TASKS)
    data = open_dataset(dataset)
    from training.evaluation.towers import load_towers  # torch, transformers

    towers = load_towers(run)
    held = hold_out(
        towers,
        data,
        objective=towers.objective,
        split=split,
        batch_size=batch_size,
        resamples=resamples,
        seed=seed,
        progress=progress,
    )
    # patients held out here may have been trained on there
    same = towers.description["model"].get("dataset") == data.identity
    results = []
    for task in tasks:
        scored = TASKS[task](held)
        result = {
            "format": RESULT_FORMAT,
            "version": RESULT_VERSION,
            "task": task,
            "protocol": _protocol(held, split) | {"trained_on_this_data_set": same},
            "run": towers.description,
            "dataset": {"identity": data.identity, "readings": len(data)},
            "results": scored.figures,
        }
        write_report(result, scored.headline, out or run / "evaluation")
        results.append(result)
    return results


def _protocol(held: HeldOut, split: str) -> dict[str, Any]:
    return {
        "split": split,
        "n_readings": len(held.rows),
        "similarity": held.headline,
        "similarity_declared_for": held.objective,
        "interval": f"95 % bootstrap over patients, {held.resamples} resamples",
        "seed": held.seed,
    }
