import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from PIL import Image

from capture.cli import main

HEAVY = {"pygame", "pylsl", "torch", "textual", "cv2", "pydicom", "h5py", "scipy"}


@pytest.fixture
def studies(tmp_path):
    rows = ["study_id,patient_id,image"]
    for number in range(3):
        Image.fromarray(np.full((20, 30), 9, np.uint8)).save(tmp_path / f"{number}.png")
        rows.append(f"s{number},p,{number}.png")
    path = tmp_path / "studies.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def test_help_loads_nothing_heavy():
    code = (
        "import sys, capture.cli as c; c.main(['run', '--help']); print(*sys.modules)"
    )

    said = subprocess.check_output([sys.executable, "-c", code], text=True)

    assert not HEAVY & set(said.splitlines()[-1].split())
    assert "--tracker {mouse,lsl,simulated}" in said


@pytest.mark.parametrize(
    "argv",
    [[], ["nonesuch"], ["run"], ["run", "a.csv", "--tracker", "nose"]],
)
def test_wrong_use_is_2_and_says_so_on_stderr(argv, capsys):
    assert main(argv) == 2

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err


@pytest.mark.parametrize("command", ["run", "simulate", "simulate-studies", "repair"])
def test_every_command_has_help(command, capsys):
    assert main([command, "--help"]) == 0

    assert f"usage: radgaze capture {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--mouse-rate-hz", "5"], "mouse_rate_hz must be 60 to 120, got 5"),
        (["--tracker", "lsl"], "needs fullscreen"),
        (["--session", "../x"], "'../x' cannot be"),
        (["--max-image-s", "1"], "max_image_s must be at least 4, got 1"),
        (["--microphone-rate-hz", "11025"], "must be a multiple of 100, got 11025"),
        (["--reader", ""], "reader must not be empty"),
    ],
)
def test_an_option_that_cannot_work_is_2_in_one_line(options, found, capsys):
    assert main(["run", "a.csv", *options]) == 2

    said = capsys.readouterr()
    assert said.err.startswith("radgaze capture run: ")
    assert found in said.err
    assert len(said.err.splitlines()) == 1


def test_simulated_studies_are_written_where_out_says(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = "--n", "2", "--height-px", "64", "--workers", "2", "--progress", "none"

    assert main(["simulate-studies", *options]) == 0
    assert main(["simulate-studies", "--out", "here", *options]) == 0

    assert capsys.readouterr().out.split() == [
        "studies/studies.csv",
        "here/studies.csv",
    ]
    for folder in ("studies", "here"):
        assert (tmp_path / folder / "images" / "sim-00001.dcm").is_file()


def test_a_missing_voice_names_the_extra_and_what_works_without(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    monkeypatch.setenv("RADGAZE_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    quiet = "--progress", "none"
    studies = str(tmp_path / "studies" / "studies.csv")
    small = "--n", "1", "--height-px", "64"
    main(["simulate-studies", "--out", str(tmp_path / "studies"), *small, *quiet])
    capsys.readouterr()

    for command in (["simulate", studies], ["run", studies, "--tracker", "simulated"]):
        code = main([*command, "--out", str(tmp_path / "sessions"), *quiet])

        said = capsys.readouterr().err.splitlines()[-1]
        assert code == 1
        assert "pip install 'radgaze[simulation-voice]'" in said
        assert "--voice tones" in said
    assert not list(tmp_path.rglob("*.xdf"))


@pytest.mark.parametrize(
    "command",
    [
        ["run", "studies.csv", "--out", "file/sessions"],
        ["simulate", "studies.csv", "--voice", "tones", "--out", "file/sessions"],
        ["simulate-studies", "--n", "1", "--out", "file/studies"],
        ["repair", "file/session"],
    ],
)
def test_a_place_where_nothing_can_be_written_is_1_in_one_line(
    command, studies, capsys, monkeypatch
):
    monkeypatch.chdir(studies.parent)
    monkeypatch.setenv("RADGAZE_KEY_FILE", str(studies.parent / "key"))
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    (studies.parent / "file").write_text("not a folder")

    assert main([*command, "--progress", "none"]) == 1

    said = capsys.readouterr()
    (line,) = [line for line in said.err.splitlines() if "unseen" not in line]
    assert line.startswith(f"radgaze capture {command[0]}: file/")
    assert "Not a directory" in line
    assert said.out == ""


def test_a_missing_list_is_1_in_one_line(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("RADGAZE_KEY_FILE", str(tmp_path / "key"))

    assert main(["run", "gone.csv"], prog="capture") == 1

    said = capsys.readouterr()
    assert said.err.startswith("capture run: gone.csv: ")
    assert len(said.err.splitlines()) == 1


def test_check_passes_a_good_list(studies, capsys):
    assert main(["check", str(studies), "--no-streams", "--progress", "none"]) == 0

    assert "3 images can be read" in capsys.readouterr().out


def test_check_lists_every_bad_file(studies, capsys):
    studies.write_text(studies.read_text().replace("s1,", "\ns1,"))
    for number in (0, 2):
        (studies.parent / f"{number}.png").write_bytes(b"\x89PNG\r\n\x1a\nand no more")

    argv = ["check", str(studies), "--no-streams", "--json", "--progress", "none"]
    assert main(argv) == 1

    found = json.loads(capsys.readouterr().out)
    assert found["problems"] == 2
    assert [bad["row"] for bad in found["files_bad"]] == [2, 5]
    assert "truncated or damaged" in found["files_bad"][0]["problem"]


OUTLETS = """
    import os, sys, threading, time
    from capture import lsl_config
    lsl_config.apply(lsl_config.machine_only("check-test"))
    from pylsl import StreamInfo, StreamOutlet
    from capture.cli import main
    from capture.geometry import Screen
    from capture.streams import gaze_spec
    good = StreamOutlet(gaze_spec(Screen(), 100).to_stream_info())
    hashed = StreamOutlet(StreamInfo("old", "Gaze", 2, 100, "float32", "-4711"))
    def push():
        while True:
            good.push_sample([1.0] * 6)
            time.sleep(0.01)
    threading.Thread(target=push, daemon=True).start()
    sys.exit(main(["check", "--json", "--wait-s", "2"]))
"""


def test_check_says_which_streams_would_go_wrong():
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(OUTLETS)],
        capture_output=True,
        text=True,
        timeout=60,
    )

    found = {stream["name"]: stream for stream in json.loads(done.stdout)["streams"]}
    assert done.returncode == 1
    assert found["radgaze_gaze"]["problems"] == []
    assert found["radgaze_gaze"]["rate_hz"] == 100
    problems = " ".join(found["old"]["problems"])
    assert "changes with every start" in problems
    assert "no sample arrived" in problems
    assert "labels" in problems


def test_repairing_what_is_no_recording_is_1(tmp_path, capsys):
    path = tmp_path / "recording.xdf"
    path.write_bytes(b"nothing")

    assert main(["repair", str(tmp_path)]) == 1

    said = capsys.readouterr()
    assert said.err.startswith(f"radgaze capture repair: {path}")
