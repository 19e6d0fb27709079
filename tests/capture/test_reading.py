"""Whole sessions: real window (dummy driver), real LSL, real recorder, real XDF."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from capture.display.events import ImageHidden, ImageShown, ViewChanged, parse_event
from capture.display.view import Action, ViewState, apply_action
from capture.session import read_session
from capture.session_check import validate_session

SCREEN = (800, 600)
SIZES = [(200, 300), (500, 250)]

# a tracker of one's own is one line in the table: this one also works the mouse
DRIVER = """
import json, sys, threading, time
import capture.trackers.base
from capture.cli import main
from capture.display.view import Action
from capture.trackers.mouse import MouseTracker

class Played(MouseTracker):
    def start(self, display, post_action):
        super().start(display, post_action)
        self.post = post_action

    def begin(self):
        super().begin()
        threading.Thread(target=self.play, daemon=True).start()

    def play(self):
        for wait_s, action in json.loads(sys.argv[1]):
            time.sleep(wait_s)
            self.post(Action(**action))

class Failing(Played):
    # plays, and then gives up, as a simulated reader may

    def play(self):
        super().play()
        self.post(Action("stop"))

    def stop(self):
        super().stop()
        raise capture.trackers.base.TrackerError("the tracker failed")

name = "Failing" if "--fails" in sys.argv else "Played"
sys.argv = [word for word in sys.argv if word != "--fails"]
capture.trackers.TRACKERS["mouse"] = f"__main__:{name}"
sys.exit(main(sys.argv[2:]))
"""

ACTIONS = [
    Action("zoom", 400, 200, dy=2),
    Action("pan", 300, 300, dx=25, dy=-40),
    Action("window", 300, 300, dx=30, dy=10),
    Action("invert", 300, 300),
    Action("next", 300, 300),
    Action("one_to_one", 300, 300),
    Action("zoom", 100, 300, dy=-1),
    Action("next", 100, 300),
]


@pytest.fixture
def studies(tmp_path):
    folder = tmp_path / "studies"
    folder.mkdir()
    lines = ["study_id,patient_id,image"]
    for number, (width, height) in enumerate(SIZES):
        noise = np.random.default_rng(number).integers(0, 255, (height, width))
        Image.fromarray(noise.astype(np.uint8)).save(folder / f"{number}.png")
        lines.append(f"original-study-{number},original-patient,{number}.png")
    path = folder / "studies.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def start(tmp_path):
    """Start a session that plays actions, in a process of its own."""
    begun = []

    def start(studies, actions=(), *options, every_s=0.12):
        played = [(every_s, _fields(action)) for action in actions]
        command = [sys.executable, "-c", DRIVER, json.dumps(played), "run"]
        command += [str(studies), "--out", str(tmp_path / "sessions"), "--json"]
        command += ["--width-px", str(SCREEN[0]), "--height-px", str(SCREEN[1])]
        environment = os.environ | {
            "SDL_VIDEODRIVER": "dummy",
            "RADGAZE_KEY_FILE": str(tmp_path / "key"),
            "OMP_NUM_THREADS": "1",
        }
        environment.pop("LSLAPICFG", None)
        process = subprocess.Popen(
            [*command, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        begun.append(process)
        return process

    yield start
    for process in begun:
        process.kill()
        process.communicate()


def _fields(action):
    names = ("kind", "x_px", "y_px", "dx", "dy")
    return {name: getattr(action, name) for name in names}


def wait_for(condition, timeout_s=30):
    end_s = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < end_s, "it never came"
        time.sleep(0.05)
    return found


def child_of(process):
    """Return the process id of a session's recorder."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        pytest.skip("needs /proc to find the recorder")
    return int(children.read_text().split()[0])


def default_state(size):
    return ViewState.fit(
        screen_width_px=SCREEN[0],
        screen_height_px=SCREEN[1],
        image_width_px=size[0],
        image_height_px=size[1],
        window_center=127.5,
        window_width=255,
    )


def test_a_session_is_recorded_as_it_was_shown(studies, start):
    pyxdf = pytest.importorskip("pyxdf")

    out, err = start(studies, ACTIONS).communicate(timeout=60)

    folder = Path(json.loads(out)["folder"])
    info = read_session(folder)
    assert validate_session(folder) == []
    assert (info.end.state, info.end.images_read) == ("complete", 2)
    assert [(s.width_px, s.height_px) for s in info.studies] == SIZES
    assert "Traceback" not in err

    streams, _ = pyxdf.load_xdf(str(folder / "recording.xdf"))
    by_name = {stream["info"]["name"][0]: stream for stream in streams}
    assert set(by_name) == {"radgaze_gaze", "radgaze_display"}
    for stream in streams:
        assert len(stream["footer"]["info"]["clock_offsets"][0]["offset"]) >= 2
    check_events(by_name["radgaze_display"])
    check_gaze(by_name["radgaze_gaze"], by_name["radgaze_display"])


