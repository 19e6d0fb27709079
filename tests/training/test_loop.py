import json
import math
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from capture.errors import ConfigError, InputError
from training.checkpoint import load_model
from training.config import ClipConfig
from training.data import MissingFieldsError
from training.logs import read_metrics
from training.loop import (
    DivergedError,
    fit,
    learning_rate_factor,
    seed_everything,
)
from training.objectives.egma import Egma


def weights(run):
    from safetensors.torch import load_file

    return load_file(run / "checkpoints" / "last" / "weights.safetensors")


def same(a, b):
    return set(a) == set(b) and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("objective", ["egma", "clip"])
def test_a_run_leaves_a_model_that_can_be_loaded(
    make_dataset, make_config, run_folder, objective
):
    dataset = make_dataset()

    summary = fit(make_config(objective=objective))

    assert summary["steps"] == 2 * (len(dataset.rows("train")) // 4)
    assert summary["train_readings"] == len(dataset.rows("train"))
    assert math.isfinite(summary["validation_loss"])
    json.dumps(summary)
    loaded = load_model(run_folder)
    assert loaded.info["dataset"] == dataset.identity
    assert loaded.config.objective == objective
    assert loaded.model.encode_text(["No effusion."]).shape == (1, 16)
    train, held_out = (read_metrics(run_folder, s) for s in ("train", "validation"))
    assert [line["step"] for line in train] == list(range(1, summary["steps"] + 1))
    assert len(held_out) == 2
    assert any((run_folder / "tensorboard").iterdir())


def test_two_runs_with_one_seed_are_equal_to_the_bit(
    make_dataset, make_config, tmp_path
):
    make_dataset()
    runs = [tmp_path / name for name in ("a", "b", "c")]

    for run, seed in zip(runs, (0, 0, 1), strict=True):
        fit(make_config(out=run, seed=seed))

    assert same(weights(runs[0]), weights(runs[1]))
    assert not same(weights(runs[0]), weights(runs[2]))


@pytest.mark.parametrize("stop", [1, 3])
def test_a_stopped_run_goes_on_to_the_bit(make_dataset, make_config, tmp_path, stop):
    make_dataset()
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    fit(make_config(out=whole))

    fit(make_config(out=parts, max_steps=stop))
    summary = fit(make_config(out=parts, resume=True))

    assert summary["steps"] == len(read_metrics(whole, "train"))
    assert same(weights(whole), weights(parts))
    losses = [
        [line["loss"] for line in read_metrics(run, "train")] for run in (whole, parts)
    ]
    assert losses[0] == losses[1]


def test_a_run_stopped_before_its_first_checkpoint_starts_over(
    make_dataset, make_config, run_folder
):
    make_dataset()
    fit(make_config(epochs=1))
    whole = weights(run_folder)
    shutil.rmtree(run_folder / "checkpoints")

    summary = fit(make_config(epochs=1, resume=True))

    assert summary["steps"] == len(read_metrics(run_folder, "train"))
    assert same(weights(run_folder), whole)


def test_a_checkpoint_whose_replacement_was_cut_short_is_found(
    make_dataset, make_config, run_folder
):
    make_dataset()
    fit(make_config(max_steps=2))
    last = run_folder / "checkpoints" / "last"
    last.rename(last.with_name("last.old"))

    summary = fit(make_config(max_steps=3, resume=True))

    assert summary["steps"] == 3
    assert [line["step"] for line in read_metrics(run_folder, "train")] == [1, 2, 3]


def test_the_loss_falls(make_dataset, make_config, run_folder):
    make_dataset(24)
    clip = ClipConfig(text_unit="sentence")

    fit(make_config(epochs=4, objective="clip", clip=clip))

    losses = [line["loss"] for line in read_metrics(run_folder, "train")]
    assert losses[-1] < losses[0]


def test_a_folder_in_use_is_not_overwritten(make_dataset, make_config, run_folder):
    make_dataset()
    run_folder.mkdir()
    (run_folder / "thesis.txt").write_text("precious")

    with pytest.raises(InputError, match="is not empty; go on with --resume"):
        fit(make_config())

    assert (run_folder / "thesis.txt").read_text() == "precious"


def test_resuming_with_other_settings_is_refused(make_dataset, make_config):
    make_dataset()
    fit(make_config(max_steps=1))

    with pytest.raises(ConfigError, match=r"other settings.*: learning_rate"):
        fit(make_config(resume=True, learning_rate=0.1))


def test_resuming_what_never_started_is_refused(make_dataset, make_config):
    make_dataset()

    with pytest.raises(InputError, match=r"config\.json: no such file"):
        fit(make_config(resume=True))


def test_a_data_set_without_gaze_needs_the_word_for_it(make_dataset, make_config):
    make_dataset(has_gaze=False, has_audio=False, tables=silent_eyes())

    with pytest.raises(MissingFieldsError, match="'egma' needs fixations"):
        fit(make_config())


def silent_eyes():
    from curation.schema import TABLES, make_table

    return {
        name: make_table(name, **dict.fromkeys(TABLES[name], np.empty(0)))
        for name in ("fixations", "sentence_fixations")
    }


def test_without_gaze_egma_trains_when_told_to(make_dataset, make_config, run_folder):
    make_dataset(has_gaze=False, has_audio=False, tables=silent_eyes())

    summary = fit(make_config(gaze_fraction=0.0, max_steps=2))

    assert summary["gaze_readings"] == 0
    assert read_metrics(run_folder, "train")[0]["alignment"] == 0


def test_a_run_without_gaze_does_not_choose_its_epoch_by_gaze(
    make_dataset, make_config, run_folder
):
    make_dataset()

    fit(make_config(gaze_fraction=0.0))

    lines = read_metrics(run_folder, "validation")
    assert [line["alignment"] for line in lines] == [0, 0]


def test_a_loss_that_is_no_number_stops_the_run_and_names_the_readings(
    make_dataset, make_config, run_folder, monkeypatch
):
    dataset = make_dataset()
    forward = Egma.forward
    monkeypatch.setattr(
        Egma,
        "forward",
        lambda self, batch: {"loss": forward(self, batch)["loss"] * math.nan},
    )

    with pytest.raises(DivergedError, match=r"step 0 is not a finite number"):
        fit(make_config())

    listed = json.loads((run_folder / "diverged.json").read_text())["reading_id"]
    assert len(listed) == 4
    assert set(listed) <= set(dataset.ids("reading_id"))


def test_a_mistake_in_the_settings_leaves_the_folder_free(
    make_dataset, make_config, run_folder, tmp_path
):
    make_dataset()
    with pytest.raises(InputError):
        fit(make_config(dataset=tmp_path / "mistyped"))
    with pytest.raises(InputError):
        fit(make_config(vision=str(tmp_path / "mistyped")))

    assert not run_folder.exists()
    fit(make_config(max_steps=1))


def test_the_images_of_a_short_split_are_counted_as_they_are(make_dataset, make_config):
    dataset = make_dataset(8)
    readings = len(dataset.rows("train"))

    summary = fit(make_config(batch_size=64, epochs=1))

    counted = summary["samples_per_s"] * summary["seconds"]
    assert counted == pytest.approx(readings, rel=0.2)


def test_a_full_disk_is_told_and_the_run_goes_on_later(
    make_dataset, make_config, run_folder, tmp_path
):
    make_dataset()
    whole, config = tmp_path / "whole", make_config()
    fit(make_config(out=whole))
    fit(make_config(max_steps=3))
    # no file may grow beyond a megabyte: the weights do not fit
    code = (
        "import resource, sys; from training.cli import main;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20));"
        "sys.exit(main(sys.argv[1:]))"
    )
    words = [config.dataset, "--out", run_folder, "--resume",
             "--image-size", "32", "--joint-dim", "16", "--epochs", "2",
             "--batch-size", "4", "--device", "cpu", "--threads", "1",
             "--progress", "none"]  # fmt: skip

    found = subprocess.run(
        [sys.executable, "-c", code, "run", *map(str, words)],
        capture_output=True,
        text=True,
    )

    assert found.returncode == 1
    assert "no space left" in found.stderr
    assert "Traceback" not in found.stderr
    assert not [path.name for path in run_folder.rglob("*.part")]
    fit(make_config(resume=True))
    assert same(weights(run_folder), weights(whole))


def test_an_interrupted_run_ends_with_130_and_goes_on_to_the_bit(
    make_dataset, make_config, run_folder, tmp_path
):
    make_dataset()
    whole = tmp_path / "whole"
    fit(make_config(out=whole, epochs=8))
    words = [tmp_path / "dataset", "--out", run_folder, "--image-size",
             "32", "--joint-dim", "16", "--epochs", "8", "--batch-size", "4",
             "--device", "cpu", "--threads", "1", "--progress", "json"]  # fmt: skip
    command = [sys.executable, "-m", "training.cli", "run", *map(str, words)]

    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as run:
        while '"done": 5,' not in (line := run.stderr.readline()):
            assert line, "the run ended by itself"
        run.send_signal(signal.SIGINT)
        rest = run.stderr.read()

    assert run.returncode == 130
    assert "go on with --resume" in rest
    assert "Traceback" not in rest
    fit(make_config(epochs=8, resume=True))
    assert same(weights(run_folder), weights(whole))
    steps = [line["step"] for line in read_metrics(run_folder, "train")]
    assert steps == list(range(1, len(steps) + 1))


def test_the_learning_rate_rises_and_falls():
    factors = [learning_rate_factor(step, 10, 2) for step in range(10)]

    assert factors[:3] == [0.5, 1.0, 1.0]
    assert factors[6] == pytest.approx(0.5)  # half way down
    assert factors[2:] == sorted(factors[2:], reverse=True)
    assert factors[-1] > 0


def test_one_seed_fixes_every_generator():
    import random

    drawn = []
    for _ in range(2):
        seed_everything(5)
        drawn.append((random.random(), np.random.rand(), torch.rand(1).item()))

    assert drawn[0] == drawn[1]


def test_progress_is_one_object_a_line(make_dataset, make_config, capsys):
    make_dataset()

    fit(make_config(max_steps=2, progress="json"))

    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["done"] for line in lines] == [1, 2, 2]
    assert {"loss", "samples_per_s", "stage"} <= set(lines[0])
