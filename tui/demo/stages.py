"""The stages of the demo: commands that a person could type one after the other."""

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from capture.progress import Progress, ProgressMode
from tui.demo.child import StageFailedError, run_at_once, shown
from tui.demo.results import MODELS
from tui.demo.state import Options, State, open_state

KEY_FILE = "studies/pseudonym.key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much a demo does."""

    live_images: int
    """Images of usual size, read in real time."""
    read_studies: int
    """Studies read by simulated readers faster than life."""
    studies: int
    """All of those, with the ones that only have an image and a report."""
    height_px: int
    """Height of their images."""
    readers: int
    """How many people share them."""
    stored_px: int
    """Edge of the data set's images."""
    seen_px: int
    """Edge of what the models see."""
    epochs: int
    """Passes over the training split."""
    live_speed: float
    """How fast the live reader reads, 1 being life."""
    image_limit_s: float | None
    """Longest time of the others on an image; None for a whole report."""
    curation: tuple[str, ...] = ()
    """More options of `curate run`."""
    training: tuple[str, ...] = ()
    """More options of `train run`, the same for both models."""


FULL = Size(
    live_images=2,
    read_studies=220,
    studies=1800,
    height_px=512,
    readers=5,
    stored_px=224,
    seen_px=128,
    epochs=16,
    live_speed=1,
    image_limit_s=None,
    training=(
        "--batch-size", "32", "--learning-rate", "0.002", "--warmup-share", "0.05",
        "--egma.mapping-weight", "0.1",
    ),
)  # fmt: skip
QUICK = Size(
    live_images=1,
    read_studies=10,
    studies=40,
    height_px=384,
    readers=2,
    stored_px=128,
    seen_px=64,
    epochs=1,
    live_speed=3,
    image_limit_s=8,
    curation=("--split-shares", "0.4", "0.1", "0.5"),
    training=("--joint-dim", "32", "--batch-size", "8"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One line of the demo: some commands, and the folders that they write."""

    name: str
    """Short, as summary.json has it."""
    title: str
    """What happens, for people."""
    commands: tuple[tuple[str, ...], ...]
    """Words after `radgaze`."""
    writes: tuple[str, ...]
    """What is removed before the stage begins again after an interruption."""
    at_once: bool = False
    """The commands do not need each other's results: they run side by side."""


def plan(size: Size, seed: int, workers: int) -> list[Stage]:
    """List the stages; paths are relative to the demo's folder."""
    full, small = "studies/full", "studies/small"
    lists = (f"{full}/studies.csv", f"{small}/studies.csv")
    more = ("--progress", "json")
    many = ("--workers", str(workers), *more)
    height = ("--height-px", str(size.height_px))
    limit = (
        () if size.image_limit_s is None else ("--max-image-s", str(size.image_limit_s))
    )
    return [
        Stage(
            name="studies",
            title="draw phantom chest X-rays with known findings and their reports",
            commands=(
                ("capture", "simulate-studies", "--out", full, "--n",
                 str(size.live_images), "--seed", str(seed), *many),
                ("capture", "simulate-studies", "--out", small, "--n",
                 str(size.read_studies), "--seed", str(seed), *height, *many),
            ),
            writes=("studies",),
        ),
        Stage(
            name="live",
            title="read some in real time: window, streams and recorder for real",
            commands=(
                ("capture", "run", lists[0], "--out", "sessions/live", "--tracker",
                 "simulated", "--reader", "live reader", "--session", "live",
                 "--speed", str(size.live_speed), "--seed", str(seed), *more),
            ),
            writes=("sessions/live",),
        ),
        Stage(
            name="readings",
            title="let simulated radiologists read more, faster than life",
            commands=(
                ("capture", "simulate", lists[1], "--out", "sessions/simulated",
                 "--readers", str(size.readers), "--seed", str(seed), *limit,
                 *many),
            ),
            writes=("sessions/simulated",),
        ),
        Stage(
            name="unread",
            title="draw studies that nobody reads: an image and a report",
            commands=(
                ("capture", "simulate-studies", "--out", small, "--n",
                 str(size.studies), "--seed", str(seed), *height, *many),
            ),
            writes=(),
        ),
        Stage(
            name="curate",
            title="turn recordings and reports into a data set, and check it",
            commands=(
                ("curate", "run", "sessions", "--out", "dataset", "--studies", *lists,
                 "--unread", "--image-size", str(size.stored_px), "--seed", str(seed),
                 "--workers", str(workers), *size.curation, *more),
                ("curate", "verify", "dataset"),
            ),
            writes=("dataset",),
        ),
        Stage(
            name="train",
            title="train with gaze (EGMA), and the control without (CLIP)",
            commands=tuple(_train(size, seed, model) for model in MODELS),
            writes=MODELS,
            at_once=True,
        ),
        Stage(
            name="evaluate",
            title="measure both models on patients that neither has seen",
            commands=tuple(
                ("train", "evaluate", model, "all", "dataset", *more)
                for model in MODELS
            ),
            writes=tuple(f"{model}/evaluation" for model in MODELS),
            at_once=True,
        ),
    ]  # fmt: skip


def run_demo(
    out: Path,
    options: Options,
    *,
    workers: int | None = None,
    say: Callable[[str], None],
    progress: ProgressMode = "auto",
) -> State:
    """Run all stages that are not complete, then write the report.

    Args:
        out: Folder of the demo; new, empty, or an unfinished demo.
        options: What decides its content.
        workers: Processes; None for one a core.
        say: Told of each stage as it begins and ends.
        progress: How to tell how far it is.

    Returns:
        The complete demo.

    Raises:
        InputError: `out` holds something else.
        StageFailedError: A command failed; its last lines are in the message.
    """
    state = open_state(out, options)
    size = QUICK if options.quick else FULL
    stages = plan(size, options.seed, workers or os.cpu_count() or 1)
    total = len(stages) + 1
    with Progress("demo", total, progress) as bar:
        for number, stage in enumerate(stages, 1):
            took = "done before"
            if not state.is_complete(stage.name):
                took = f"{_run(stage, state, bar):.0f} s"
            bar.update(1, stage.title)
            say(f"[{number}/{total}] {stage.title}: {took}")
        from tui.demo.report import write_demo_report  # numpy, h5py

        begun_s = time.monotonic()
        state.figures = write_demo_report(state)
        state.save("complete")
        bar.update(1, "done")
        say(f"[{total}/{total}] write the report: {time.monotonic() - begun_s:.0f} s")
    return state


def _train(size: Size, seed: int, model: str) -> tuple[str, ...]:
    objective = {"egma": "egma", "control": "clip"}[model]
    return (
        "train", "run", "dataset", "--out", model, "--objective",
        objective, "--epochs", str(size.epochs), "--image-size", str(size.seen_px),
        "--seed", str(seed), *size.training, "--progress", "json",
    )  # fmt: skip


def _run(stage: Stage, state: State, bar: Progress) -> float:
    for name in stage.writes:  # half of an output is not gone on with, but made anew
        shutil.rmtree(state.folder / name, ignore_errors=True)
    begun_s = time.monotonic()
    bar.update(0, stage.title)
    try:
        batches = [stage.commands] if stage.at_once else [(w,) for w in stage.commands]
        for commands in batches:
            run_at_once(
                commands,
                lambda told: bar.update(0, f"{stage.title}: {told}"),
                folder=state.folder,
                environment=_environment(state, len(commands)),
            )
    except (StageFailedError, KeyboardInterrupt):
        before_s = state.spent.get(stage.name, 0.0)
        state.spent[stage.name] = round(before_s + time.monotonic() - begun_s, 1)
        state.save()
        raise
    seconds = time.monotonic() - begun_s + state.spent.pop(stage.name, 0.0)
    state.stages.append(
        {
            "name": stage.name,
            "title": stage.title,
            "seconds": round(seconds, 1),
            "commands": [shown(words) for words in stage.commands],
        }
    )
    state.save()
    return seconds


def _environment(state: State, at_once: int) -> dict[str, str]:
    """Set a key of the demo's own, no window without a display, a share of cores."""
    key = state.folder / KEY_FILE
    key.parent.mkdir(parents=True, exist_ok=True)
    if not key.exists():
        digest = hashlib.sha256(f"radgaze demo {state.options.seed}".encode())
        key.touch(mode=0o600)
        key.write_text(digest.hexdigest() + "\n")
    added = {"RADGAZE_KEY_FILE": str(key.resolve())}
    if at_once > 1:
        added["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // at_once))
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        added["SDL_VIDEODRIVER"] = os.environ.get("SDL_VIDEODRIVER", "dummy")
    return added