def check_events(stream):
    events = [parse_event(row[0]) for row in stream["time_series"]]
    seen = [e for e in events if isinstance(e, ImageShown | ViewChanged)]
    sizes = iter(SIZES)
    state = default = default_state(next(sizes))
    expected = [state]
    for action in ACTIONS[:-1]:
        if action.kind == "next":
            state = default = default_state(next(sizes))
        else:
            state = apply_action(state, action, default)
        expected.append(state)
    assert len(seen) == len(expected)
    for event, state in zip(seen, expected, strict=True):
        assert event.affine == pytest.approx(state.view.as_affine())
        assert event.window_center == pytest.approx(state.window_center)
        assert event.window_width == pytest.approx(state.window_width)
        assert event.invert == state.invert
    assert sum(isinstance(event, ImageHidden) for event in events) == 2
    assert [events[0].event, events[-1].event] == ["session_started", "session_ended"]


def check_gaze(gaze, display):
    values, stamps_s = gaze["time_series"], gaze["time_stamps"]
    assert 80 < 1 / np.median(np.diff(stamps_s)) < 110
    # after the last action the mouse stays at 100, 300
    np.testing.assert_array_equal(values[-1][[0, 1, 3, 4]], [100, 300, 100, 300])
    assert np.isnan(values[:, 2]).all()
    first_s, last_s = display["time_stamps"][[0, -1]]
    assert abs(stamps_s[0] - first_s) < 0.5
    assert abs(stamps_s[-1] - last_s) < 0.5


PLANTED = ("Vonnegut", "ACC4711", "MRN0815", "1.2.826.0.4711", "19221111", "Billy")


def plant(tmp_path):
    """Write a study list that names a patient wherever a list and its files can."""
    import pydicom

    from capture.simulation.dicom import write_dicom
    from capture.simulation.phantom import make_phantom

    folder = tmp_path / "Vonnegut^Kurt"
    folder.mkdir()
    image = folder / "MRN0815 ACC4711.dcm"
    write_dicom(make_phantom(1, height_px=64), image, seed=1)
    header = pydicom.dcmread(image)
    header.PatientName, header.PatientID = "Vonnegut^Kurt", "MRN0815"
    header.AccessionNumber, header.PatientBirthDate = "ACC4711", "19221111"
    header.StudyInstanceUID = header.SOPInstanceUID = "1.2.826.0.4711"
    header.file_meta.MediaStorageSOPInstanceUID = "1.2.826.0.4711"
    header.StudyDescription = "Chest of Vonnegut"
    header.save_as(image)
    (folder / "ACC4711.txt").write_text("Vonnegut has no pneumothorax.")
    path = folder / "studies MRN0815.csv"
    path.write_text(
        "study_id,patient_id,image,report\n"
        f"ACC4711,MRN0815 Vonnegut,{image.name},ACC4711.txt\n"
    )
    return path


def test_no_identifier_reaches_any_byte_of_a_session(start, tmp_path):
    listed_in = plant(tmp_path)

    out, err = start(listed_in, [Action("next")], "--reader", "Billy").communicate(
        timeout=60
    )

    folder = Path(json.loads(out)["folder"])
    assert read_session(folder).end.state == "complete"
    files = [path for path in folder.rglob("*") if path.is_file()]
    written = b"".join(path.read_bytes() for path in files)
    written += str(folder.relative_to(tmp_path)).encode()
    assert sorted(path.name for path in files) == ["recording.xdf", "session.json"]
    for text in (*PLANTED, str(tmp_path), str(Path.home()) + os.sep, "studies MRN"):
        assert text.casefold().encode() not in written.lower(), text
        assert text not in err, text


def test_ctrl_c_stops_safely(studies, start, tmp_path):
    process = start(studies, [])
    wait_for(lambda: [p for p in tmp_path.rglob("*.xdf") if p.stat().st_size > 5000])

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Traceback" not in err
    folder = Path(json.loads(out)["folder"])
    assert read_session(folder).end.state == "stopped"
    assert validate_session(folder) == []


def test_a_recorder_that_dies_ends_the_session_with_a_clear_error(
    studies, start, tmp_path
):
    process = start(studies, [])
    recording = wait_for(
        lambda: [p for p in tmp_path.rglob("*.xdf") if p.stat().st_size > 5000]
    )[0]

    os.kill(child_of(process), signal.SIGKILL)
    out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (1, "")
    assert "the recorder ended while the session ran" in err
    assert f"radgaze capture repair {recording}" in err
    assert "Traceback" not in err
    assert read_session(recording.parent).end.state == "unfinished"
    from capture.cli import main

    assert main(["repair", str(recording.parent)]) == 0
    from capture.xdf import read_streams

    names = {stream.name for stream in read_streams(recording)}
    assert names == {"radgaze_gaze", "radgaze_display"}


