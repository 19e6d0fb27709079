import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from capture.errors import InputError, VersionError
from tui.demo.child import StageFailedError, run_at_once, run_child
from tui.demo.figures import curves, film_svg, histogram, make_film, scanpath_layer
from tui.demo.pieces import card, table
from tui.demo.stages import FULL, QUICK, plan
from tui.demo.state import Options, open_state

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/cwd").exists(), reason="looks for processes in /proc"
)


def test_a_new_folder_begins_a_demo(tmp_path):
    state = open_state(tmp_path / "new" / "demo", Options(seed=3))

    written = json.loads((tmp_path / "new" / "demo" / "summary.json").read_text())
    assert written["state"] == "unfinished"
    assert written["seed"] == 3
    assert state.stages == []


def test_an_unfinished_demo_goes_on_with_its_stages(tmp_path):
    state = open_state(tmp_path, Options())
    state.stages.append({"name": "studies", "seconds": 1.0, "commands": []})
    state.save()

    again = open_state(tmp_path, Options())

    assert again.is_complete("studies")
    assert not again.is_complete("live")


def test_time_lost_to_an_interruption_is_counted(tmp_path):
    state = open_state(tmp_path, Options())
    state.spent["curate"] = 12.5
    state.save()

    assert open_state(tmp_path, Options()).spent == {"curate": 12.5}


def test_a_demo_with_other_options_is_left_alone(tmp_path):
    open_state(tmp_path, Options(seed=1))

    with pytest.raises(InputError, match="holds another demo"):
        open_state(tmp_path, Options(seed=2))


def test_a_demo_of_another_version_is_refused(tmp_path):
    document = {"format": "radgaze-demo", "version": 99}
    (tmp_path / "summary.json").write_text(json.dumps(document))

    with pytest.raises(VersionError):
        open_state(tmp_path, Options())


@pytest.mark.parametrize("size", [FULL, QUICK])
def test_both_models_are_trained_alike_but_for_the_objective(size):
    stages = {stage.name: stage.commands for stage in plan(size, 5, 2)}

    egma, control = stages["train"]
    changed = [(a, b) for a, b in zip(egma, control, strict=True) if a != b]
    assert changed == [("egma", "control"), ("egma", "clip")]


def test_every_command_of_the_demo_has_the_seed_where_chance_plays():
    seeded = ("simulate-studies", "simulate", "run")
    for stage in plan(replace(FULL, studies=10), 17, 1):
        for words in stage.commands:
            if words[1] in seeded:
                assert words[words.index("--seed") + 1] == "17"


def test_a_failing_command_tells_its_code_and_last_words(tmp_path):
    words = ["curate", "verify", "nothing-here"]

    with pytest.raises(StageFailedError) as caught:
        run_child(words, lambda told: None, folder=tmp_path)

    assert caught.value.code == 1
    assert "nothing-here: is not a data set" in str(caught.value)
    assert "exit code 1 of: radgaze curate verify nothing-here" in str(caught.value)
    assert "Traceback" not in str(caught.value)


def running_in(folder):
    """Processes whose working folder is `folder`."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cwd").readlink() == folder:
                found.add(int(process.name))
    return found


LONG = ["capture", "simulate-studies", "--n", "500", "--height-px", "512",
        "--workers", "2", "--progress", "json", "--out"]  # fmt: skip


@needs_proc
def test_a_failing_command_ends_those_beside_it(tmp_path):
    commands = [[*LONG, "studies"], ["curate", "verify", "nothing-here"]]

    with pytest.raises(StageFailedError, match="curate verify nothing-here"):
        run_at_once(commands, lambda told: None, folder=tmp_path)

    assert running_in(tmp_path) == set()


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_ends_its_children_and_goes_on(tmp_path, number):
    out = tmp_path / "demo"
    command = [sys.executable, "-m", "tui.cli", "demo", "--out", str(out),
               "--progress", "json"]  # fmt: skip

    # alone, as a terminal's interrupt would reach the children by another way too
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as demo:
        while "simulate-studies" not in (line := demo.stderr.readline()):
            assert line, "the demo ended by itself"
        began = running_in(out)
        demo.send_signal(number)
        rest = demo.stderr.read()

    assert demo.returncode == 130
    assert began
    assert "run it again to go on" in rest
    assert "Traceback" not in rest
    assert running_in(out) == set()
    assert open_state(out, Options()).spent["studies"] > 0


def test_progress_of_a_child_is_passed_on(tmp_path):
    told = []
    words = ["capture", "simulate-studies", "--out", "s", "--n", "1",
             "--height-px", "256", "--progress", "json"]  # fmt: skip

    run_child(words, told.append, folder=tmp_path)

    assert told[-1].endswith("1 of 1")


def test_text_of_others_cannot_break_the_page():
    evil = '<script>alert("x")</script>'

    written = table([(evil, evil)]) + card("1", evil) + histogram(
        np.arange(5.0), unit=evil, title=evil
    )  # fmt: skip

    assert "<script" not in written


def test_the_padding_is_cut_off_a_film():
    film = make_film("a", np.zeros((32, 32), np.uint8), [4, 0, 24, 32])

    assert (film.width, film.height) == (24, 32)
    assert film.uri.startswith("data:image/jpeg;base64,")
    assert "24 32" in film_svg(film, "title")


def test_a_reading_without_fixations_draws_nothing():
    film = make_film("a", np.zeros((8, 8), np.uint8), [0, 0, 8, 8])
    none = np.zeros(0)

    assert scanpath_layer(film, np.zeros((0, 2)), none, none) == ""


def test_figures_without_data_say_so():
    assert "no data" in histogram(np.array([np.nan]), unit="s", title="t")
    assert "no data" in curves([], title="t")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_quick_demo_runs_the_whole_chain_and_goes_on_when_stopped(tmp_path):
    out = tmp_path / "demo"
    command = [sys.executable, "-m", "tui.cli", "demo", "--quick", "--out", str(out)]
    quiet = {**os.environ, "SDL_VIDEODRIVER": "dummy", "OMP_NUM_THREADS": "1"}

    first = subprocess.run(command, capture_output=True, text=True, env=quiet)

    assert first.returncode == 0, first.stderr
    assert first.stdout.strip() == str(out / "report.html")
    folders = {path.name for path in out.iterdir()}
    assert folders == {
        "studies", "sessions", "dataset", "egma", "control", "report.html",
        "summary.json",
    }  # fmt: skip
    summary = json.loads((out / "summary.json").read_text())
    assert summary["state"] == "complete"
    for name in ("zero_shot_auroc_macro", "retrieval_p_at_1", "pointing_game"):
        for model in ("egma", "control"):
            assert {"value", "low", "high", "chance"} <= set(summary[name][model])
    assert summary["alignment"]["readings"] > 10
    lost = summary["alignment"]["live_samples"]["live"]
    assert all(stream["lost"] == 0 for stream in lost.values())
    page = (out / "report.html").read_text()
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)

    again = subprocess.run(command, capture_output=True, text=True, env=quiet)

    assert again.returncode == 0
    assert again.stderr.count("done before") == len(plan(QUICK, 0, 1))
