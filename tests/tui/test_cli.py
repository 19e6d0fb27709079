import json
import subprocess
import sys
import time
from importlib.metadata import version

import pytest

from tui.cli import main

HEAVY = {"torch", "pygame", "pylsl", "textual", "transformers", "matplotlib", "h5py"}


def test_help_names_every_command(capsys):
    assert main(["--help"]) == 0

    said = capsys.readouterr().out
    assert all(word in said for word in ("capture", "curate", "train", "demo"))


def test_version_is_that_of_the_package(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"radgaze {version('radgaze')}\n"


def test_an_unknown_command_is_wrong_use_and_lists_the_known(capsys):
    assert main(["cruate"]) == 2
    assert "no command named 'cruate'; known: capture, curate" in (
        capsys.readouterr().err
    )


def test_a_folder_that_is_not_there_is_wrong_use(capsys, tmp_path):
    assert main(["--folder", str(tmp_path / "none")]) == 2
    assert "no such folder" in capsys.readouterr().err


@pytest.mark.parametrize("module", ["tui.cli", "tui.demo.cli"])
def test_importing_the_command_stays_light(module):
    code = f"import sys, {module}; print(*sys.modules)"

    loaded = subprocess.check_output([sys.executable, "-c", code], text=True)

    assert not HEAVY & set(loaded.split())


@pytest.mark.parametrize("words", [["--help"], ["demo", "--help"]])
def test_help_answers_at_once(words):
    took_s = []
    for _ in range(3):
        start_s = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "tui.cli", *words], check=True, capture_output=True
        )
        took_s.append(time.monotonic() - start_s)

    assert min(took_s) < 0.6  # 0.3 s, and room for a busy machine


def test_the_demo_refuses_a_folder_of_something_else(tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("precious")

    assert main(["demo", "--out", str(tmp_path)]) == 1

    assert "is not a demo" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_the_demo_refuses_to_mix_two_demos(tmp_path, capsys):
    state = {"format": "radgaze-demo", "version": 1, "options": {"seed": 7}}
    (tmp_path / "summary.json").write_text(json.dumps(state))

    assert main(["demo", "--out", str(tmp_path), "--seed", "8"]) == 1

    assert "another" in capsys.readouterr().err
