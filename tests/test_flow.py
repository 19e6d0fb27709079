"""The whole chain through its commands, and what it recovers of what truly happened."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

STUDIES, UNREAD = 12, 36
ZOOMED_AND_PANNED = 8  # seed of two readers who both zoom and pan
HEADLINES = {
    "zero-shot": "macro_auroc",
    "retrieval": "precision_at_1",
    "grounding": "pointing_game",
}


@dataclass(frozen=True)
class Chain:
    root: Path
    printed: dict[str, str]


@pytest.fixture(scope="module")
def voice():
    try:
        import espeakng_loader  # noqa: F401
    except ImportError:
        return "tones"
    return "espeak"


def radgaze(root, *words):
    """Run a command as a person would, in `root`, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "tui.cli", *map(str, words)],
        cwd=root,
        env=os.environ
        | {"RADGAZE_KEY_FILE": str(root / "key"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def curated(tmp_path_factory, voice):
    """Studies, sessions and a data set of them."""
    root = tmp_path_factory.mktemp("flow")
    key = root / "key"
    key.touch(mode=0o600)
    key.write_text("5a" * 32)  # pseudonyms decide who is in which split
    quiet = ("--progress", "none")
    # fmt: off
    steps = {
        "studies": ("capture", "simulate-studies", "--out", "studies", "--n", STUDIES,
                    "--seed", 1, "--height-px", 300),
        "sessions": ("capture", "simulate", "studies/studies.csv", "--readers", 2,
                     "--seed", ZOOMED_AND_PANNED, "--rate-hz", 150, "--max-image-s", 14,
                     "--voice", voice),
        "unread": ("capture", "simulate-studies", "--out", "studies", "--n",
                   STUDIES + UNREAD, "--seed", 1, "--height-px", 300),
        "dataset": ("curate", "run", "sessions", "--out", "dataset", "--unread",
                    "--image-size", 64, "--split-shares", 0.4, 0.1, 0.5),
        "verified": ("curate", "verify", "dataset"),
    }
    # fmt: on
    told = {name: radgaze(root, *words, *quiet) for name, words in steps.items()}
    return Chain(root, told)


@pytest.fixture(scope="module")
def trained(curated):
    """A run of two epochs, and its evaluation."""
    # fmt: off
    told = radgaze(
        curated.root, "train", "run", "dataset", "--out", "run",
        "--objective", "egma", "--epochs", 2, "--batch-size", 4, "--image-size", 64,
        "--joint-dim", 32, "--vocabulary", 300, "--threads", 1, "--progress", "none",
    )
    # fmt: on
    radgaze(
        curated.root,
        "train",
        "evaluate",
        "run",
        ",".join(HEADLINES),
        "dataset",
        "--resamples",
        50,
        "--progress",
        "none",
    )  # fmt: skip
    return Chain(curated.root, {"run": told})


def test_sessions_become_a_valid_data_set(curated):
    summary = json.loads(curated.printed["dataset"])

    assert summary["sessions"] == 2
    # a study whose reading is rejected counts as unread
    assert summary["readings"] == STUDIES + UNREAD
    assert UNREAD <= summary["unread"] <= UNREAD + 2
    assert curated.printed["verified"] == "dataset: valid\n"


def test_training_takes_its_steps_and_writes_a_model(trained):
    summary = json.loads(trained.printed["run"])

    assert summary["epochs"] == 2
    metrics = (trained.root / "run" / "metrics.jsonl").read_text().splitlines()
    losses = [entry["loss"] for entry in map(json.loads, metrics) if "loss" in entry]
    assert losses
    assert np.isfinite(losses).all()
    assert (trained.root / "run" / "model" / "vision" / "model.safetensors").is_file()


@pytest.mark.parametrize(("task", "headline"), HEADLINES.items())
def test_evaluation_writes_a_share_with_its_interval_and_chance(
    trained, task, headline
):
    path = trained.root / "run" / "evaluation" / f"{task}.json"

    result = json.loads(path.read_text(encoding="utf-8"))

    assert result["task"] == task
    assert result["protocol"]["split"] == "test"
    found = result["results"][headline]
    assert 0 <= found["low"] <= found["value"] <= found["high"] <= 1
    assert 0 < result["results"]["chance"] < 1


def gaze_errors_deg(folder):
    """Compare gaze that curation mapped onto the images with where the eyes were.

    The calibration error that the simulator put in is taken out; its noise stays.

    Returns:
        (n,) error of each sample of a true fixation, (n,) whether the image was then
        shown otherwise than when it appeared, and the tracker's noise in degrees.
    """
    from capture.geometry import px_to_deg
    from capture.simulation.truth import read_truth
    from curation.gaze_mapping import timeline, to_image_px
    from curation.recordings import read_recording

    recording, truth = read_recording(folder), read_truth(folder)
    reader, screen = truth["reader"], recording.info.screen
    gaze = recording.gaze
    views = timeline(recording.display, gaze.time_s[-1])
    view = views.view_at(gaze.time_s)
    mapped_px = to_image_px(gaze.xy_px, view, views)
    errors_deg, moved = [], []
    for image in truth["images"]:
        showing = views.showings[image["index"]]
        size_px = np.array([showing.width_px, showing.height_px])
        true = {name: np.array(column) for name, column in image["gaze"].items()}
        at = np.searchsorted(gaze.time_s, true["time_s"] - gaze.period_s / 2)
        at = np.minimum(at, len(gaze.time_s) - 1)
        first = views.affine[np.flatnonzero(views.showing == image["index"])[0]]
        here = views.affine[view[at]]
        true_px = np.stack([true["x"], true["y"]], axis=1) * size_px
        seen_deg, true_deg = (
            px_to_deg(px * here[:, :2] + here[:, 2:], screen)
            for px in (mapped_px[at], true_px)
        )
        linear = np.array(reader["distortion"]).reshape(2, 2)
        calibration_deg = np.array(reader["offset_deg"]) + true_deg @ linear.T
        error_deg = np.hypot(*(seen_deg - true_deg - calibration_deg).T)
        kept = (true["state"] == 0) & np.isfinite(error_deg) & (view[at] >= 0)
        errors_deg.append(error_deg[kept])
        moved.append((np.abs(here - first) > 1e-9).any(axis=1)[kept])
    noise_deg = float(np.mean(reader["noise_deg"]))
    return np.concatenate(errors_deg), np.concatenate(moved), noise_deg


def sessions_of(curated):
    folders = [path.parent for path in curated.root.rglob("recording.xdf")]
    return sorted(folders, key=lambda folder: folder.name)


@pytest.mark.parametrize("number", [0, 1])
def test_mapped_gaze_is_where_the_eyes_were_in_every_view(curated, number):
    error_deg, moved, noise_deg = gaze_errors_deg(sessions_of(curated)[number])

    assert (~moved).sum() > 1000
    assert np.median(error_deg[~moved]) <= 0.1 + noise_deg
    assert moved.sum() > 50
    assert np.median(error_deg[moved]) <= 0.1 + noise_deg


@pytest.mark.parametrize("number", [0, 1])
def test_both_readers_zoom_and_pan(curated, number):
    from capture.display.events import ViewChanged
    from curation.recordings import read_recording

    events = [
        event for _, event in read_recording(sessions_of(curated)[number]).display
    ]

    causes = {event.cause for event in events if isinstance(event, ViewChanged)}
    assert {"zoom", "pan"} <= causes


def test_sentences_are_found_when_the_voice_said_them(curated, voice):
    if voice != "espeak":
        pytest.skip("tones are no speech: install the extra simulation-voice")
    from curation.dataset import open_dataset
    from tui.demo.truth import recover, summarize, truth_of_rows

    dataset = open_dataset(curated.root / "dataset")
    truths = truth_of_rows(dataset, curated.root / "sessions")
    readings = [recover(dataset.reading(row).tables, t) for row, t in truths.items()]

    figures = summarize(readings)

    assert figures["readings"] >= STUDIES - 2
    assert figures["sentences_said"] >= 2 * STUDIES
    assert figures["sentence_share_timed"] > 0.8
    assert figures["sentence_start_error_ms_median"] <= 100
    assert figures["fixation_share_right_of_those_given"] > 0.5
