"""One short session, played in real time in a process of its own, looked at often."""

import json
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import pytest

from capture.config import CaptureConfig
from capture.display.state import DisplayState, Shown
from capture.display.view import Action, ViewState
from capture.errors import InputError
from capture.geometry import Screen, View, angle_deg
from capture.simulation.truth import read_truth
from capture.trackers import make_tracker
from capture.trackers.base import TrackerError
from capture.trackers.simulated import SimulatedTracker

SCREEN = {"width_px": 1000, "height_px": 800}
CODE = """
    import json, sys, time
    from pathlib import Path
    from queue import SimpleQueue
    import numpy as np
    from capture import lsl_config
    lsl_config.apply(lsl_config.machine_only("simulated-test"))
    import pylsl
    from capture.config import CaptureConfig
    from capture.display.state import DisplayState, Shown
    from capture.display.view import ViewState, apply_action
    from capture.geometry import Screen
    from capture.simulation.profile import ReaderProfile
    from capture.trackers.simulated import SimulatedTracker

    folder = Path(sys.argv[1])
    screen = Screen(width_px=1000, height_px=800)
    config = CaptureConfig(
        studies=folder / "studies.csv", tracker="simulated", screen=screen, seed=2,
        voice="tones", max_image_s=5.5,
    )
    profile = ReaderProfile(
        search_s=1.2, pause_s=0.3, zoom_share=1.0, unspoken_share=0.0, memory_share=0.0
    )
    tracker = SimulatedTracker(config, profile=profile)
    display, posted = DisplayState(), SimpleQueue()
    tracker.start(display, posted.put)
    inlets = {}
    for spec in tracker.streams:
        found = pylsl.resolve_byprop("source_id", spec.source_id, 1, 5)
        inlets[spec.role] = pylsl.StreamInlet(found[0], max_buflen=60)
        inlets[spec.role].open_stream(5)
    tracker.begin()

    default = ViewState.fit(
        screen_width_px=1000, screen_height_px=800, image_width_px=2000,
        image_height_px=2400, window_center=100, window_width=200,
    )
    views, nexts = [], 0
    for index in range(2):
        state, shown_s = default, pylsl.local_clock()
        display.set(Shown(index, f"image-{index}", state, shown_s, shown_s))
        views.append((shown_s, index, state.view.as_affine()))
        until = time.monotonic() + 20
        while time.monotonic() < until:
            time.sleep(0.005)
            if posted.empty():
                continue
            action = posted.get()
            if action.kind == "next":
                nexts += 1
                break
            state, flip_s = apply_action(state, action, default), pylsl.local_clock()
            display.set(Shown(index, f"image-{index}", state, shown_s, flip_s))
            views.append((flip_s, index, state.view.as_affine()))
    display.set(None)
    time.sleep(0.3)
    nexts += posted.qsize()
    tracker.stop()
    tracker.stop()
    time.sleep(0.3)
    arrived = {}
    for role, inlet in inlets.items():
        values, stamps = inlet.pull_chunk(max_samples=100_000)
        arrived[role] = len(stamps)
        np.savez(folder / f"{role}.npz", values=values, stamps_s=stamps)
    tracker.write_truth(folder)
    told = {"views": views, "nexts": nexts, "arrived": arrived,
            "pushed": tracker.samples_pushed}
    (folder / "told.json").write_text(json.dumps(told))
"""


def write_studies(folder):
    (folder / "truth").mkdir(parents=True)
    rows = ["study_id,patient_id,image"]
    regions = ([0.1, 0.6, 0.3, 0.8], [0.6, 0.2, 0.75, 0.35])
    for i, region in enumerate(regions):
        (folder / f"{i}.dcm").write_bytes(b"never opened here")
        rows.append(f"S{i},P{i},{i}.dcm")
        data = {
            "format": "radgaze-study-truth",
            "version": 1,
            "study_id": f"S{i}",
            "sentences": [
                {
                    "text": "There is an opacity in this very region.",
                    "state": "present",
                    "region": region,
                }
            ],
            "findings": [{"box": region}],
            "anatomy": {"lung": [0.1, 0.1, 0.9, 0.9]},
        }
        (folder / "truth" / f"S{i}.json").write_text(json.dumps(data))
    path = folder / "studies.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    write_studies(folder)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CODE), str(folder)],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads((folder / "told.json").read_text())
    streams = {role: np.load(folder / f"{role}.npz") for role in ("gaze", "audio")}
    return told, streams, read_truth(folder)


def test_every_sample_that_was_pushed_arrives(played):
    told, _, truth = played

    assert told["arrived"]["gaze"] == told["pushed"]["radgaze_gaze"] > 1000
    assert told["arrived"]["audio"] == told["pushed"]["radgaze_audio"] > 400
    assert truth["samples_pushed"] == told["pushed"]


