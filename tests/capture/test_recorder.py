import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import pyxdf

from capture.audio import MicrophoneConfig
from capture.geometry import Screen
from capture.recorder import ExpectedStream, RecorderError, RecorderProcess
from capture.recorder_inlets import ClockThread, InletThread, Segment, predicate
from capture.recorder_process import Recorder
from capture.streams import StreamSpec, audio_spec, display_spec, gaze_spec
from capture.xdf import XdfWriter, read_streams, repair
from capture.xdf.chunks import DTYPES

pylsl = pytest.importorskip("pylsl")


@pytest.fixture
def specs():
    # ids of this test alone, so that an outlet of the last one is not found
    kind = f"test{time.monotonic_ns()}"
    return (
        gaze_spec(Screen(), 500, kind=kind),
        audio_spec(16_000, kind=kind),
        display_spec(kind=kind),
    )


class Source:
    """Publishes one stream on a thread, a sample every 1/rate, and notes each."""

    def __init__(self, spec, make_sample, rate_hz):
        self.make_sample, self.rate_hz = make_sample, rate_hz
        self.outlet = pylsl.StreamOutlet(spec.to_stream_info())
        self.stamps, self.samples = [], []
        self.pause, self.done = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        start_s = pylsl.local_clock()
        while not self.done.wait(0.004):
            if self.pause.is_set():
                start_s = pylsl.local_clock() - len(self.stamps) / self.rate_hz
                continue
            while len(self.stamps) < (pylsl.local_clock() - start_s) * self.rate_hz:
                self.push()

    def push(self):
        sample, stamp_s = self.make_sample(len(self.stamps)), pylsl.local_clock()
        self.outlet.push_sample(sample, stamp_s)
        self.stamps.append(stamp_s)
        self.samples.append(sample)

    def start(self):
        self.thread.start()

    def stop(self):
        self.done.set()
        if self.thread.ident:
            self.thread.join()


@pytest.fixture
def sources(specs):
    gaze, audio, display = specs
    made = [
        Source(gaze, lambda i: [i + 0.1, np.nan, 3.0, i, -5.0, 2.5], 500),
        Source(audio, lambda i: [(i * 7 + k) % 30_000 for k in range(160)], 100),
        Source(display, lambda i: [json.dumps({"event": "note", "text": f"ä{i}"})], 5),
    ]
    yield made
    for source in made:
        source.stop()


@pytest.fixture
def record(tmp_path, specs, lsl_environment):
    made = []

    def make(streams=None, **options):
        streams = streams or [spec.expected() for spec in specs]
        path = tmp_path / "recording.xdf"
        made.append(
            RecorderProcess(path, streams, environment=lsl_environment, **options)
        )
        made[-1].start()
        return made[-1]

    yield make
    for recorder in made:
        recorder.kill()


def wait_for(recorder, wanted, timeout_s=10.0):
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        for line in recorder.poll():
            if wanted(line):
                return line
        time.sleep(0.02)
    raise AssertionError("the recorder did not say so in time")


def by_name(path):
    streams, _ = pyxdf.load_xdf(
        path, synchronize_clocks=False, dejitter_timestamps=False, verbose=False
    )
    return {stream["info"]["name"][0]: stream for stream in streams}


def test_every_sample_that_was_pushed_is_in_the_file_bit_for_bit(
    record, sources, specs
):
    recorder = record()
    recorder.wait_until_recording()
    for source in sources:
        source.start()
    time.sleep(3)
    for source in sources:
        source.stop()

    summary = recorder.stop()

    streams = by_name(recorder.path)
    for source, spec in zip(sources, specs, strict=True):
        stream = streams[spec.name]
        assert summary["streams"][spec.name] == len(source.stamps)
        np.testing.assert_array_equal(stream["time_stamps"], source.stamps)
        if spec.channel_format == "string":
            assert stream["time_series"] == source.samples
        else:
            sent = np.array(source.samples, DTYPES[spec.channel_format])
            np.testing.assert_array_equal(stream["time_series"], sent)
        assert len(stream["clock_times"]) >= 2
        assert stream["footer"]["info"]["sample_count"] == [str(len(source.stamps))]
        offset_s = np.abs(stream["clock_values"]).max()
        assert offset_s < 0.01  # both are on this machine
    assert summary["alarms"] == 0
    assert len(sources[0].stamps) > 1000


def test_the_file_has_the_description_that_the_stream_was_given(record, sources, specs):
    recorder = record()
    recorder.wait_until_recording()
    recorder.stop()

    from_file = {s.name: s.header["info"] for s in read_streams(recorder.path)}
    for spec in specs:
        path = recorder.path.with_name(f"{spec.name}.xdf")
        _write_header(path, spec)
        (alone,) = read_streams(path)
        expected = alone.header["info"]
        for tag in ("name", "type", "channel_format", "channel_count", "source_id"):
            assert from_file[spec.name][tag] == expected[tag]
        assert from_file[spec.name]["desc"] == expected["desc"]


