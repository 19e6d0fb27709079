import os
import signal
import threading
import time

import numpy as np
import pytest

from capture.geometry import Screen
from capture.recorder import RecorderProcess
from capture.recorder_watch import RecorderLostError, RecorderWatch
from capture.streams import gaze_spec
from capture.xdf import read_streams

pylsl = pytest.importorskip("pylsl")


@pytest.fixture
def recorder(tmp_path, lsl_environment):
    """A recorder of 100 Hz gaze that really flows."""
    spec = gaze_spec(Screen(), 100, kind=f"test{time.monotonic_ns()}")
    outlet, done = pylsl.StreamOutlet(spec.to_stream_info()), threading.Event()

    def push():
        while not done.wait(0.01):
            outlet.push_sample([1.0] * 6)

    recorder = RecorderProcess(
        tmp_path / "a.xdf", [spec.expected()], environment=lsl_environment
    )
    recorder.start()
    recorder.wait_until_recording()
    thread = threading.Thread(target=push)
    thread.start()
    yield recorder
    done.set()
    thread.join()
    recorder.kill()


def look_until(watch, condition, timeout_s=10):
    end_s = time.monotonic() + timeout_s
    while not condition(watch.look()):
        assert time.monotonic() < end_s, "it never came"
        time.sleep(0.05)


def test_a_recorder_that_hangs_is_told_and_loses_nothing(recorder):
    told = []
    # at twice the pace: hanging for 1.5 s is told already
    watch = RecorderWatch(recorder, told.append, lambda: 2 * time.monotonic())
    assert watch.look() == ""

    os.kill(recorder.pid, signal.SIGSTOP)
    look_until(watch, bool)
    os.kill(recorder.pid, signal.SIGCONT)
    look_until(watch, lambda alarms: not alarms)
    recorder.stop()

    assert told == [
        "the recorder does not answer: is the disk or the network slow?",
        "the recorder answers again",
    ]
    (gaze,) = read_streams(recorder.path)
    assert np.diff(gaze.stamps_s).max() < 0.2


def test_the_end_of_the_recorder_is_an_error_that_says_what_to_do(recorder):
    watch = RecorderWatch(recorder, print, time.monotonic)

    os.kill(recorder.pid, signal.SIGKILL)

    with pytest.raises(RecorderLostError, match="radgaze capture repair"):
        look_until(watch, bool)
