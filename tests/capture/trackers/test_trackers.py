import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import get_args

import pytest

from capture.config import CaptureConfig, TrackerName
from capture.errors import ConfigError, UnknownNameError
from capture.trackers import TRACKERS, make_tracker


def test_every_name_on_the_command_line_has_a_tracker():
    assert set(TRACKERS) == set(get_args(TrackerName))


def test_an_unknown_tracker_names_the_known_ones():
    with pytest.raises(UnknownNameError, match="no tracker named 'nose'; known: lsl"):
        make_tracker("nose", CaptureConfig(studies=Path("a.csv")))


@pytest.mark.parametrize("name", ["mouse", "lsl"])
def test_building_a_tracker_opens_nothing(name):
    config = CaptureConfig(studies=Path("a.csv"), tracker=name, fullscreen=True)

    tracker = make_tracker(name, config)
    tracker.stop()

    assert tracker.name == name
    assert not tracker.simulated


def test_a_stream_of_any_kind_is_no_gaze():
    config = CaptureConfig(
        studies=Path("a.csv"), tracker="lsl", fullscreen=True, gaze_type=""
    )

    with pytest.raises(ConfigError, match="gaze_stream or gaze_type"):
        make_tracker("lsl", config)


def run(code):
    """Run code in a process with LSL to itself; return the JSON that it prints."""
    head = """
        import json, time
        from pathlib import Path
        from capture import lsl_config
        lsl_config.apply(lsl_config.machine_only("trackers-test"))
        import pylsl
        from capture.config import CaptureConfig
        from capture.display.state import DisplayState
        from capture.errors import RadgazeError
        from capture.trackers import make_tracker
    """
    code = textwrap.dedent(head) + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_mouse_is_published_as_the_gaze_of_both_eyes():
    found = run("""
        tracker = make_tracker("mouse", CaptureConfig(studies=Path("a.csv")))
        display = DisplayState()
        tracker.start(display, lambda action: None)
        inlet = pylsl.StreamInlet(pylsl.resolve_byprop("name", "radgaze_gaze")[0])
        inlet.open_stream()
        tracker.begin()
        lost, _ = inlet.pull_sample(5)
        display.set_mouse_px((30.0, 40.0))
        time.sleep(1.0)
        tracker.stop()
        tracker.stop()
        time.sleep(0.2)
        samples, stamps = inlet.pull_chunk(max_samples=1000)
        rate = (len(stamps) - 1) / (stamps[-1] - stamps[0])
        print(json.dumps([[str(v) for v in lost], [str(v) for v in samples[-1]], rate]))
    """)

    lost, looking, rate_hz = found
    assert lost == ["nan"] * 6
    assert looking == ["30.0", "40.0", "nan", "30.0", "40.0", "nan"]
    assert rate_hz == pytest.approx(100, rel=0.1)


def test_a_vendors_stream_is_found_by_name_and_described_as_it_is():
    found = run("""
        outlet = pylsl.StreamOutlet(
            pylsl.StreamInfo("Tobii", "Gaze", 6, 600, "float32", "Tobiiat_1")
        )
        config = CaptureConfig(
            studies=Path("a.csv"), tracker="lsl", fullscreen=True, gaze_stream="Tobii"
        )
        tracker = make_tracker("lsl", config)
        tracker.start(DisplayState(), lambda action: None)
        (spec,) = tracker.streams
        print(json.dumps(
            [spec.name, spec.source_id, spec.role, spec.channel_format,
             spec.channel_count, tracker.nominal_rate_hz]
        ))
    """)

    assert found == ["Tobii", "Tobiiat_1", "gaze", "float32", 6, 600]


def test_two_streams_that_fit_are_refused_by_name():
    found = run("""
        outlets = [
            pylsl.StreamOutlet(pylsl.StreamInfo(n, "Gaze", 2, 60, "float32", n))
            for n in ("one", "two")
        ]
        time.sleep(1.0)
        config = CaptureConfig(
            studies=Path("a.csv"), tracker="lsl", fullscreen=True, find_timeout_s=2
        )
        try:
            make_tracker("lsl", config).start(DisplayState(), lambda action: None)
        except RadgazeError as error:
            print(json.dumps(str(error)))
    """)

    assert found.startswith("2 gaze streams with type='Gaze': one (Gaze), two (Gaze)")