def _write_header(path, spec):
    with XdfWriter(path) as writer:
        writer.add_stream(spec.to_header_xml())


def test_a_killed_recorder_leaves_a_file_that_can_be_repaired(record, sources):
    recorder = record()
    recorder.wait_until_recording()
    for source in sources:
        source.start()
    time.sleep(1.5)
    killed_s = pylsl.local_clock()
    os.kill(recorder.pid, signal.SIGKILL)
    for source in sources:
        source.stop()
    with pytest.raises(RecorderError, match="ended unexpectedly"):
        recorder.stop()

    assert repair(recorder.path).footers_added == 3

    for source, name in zip(sources, ("radgaze_gaze", "radgaze_audio"), strict=False):
        stamps = by_name(recorder.path)[name]["time_stamps"]
        np.testing.assert_array_equal(stamps, source.stamps[: len(stamps)])
        assert killed_s - stamps[-1] < 0.5


def test_a_stream_that_stalls_raises_an_alarm_within_two_seconds(record, sources):
    recorder = record()
    recorder.wait_until_recording()
    for source in sources:
        source.start()
    time.sleep(1)
    stalled_s = time.monotonic()
    sources[0].pause.set()  # gaze, at a fixed rate
    sources[2].pause.set()  # display, by its heartbeat

    names = set()
    while names != {"radgaze_gaze", "radgaze_display"}:
        line = wait_for(recorder, lambda line: line["event"] == "alarm", 3)
        assert line["kind"] == "stalled"
        names.add(line["stream"])

    assert time.monotonic() - stalled_s < 2.0
    sources[0].pause.clear()
    back = wait_for(recorder, lambda line: line["event"] == "resumed")
    assert back["stream"] == "radgaze_gaze"
    assert recorder.stop()["alarms"] == 2


def test_a_missing_required_stream_gives_one_clear_error_and_no_file(record, specs):
    recorder = record()
    start_s = time.monotonic()

    with pytest.raises(RecorderError) as caught:
        recorder.wait_until_recording(1.5)

    assert time.monotonic() - start_s < 3
    message = str(caught.value)
    for spec in specs:
        assert repr(spec.name) in message
    assert "within 1.5 s" in message
    assert not recorder.path.exists()


def test_a_missing_optional_stream_is_waited_for_only_briefly(record, sources, specs):
    optional = ExpectedStream(name="elsewhere", type="Notes", required=False)
    recorder = record([specs[0].expected(), optional])
    recorder.wait_until_recording()

    assert recorder.stop()["streams"] == {"radgaze_gaze": 0}


def test_a_stream_that_comes_late_is_recorded_from_then_on(record, sources, specs):
    late = StreamSpec(
        name="late",
        type="Notes",
        channel_count=1,
        nominal_rate_hz=0,
        channel_format="string",
        source_id=f"radgaze:{time.monotonic_ns()}:late",
    )
    recorder = record([specs[0].expected(), late.expected(required=False)])
    recorder.wait_until_recording()
    outlet = pylsl.StreamOutlet(late.to_stream_info())
    wait_for(recorder, lambda line: line.get("stream") == "late")
    outlet.push_sample(["here"])

    assert recorder.stop()["streams"]["late"] == 1


def test_every_numeric_format_comes_through(record):
    specs = [
        StreamSpec(
            name=channel_format,
            type="T",
            channel_count=2,
            nominal_rate_hz=0,
            channel_format=channel_format,
            source_id=f"radgaze:{time.monotonic_ns()}:{channel_format}",
        )
        for channel_format in DTYPES
    ]
    outlets = [pylsl.StreamOutlet(spec.to_stream_info()) for spec in specs]
    recorder = record([spec.expected() for spec in specs])
    recorder.wait_until_recording()
    for outlet in outlets:
        outlet.push_sample([-3, 100], 5.0)

    recorder.stop()

    streams = read_streams(recorder.path)
    assert {stream.name for stream in streams} == set(DTYPES)
    for stream in streams:
        assert stream.values.dtype == DTYPES[stream.name]
        assert stream.values.tolist() == [[-3, 100]]
        assert stream.stamps_s.tolist() == [5.0]