def test_a_recorder_that_cannot_start_leaves_no_folder(studies, start, tmp_path):
    process = start(studies, [], "--microphone", "--microphone-device", "no such one")
    out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (1, "")
    assert err.splitlines()[-1].startswith("radgaze capture run: ")
    assert list((tmp_path / "sessions").iterdir()) == []


def test_a_tracker_that_fails_ends_the_session_safely(studies, start, tmp_path):
    process = start(studies, [Action("next")], "--fails")
    out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (1, "")
    assert err.splitlines()[-1] == "radgaze capture run: the tracker failed"
    check_ended_safely(tmp_path, err, images_read=1)


def test_an_image_that_changes_ends_the_session_safely(studies, start, tmp_path):
    last = studies.parent / "2.png"
    last.write_bytes((studies.parent / "1.png").read_bytes())
    studies.write_text(studies.read_text() + "original-study-2,p,2.png\n")
    process = start(studies, [Action("next")] * 2, every_s=1)
    wait_for(lambda: list(tmp_path.rglob("*.xdf")))
    last.unlink()
    out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (1, "")
    assert f"{studies}: row 4: {last}: does not exist" in err
    check_ended_safely(tmp_path, err, images_read=2)


def check_ended_safely(tmp_path, err, images_read):
    (recording,) = tmp_path.rglob("*.xdf")
    info = read_session(recording.parent)
    assert (info.end.state, info.end.images_read) == ("stopped", images_read)
    assert validate_session(recording.parent) == []
    assert f"what was read is in {recording.parent}" in err
    assert "Traceback" not in err


def test_a_tracker_that_is_not_there_leaves_no_folder(studies, start, tmp_path):
    options = "--tracker", "lsl", "--gaze-stream", "nowhere", "--fullscreen"

    process = start(studies, [], *options, "--find-timeout-s", "1")
    out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (1, "")
    assert "0 gaze streams with name='nowhere'" in err
    assert "Traceback" not in err
    assert not (tmp_path / "sessions").exists()


@pytest.mark.parametrize(
    ("bad", "found"),
    [
        (lambda path: path.unlink(), "no file"),
        (lambda path: path.write_bytes(path.read_bytes()[:900]), "truncated"),
        (lambda path: path.write_text("a shopping list"), "not a DICOM, PNG or JPEG"),
    ],
)
def test_a_bad_image_is_found_before_the_session(
    studies, tmp_path, bad, found, capsys, monkeypatch
):
    from capture.cli import main

    monkeypatch.setenv("RADGAZE_KEY_FILE", str(tmp_path / "key"))
    bad(studies.parent / "1.png")

    code = main(
        ["run", str(studies), "--out", str(tmp_path / "sessions"), "--progress", "none"]
    )

    said = capsys.readouterr()
    assert (code, said.out) == (1, "")
    assert len(said.err.splitlines()) == 1
    assert said.err.startswith(f"radgaze capture run: {studies}: row 3")
    assert "1.png" in said.err
    assert found in said.err
    assert not (tmp_path / "sessions").exists()


def test_a_polite_kill_stops_safely(studies, start, tmp_path):
    process = start(studies, [])
    wait_for(lambda: [p for p in tmp_path.rglob("*.xdf") if p.stat().st_size > 5000])

    process.terminate()
    out, _ = process.communicate(timeout=60)

    assert process.returncode == 0
    assert read_session(Path(json.loads(out)["folder"])).end.state == "stopped"


def test_progress_is_one_json_object_a_line_for_a_program(studies, start):
    process = start(studies, [Action("next"), Action("next")], "--progress", "json")
    _, err = process.communicate(timeout=60)

    lines = [json.loads(line) for line in err.splitlines()]
    done = [
        line["done"] for line in lines if line["stage"] == "reading" and "done" in line
    ]
    assert done[:2] == [1, 2]
    assert any("unseen" in line.get("message", "") for line in lines)


def test_going_back_shows_the_image_again_and_counts_it_once(studies, start):
    keys = [Action(kind) for kind in ("previous", "next", "previous", "next", "next")]

    out, _ = start(studies, keys).communicate(timeout=60)

    folder = Path(json.loads(out)["folder"])
    from capture.xdf import read_streams

    display = next(s for s in read_streams(folder / "recording.xdf") if "dis" in s.name)
    events = [parse_event(text) for text in display.texts]
    shown = [event.index for event in events if isinstance(event, ImageShown)]
    assert shown == [0, 1, 0, 1]
    assert read_session(folder).end.images_read == 2