def test_stamps_are_as_regular_as_the_rate(played):
    _, streams, _ = played

    np.testing.assert_allclose(np.diff(streams["gaze"]["stamps_s"]), 0.004, atol=1e-6)
    np.testing.assert_allclose(np.diff(streams["audio"]["stamps_s"]), 0.01, atol=1e-6)
    assert streams["gaze"]["values"].shape[1] == 6
    assert streams["audio"]["values"].shape[1] == 160


def test_next_is_pressed_once_an_image(played):
    told, _, truth = played

    assert told["nexts"] == 2
    assert [image["index"] for image in truth["images"]] == [0, 1]
    assert all(3 < i["hidden_s"] - i["shown_s"] < 7 for i in truth["images"])


def test_gaze_follows_the_view_that_was_really_shown(played):
    told, streams, truth = played
    stamps_s, values = streams["gaze"]["stamps_s"], streams["gaze"]["values"]
    starts_s = [start_s for start_s, _, _ in told["views"]]
    assert len(told["views"]) > 6  # two images, magnified and back

    for image in truth["images"]:
        trace = {k: np.array(v) for k, v in image["gaze"].items()}
        flips_away = np.abs(trace["time_s"][:, None] - starts_s).min(1) > 0.05
        steady = (trace["state"] == 0) & flips_away
        times_s = trace["time_s"][steady]
        share = np.column_stack([trace["x"], trace["y"]])[steady]
        row = np.searchsorted(starts_s, times_s) - 1
        true_px = np.array(
            [
                View.from_affine(told["views"][k][2]).to_screen(p[None] * (2000, 2400))[
                    0
                ]
                for k, p in zip(row, share, strict=True)
            ]
        )
        near = np.abs(stamps_s[:, None] - times_s).argmin(0)
        both = values[near].astype(float)
        seen_px = (both[:, 0:2] + both[:, 3:5]) / 2

        error_deg = angle_deg(seen_px, true_px, Screen(**SCREEN))

        expected_deg = np.hypot(*truth["reader"]["offset_deg"])
        assert np.nanmedian(error_deg) == pytest.approx(expected_deg, abs=0.15)
        assert np.nanmax(error_deg) < 1.0


def test_speech_is_in_the_audio_when_the_truth_says(played):
    _, streams, truth = played
    stamps_s = streams["audio"]["stamps_s"]
    loud = np.sqrt((streams["audio"]["values"].astype(float) ** 2).mean(1))

    for image in truth["images"]:
        sentence = image["sentences"][0]
        assert sentence["said"]
        within = (stamps_s > sentence["start_s"] - 0.01) & (
            stamps_s < sentence["end_s"]
        )
        assert loud[within].mean() > 500
    assert 0 < loud.min() < 50


def test_eyes_arrive_before_the_voice(played):
    _, _, truth = played

    leads_s = [image["sentences"][0]["lead_s"] for image in truth["images"]]

    assert all(0.2 < lead_s < 3 for lead_s in leads_s)


def test_a_reader_that_fails_asks_for_the_end_and_says_why_when_stopped(tmp_path):
    config = CaptureConfig(
        studies=write_studies(tmp_path), tracker="simulated", voice="tones"
    )
    display, posted = DisplayState(), SimpleQueue()
    tracker = SimulatedTracker(config)
    tracker.start(display, posted.put)
    tracker.begin()

    no_such_row = 7
    state = ViewState.fit(
        screen_width_px=1000, screen_height_px=800, image_width_px=2000,
        image_height_px=2400, window_center=100, window_width=200,
    )  # fmt: skip
    display.set(Shown(no_such_row, "image-7", state, 0.0, 0.0))

    assert posted.get(timeout=10) == Action("stop")
    with pytest.raises(TrackerError, match="the simulated reader failed: KeyError"):
        tracker.stop()
    tracker.stop()


def test_building_it_opens_nothing():
    config = CaptureConfig(studies=Path("a.csv"), tracker="simulated")

    tracker = make_tracker("simulated", config)
    tracker.stop()

    assert tracker.simulated
    assert [spec.role for spec in tracker.streams] == ["gaze", "audio"]


def test_a_list_without_a_truth_is_refused_at_the_start(tmp_path):
    path = write_studies(tmp_path)
    (tmp_path / "truth" / "S1.json").unlink()
    config = CaptureConfig(studies=path, tracker="simulated", voice="tones")

    with pytest.raises(InputError, match="simulate-studies"):
        SimulatedTracker(config).start(None, None)


def test_speed_shortens_silence_and_leaves_the_eyes_alone():
    config = CaptureConfig(studies=Path("a.csv"), tracker="simulated")

    usual = SimulatedTracker(config).profile
    hasty = SimulatedTracker(replace(config, speed=2.0)).profile

    assert hasty.search_s == pytest.approx(usual.search_s / 2)
    assert hasty.words_per_minute == pytest.approx(usual.words_per_minute * 1.3)
    assert hasty.fixation_s == usual.fixation_s