def test_the_microphone_is_a_stream_like_the_others(tmp_path):
    class Device:
        def __init__(self, callback):
            self.callback, self.done = callback, threading.Event()
            self.thread = threading.Thread(target=self.run)
            self.blocks = 0

        def run(self):
            while not self.done.wait(0.01):
                block = np.arange(160 * self.blocks, 160 * (self.blocks + 1))
                self.callback((block % 30_000).astype(np.int16)[:, None], 160, None, 0)
                self.blocks += 1

        def start(self):
            self.thread.start()

        def stop(self):
            self.done.set()
            self.thread.join()

        def close(self):
            devices.append(self)

    devices, said, stop = [], [], threading.Event()
    recorder = Recorder(
        tmp_path / "a.xdf",
        [],
        MicrophoneConfig(rate_hz=16_000),
        said.append,
        stop,
        lambda _, callback: Device(callback),
    )
    threading.Timer(1.0, stop.set).start()

    summary = recorder.run()

    (audio,) = read_streams(tmp_path / "a.xdf")
    first = int(audio.values[0, 0])  # what came before the file was open is left out
    count = summary["streams"]["radgaze_audio"]
    assert audio.values.shape == (count, 160)
    assert count == devices[0].blocks - first // 160
    np.testing.assert_array_equal(
        audio.values.ravel(), (first + np.arange(count * 160)) % 30_000
    )
    assert (np.diff(audio.stamps_s) > 0).all()
    assert len(audio.clock_offsets) >= 2
    assert audio.clock_offsets[:, 1].tolist() == [0.0] * len(audio.clock_offsets)
    assert audio.header["info"]["desc"][0]["audio"][0]["sample_rate"] == ["16000"]
    assert said[-1]["event"] == "status" or said[0]["event"] == "recording"


def test_a_full_disk_is_said_at_once_and_the_file_can_be_repaired(record, sources):
    recorder = record()
    recorder.wait_until_recording()
    limit = (30_000, resource.RLIM_INFINITY)
    resource.prlimit(recorder.pid, resource.RLIMIT_FSIZE, limit)
    for source in sources:
        source.start()

    line = wait_for(recorder, lambda line: line["event"] == "error", 5)

    assert line["kind"] == "DiskFullError"
    with pytest.raises(RecorderError, match="no space left"):
        recorder.stop()
    repair(recorder.path)
    stamps = by_name(recorder.path)["radgaze_gaze"]["time_stamps"]
    np.testing.assert_array_equal(stamps, sources[0].stamps[: len(stamps)])
    assert len(stamps) > 0


def test_an_outlet_that_restarts_becomes_a_new_segment(record, specs):
    gaze = specs[0]
    first = pylsl.StreamOutlet(gaze.to_stream_info())
    recorder = record([gaze.expected()])
    recorder.wait_until_recording()
    for i in range(50):
        first.push_sample([i] * 6)
        time.sleep(0.005)
    time.sleep(0.3)
    del first
    second = pylsl.StreamOutlet(gaze.to_stream_info())
    recorder.poll()
    while not any(_samples(line) > 50 for line in recorder.poll()):
        second.push_sample([1000.0] * 6)
        time.sleep(0.005)
    recorder.stop()

    one, two = read_streams(recorder.path)

    assert len(one.stamps_s) == 50
    assert (two.values == 1000).all()
    assert one.header["info"]["uid"] != two.header["info"]["uid"]
    assert len(two.stamps_s) > 0


def _samples(line):
    return line.get("streams", {}).get("radgaze_gaze", {}).get("samples", 0)


@pytest.mark.slow
def test_a_lost_outlet_without_a_rate_is_noticed_too(record):
    spec = StreamSpec(
        name="notes",
        type="Notes",
        channel_count=1,
        nominal_rate_hz=0,
        channel_format="string",
        source_id=f"radgaze:{time.monotonic_ns()}:notes",
    )
    outlet = pylsl.StreamOutlet(spec.to_stream_info())
    recorder = record([spec.expected()])
    recorder.wait_until_recording()
    outlet.push_sample(["here"])
    time.sleep(0.3)
    del outlet

    line = wait_for(recorder, lambda line: line["event"] == "alarm", 15)

    assert line["kind"] == "lost"
    assert recorder.stop()["streams"] == {"notes": 1}


@pytest.mark.slow
def test_the_sample_before_the_stop_is_never_lost(record):
    spec = StreamSpec(
        name="last",
        type="Notes",
        channel_count=1,
        nominal_rate_hz=0,
        channel_format="string",
        source_id=f"radgaze:{time.monotonic_ns()}:last",
    )
    outlet = pylsl.StreamOutlet(spec.to_stream_info())
    for i in range(10):
        recorder = record([spec.expected()])
        recorder.wait_until_recording()
        time.sleep(0.3 + i * 0.013)  # at any moment of a pull
        outlet.push_sample(["last"])

        assert recorder.stop()["streams"] == {"last": 1}
        recorder.path.unlink()


