import json
import subprocess
import sys
import time

import pytest

from training.cli import main


def arguments(config, *more):
    return [
        "run",
        *(str(config.dataset), "--out", str(config.out)),
        *("--image-size", "32", "--joint-dim", "16", "--epochs", "1"),
        *("--batch-size", "4", "--device", "cpu", "--threads", "1"),
        *("--progress", "none", *more),
    ]


def test_the_summary_is_the_only_line_on_stdout(make_dataset, make_config, capsys):
    make_dataset()

    code = main(arguments(make_config(), "--egma.mass", "0.7"))

    out = capsys.readouterr().out
    assert code == 0
    assert json.loads(out)["steps"] > 0
    assert out.count("\n") == 1


def test_half_precision_trains(make_dataset, make_config):
    make_dataset()
    args = arguments(make_config(), "--precision", "bf16", "--max-steps", "2")

    # a process of its own: accelerate keeps the precision of a process's first run
    found = subprocess.run(
        [sys.executable, "-m", "training.cli", *args], capture_output=True, text=True
    )

    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["steps"] == 2


@pytest.mark.slow
def test_two_processes_share_a_run(make_dataset, make_config):
    dataset = make_dataset(24)
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    args = ["-m", "training.cli", *arguments(make_config())]

    found = subprocess.run([*launch, *args], capture_output=True, text=True)

    assert found.returncode == 0, found.stderr
    summary = json.loads(found.stdout)
    assert summary["steps"] == len(dataset.rows("train")) // 8  # two batches of 4


def test_a_missing_data_set_is_told_in_one_line(make_config, capsys):
    code = main(arguments(make_config()))

    err = capsys.readouterr().err
    assert code == 1
    assert err.startswith("train run: ")
    assert "is not a data set" in err


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ([], "commands:"),
        (["rum"], "no command 'rum'; known: run, evaluate"),
        (["run", "d", "--out", "o", "--batch-size", "1"], "at least 2"),
    ],
)
def test_wrong_use_exits_with_2(args, told, capsys):
    assert main(args) == 2

    assert told in capsys.readouterr().err


def test_an_unknown_objective_exits_with_2_and_lists_the_known(capsys):
    args = ["run", "d", "--out", "o", "--objective", "mcgap"]

    with pytest.raises(SystemExit) as stop:
        main(args)

    assert stop.value.code == 2
    told = capsys.readouterr().err
    assert "mcgap" in told
    assert "'clip'" in told


def test_help_names_the_caller(capsys):
    assert main(["--help"], prog="radgaze train") == 0

    assert "usage: radgaze train COMMAND" in capsys.readouterr().out


def test_help_does_not_load_torch():
    code = (
        "import sys\nfrom training.cli import main\n"
        "try:\n main(['run', '--help'])\nexcept SystemExit:\n pass\n"
        "print('torch' in sys.modules, file=sys.stderr)"
    )
    start_s = time.monotonic()

    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert found.stderr.strip() == "False"
    assert "--objective" in found.stdout
    assert time.monotonic() - start_s < 5  # far above what it takes, far below torch