def test_chunks_pushed_just_before_the_stop_are_never_lost(record, specs):
    gaze = specs[0]
    outlet = pylsl.StreamOutlet(gaze.to_stream_info())
    recorder = record([gaze.expected()])
    recorder.wait_until_recording()
    chunk = np.arange(50 * 6, dtype=np.float32).reshape(50, 6)
    pushed = 0
    for _ in range(20):  # as vendors do: 100 ms at a time, stamped with its last sample
        outlet.push_chunk(chunk.tolist(), pylsl.local_clock())
        pushed += len(chunk)
        time.sleep(0.05)
    for _ in range(100):
        outlet.push_chunk(chunk.tolist(), pylsl.local_clock() - 0.5)
        pushed += len(chunk)

    assert recorder.stop()["streams"] == {gaze.name: pushed}
    (stream,) = read_streams(recorder.path)
    np.testing.assert_array_equal(stream.values, np.tile(chunk, (120, 1)))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_recording_cleanly(record, sources, number):
    recorder = record()
    recorder.wait_until_recording()
    for source in sources:
        source.start()
    time.sleep(0.5)
    os.kill(recorder.pid, number)

    assert wait_for(recorder, lambda line: line["event"] == "stopped")["alarms"] == 0
    assert not any(stream.truncated for stream in read_streams(recorder.path))


def test_the_death_of_its_parent_ends_the_recording_cleanly(tmp_path, sources, specs):
    path = tmp_path / "orphan.xdf"
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from capture.recorder import ExpectedStream, RecorderProcess\n"
        f"stream = ExpectedStream(name='radgaze_gaze', type='Gaze', "
        f"source_id={specs[0].source_id!r})\n"
        f"recorder = RecorderProcess(Path({str(path)!r}), [stream])\n"
        "recorder.start()\n"
        "recorder.wait_until_recording()\n"
        "print(recorder.pid)\n"
        "sys.stdout.flush()\n"
        "os.kill(os.getpid(), 9)\n"
    )
    parent = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    deadline_s = time.monotonic() + 10
    while time.monotonic() < deadline_s:
        if path.exists() and not read_streams(path)[0].truncated:
            break
        time.sleep(0.05)

    assert parent.returncode == -signal.SIGKILL
    assert not read_streams(path)[0].truncated


def test_a_recording_that_exists_is_an_error_and_stays(record, sources, tmp_path):
    (tmp_path / "recording.xdf").write_bytes(b"precious")
    recorder = record()

    with pytest.raises(RecorderError, match="never overwritten"):
        recorder.wait_until_recording()
    assert (tmp_path / "recording.xdf").read_bytes() == b"precious"


def test_a_missing_microphone_is_a_clear_error(record, sources):
    recorder = record(microphone=MicrophoneConfig(device="no such device"))

    with pytest.raises(RecorderError, match=r"libportaudio2|inputs found"):
        recorder.wait_until_recording()


def test_a_microphone_that_is_not_required_is_an_alarm(record, sources):
    microphone = MicrophoneConfig(device="no such device", required=False)
    recorder = record(microphone=microphone)
    recorder.wait_until_recording()

    assert wait_for(recorder, lambda line: line["event"] == "alarm")["kind"] == (
        "microphone"
    )
    assert recorder.stop()["alarms"] == 1


def test_stopping_before_it_was_started_is_said(tmp_path):
    with pytest.raises(RecorderError, match="not started"):
        RecorderProcess(tmp_path / "a.xdf", []).stop()


def test_stamps_of_another_clock_raise_an_alarm(record, specs):
    outlet = pylsl.StreamOutlet(specs[0].to_stream_info())
    recorder = record([specs[0].expected()])
    recorder.wait_until_recording()
    for i in range(12):
        outlet.push_sample([i] * 6, 1000.0 + i / 10)
        time.sleep(0.1)

    line = wait_for(recorder, lambda line: line["event"] == "alarm", 3)
    assert line["kind"] == "foreign_clock"


def test_a_clock_is_measured_at_a_time_of_the_streams_own_clock(specs):
    class Inlet:
        def time_correction(self, timeout_s):
            return 1000.0  # what the other machine's clock is behind

    items, now_s = [], pylsl.local_clock()
    thread = InletThread(specs[0].expected(), items.append, threading.Event())
    thread.segment = Segment(specs[0].expected(), "uid")
    clock = ClockThread(thread, Inlet())
    clock.ended.set()

    clock.run()

    first, last = items
    assert first.offset_s == 1000.0
    assert first.collection_s == pytest.approx(now_s - 1000.0, abs=0.5)
    assert last.collection_s >= first.collection_s
    assert thread.ready.is_set()


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("plain", "name='plain' and type='T'"),
        ("it's", "name=\"it's\" and type='T'"),
    ],
)
def test_a_stream_is_asked_for_by_what_is_known_of_it(name, query):
    assert predicate(ExpectedStream(name=name, type="T")) == query


def test_a_name_that_no_query_can_hold_is_refused():
    with pytest.raises(ValueError, match="both kinds of quotes"):
        predicate(ExpectedStream(name="a'b\"c", type="T"))
