import math
import os
import resource
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import pyxdf
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.errors import DiskFullError, InputError
from capture.xdf import XdfWriter, clean_header, read_streams, repair, scan
from capture.xdf.chunks import (
    BOUNDARY,
    BOUNDARY_MARK,
    CLOCK_OFFSET,
    DTYPES,
    SAMPLES,
    encode_chunk,
    varlen,
)

SHARED = Path(
    os.environ.get("RADGAZE_SHARED", Path(__file__).parents[3] / "shared")
).joinpath("data", "xdf")


def header(name="s", channels=2, rate=100.0, channel_format="float32", extra=""):
    return (
        f"<info><name>{name}</name><type>T</type><channel_count>{channels}"
        f"</channel_count><nominal_srate>{rate}</nominal_srate><channel_format>"
        f"{channel_format}</channel_format>{extra}<desc/></info>"
    )


def load(path):
    streams, _ = pyxdf.load_xdf(
        path, synchronize_clocks=False, dejitter_timestamps=False, verbose=False
    )
    return {stream["info"]["name"][0]: stream for stream in streams}


@pytest.fixture
def small_recording(tmp_path):
    path = tmp_path / "small.xdf"
    with XdfWriter(path) as writer:
        numbers = writer.add_stream(header("numbers", 3, channel_format="int16"))
        texts = writer.add_stream(header("texts", 1, 0, "string"))
        for i in range(4):
            stamps = 10 * i + np.array([0.0, 0.01])
            writer.write_samples(numbers, stamps, np.full((2, 3), i, np.int16))
            writer.write_samples(texts, [10 * i + 0.5], [f"event {i} ä"])
            writer.write_clock_offset(numbers, 10.0 * i, 0.25)
    return path


@pytest.mark.parametrize("channel_format", [*DTYPES])
def test_numbers_come_back_bit_equal_through_pyxdf(tmp_path, channel_format):
    dtype = DTYPES[channel_format]
    limits = np.iinfo(dtype) if dtype.kind == "i" else np.finfo(dtype)
    values = np.array([[limits.min, 0], [limits.max, 1], [3, 4]], dtype)
    stamps = np.array([1.25, 1.26, 7.5])

    with XdfWriter(tmp_path / "a.xdf") as writer:
        stream = writer.add_stream(header(channel_format=channel_format))
        writer.write_samples(stream, stamps, values)

    theirs, (ours,) = load(tmp_path / "a.xdf")["s"], read_streams(tmp_path / "a.xdf")
    for actual in (theirs["time_series"], ours.values):
        assert actual.dtype == dtype
        np.testing.assert_array_equal(actual, values)
    np.testing.assert_array_equal(theirs["time_stamps"], stamps)
    np.testing.assert_array_equal(ours.stamps_s, stamps)
    assert theirs["footer"]["info"]["sample_count"] == ["3"]
    assert not ours.truncated


def test_texts_come_back_equal_through_pyxdf(tmp_path):
    texts = [["", "a"], ["ä€𝄞", "x" * 300], ["\n", '{"k": 1}']]

    with XdfWriter(tmp_path / "a.xdf") as writer:
        stream = writer.add_stream(header(rate=0, channel_format="string"))
        writer.write_samples(stream, [1.0, 2.0, 3.0], texts)

    assert load(tmp_path / "a.xdf")["s"]["time_series"] == texts
    assert read_streams(tmp_path / "a.xdf")[0].values.tolist() == texts


def test_a_lost_eye_stays_nan(tmp_path):
    with XdfWriter(tmp_path / "a.xdf") as writer:
        stream = writer.add_stream(header())
        writer.write_samples(stream, [1.0], [[math.nan, 2.0]])

    assert math.isnan(read_streams(tmp_path / "a.xdf")[0].values[0, 0])


def test_clock_offsets_are_written_as_pyxdf_reads_them(small_recording):
    theirs = load(small_recording)["numbers"]

    assert theirs["clock_times"] == [0.0, 10.0, 20.0, 30.0]
    assert theirs["clock_values"] == [0.25] * 4
    offsets = read_streams(small_recording)[0].clock_offsets
    np.testing.assert_array_equal(offsets[:, 0], theirs["clock_times"])


def test_the_worked_bytes_of_the_format_are_reproduced(tmp_path):
    # an int16 x 3 sample at t = 5.1, as in the format's own example file
    with XdfWriter(tmp_path / "a.xdf") as writer:
        stream = writer.add_stream(header(channels=3, channel_format="int16"))
        writer.write_samples(stream, [5.1], [[192, 255, 238]])

    (chunk,) = (c for c in scan(tmp_path / "a.xdf") if c.tag == SAMPLES)
    raw = (tmp_path / "a.xdf").read_bytes()[chunk.start : chunk.end]
    assert raw.hex() == (
        "011a0300010000000401000000086666666666661440c000ff00ee00".lower()
    )


@pytest.mark.parametrize("n", [0, 255, 256, 2**32 - 1, 2**32])
def test_lengths_take_one_four_or_eight_bytes(n):
    raw = varlen(n)

    assert raw[0] in (1, 4, 8)
    assert int.from_bytes(raw[1:], "little") == n
    assert len(raw) == raw[0] + 1


def test_boundaries_come_at_least_every_two_seconds_of_a_stream(tmp_path):
    with XdfWriter(tmp_path / "a.xdf") as writer:
        stream = writer.add_stream(header())
        for i in range(40):
            stamps = i * 0.25 + np.arange(25) / 100
            writer.write_samples(stream, stamps, np.zeros((25, 2), np.float32))

    tags = [chunk.tag for chunk in scan(tmp_path / "a.xdf")]
    runs = "".join("b" if t == BOUNDARY else "s" for t in tags if t in (3, 5))
    assert max(map(len, runs.split("b"))) <= 8  # 8 chunks of 0.25 s
    assert len(load(tmp_path / "a.xdf")["s"]["time_stamps"]) == 1000


@pytest.mark.parametrize(("sync_every_s", "synced"), [(0.0, True), (60.0, False)])
def test_what_is_written_goes_to_the_disk_in_time(
    tmp_path, monkeypatch, sync_every_s, synced
):
    sizes = []
    monkeypatch.setattr(os, "fdatasync", lambda f: sizes.append(os.fstat(f).st_size))
    with XdfWriter(tmp_path / "a.xdf", sync_every_s=sync_every_s) as writer:
        stream = writer.add_stream(header())
        writer.write_samples(stream, [1.0], [[1.0, 2.0]])
        size = (tmp_path / "a.xdf").stat().st_size
        writer.sync_if_due()

        assert (size in sizes) is synced
    assert sizes[-1] == (tmp_path / "a.xdf").stat().st_size


def test_the_same_calls_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        with XdfWriter(tmp_path / name) as writer:
            stream = writer.add_stream(header())
            writer.write_samples(stream, [1.0, 9.0], np.ones((2, 2), np.float32))

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_every_cut_is_repaired_to_exactly_the_whole_chunks(small_recording):
    raw = small_recording.read_bytes()
    whole = scan(small_recording)
    cut = small_recording.with_name("cut.xdf")
    first_stream = next(chunk.end for chunk in whole if chunk.tag == 2)
    for size in range(4, len(raw)):
        cut.write_bytes(raw[:size])
        left = [chunk for chunk in whole if chunk.end <= size]
        tolerant = {s.name: len(s.stamps_s) for s in read_streams(cut)}

        done = repair(cut)

        assert done.original is None
        assert repair(cut).changed is False
        if size < first_stream:
            continue
        expected = {1: 0, 2: 0}
        for chunk in left:
            if chunk.tag == SAMPLES:
                expected[chunk.stream_id] += 2 if chunk.stream_id == 1 else 1
        streams = load(cut)
        counts = {name: len(s["time_stamps"]) for name, s in streams.items()}
        assert counts == tolerant
        assert counts["numbers"] == expected[1]
        assert counts.get("texts", 0) == expected[2]
        offsets = sum(chunk.tag == CLOCK_OFFSET for chunk in left)
        assert len(streams["numbers"]["clock_times"]) == offsets
        footer = streams["numbers"]["footer"]["info"]
        assert footer["sample_count"] == [str(expected[1])]


def test_a_whole_file_is_left_alone(small_recording):
    before = small_recording.read_bytes()

    assert repair(small_recording).changed is False

    assert small_recording.read_bytes() == before


def test_damage_in_the_middle_costs_what_lies_before_the_next_boundary(tmp_path):
    path = tmp_path / "a.xdf"
    with XdfWriter(path) as writer:
        stream = writer.add_stream(header())
        for i in range(40):
            stamps = i * 0.25 + np.arange(25) / 100
            writer.write_samples(stream, stamps, np.full((25, 2), i, np.float32))
    samples = [chunk for chunk in scan(path) if chunk.tag == SAMPLES]
    raw = bytearray(path.read_bytes())
    raw[samples[12].start + 1] ^= 0xFF  # the chunk's length
    path.write_bytes(raw)

    kept = len(read_streams(path)[0].stamps_s)
    done = repair(path)

    assert 800 <= kept < 1000
    assert len(load(path)["s"]["time_stamps"]) == kept
    assert done.original is not None
    assert done.original.read_bytes() == bytes(raw)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_no_damage_makes_reader_or_repair_fail(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("damage") / "a.xdf"
    with XdfWriter(path) as writer:
        stream = writer.add_stream(header(channel_format="int16"))
        texts = writer.add_stream(header("t", 1, 0, "string"))
        for i in range(6):
            writer.write_samples(stream, [i, i + 0.5], [[i, i], [i, i]])
            writer.write_samples(texts, [i], ["x" * i])
    raw = bytearray(path.read_bytes())
    at = data.draw(st.integers(4, len(raw) - 1))
    raw[at : at + 8] = data.draw(st.binary(min_size=8, max_size=8))
    path.write_bytes(raw)

    counts = {s.stream_id: len(s.stamps_s) for s in read_streams(path)}
    repair(path)

    assert {s.stream_id: len(s.stamps_s) for s in read_streams(path)} == counts


def test_a_boundary_across_any_block_edge_is_found(tmp_path):
    # 1 MiB of damage in front: readers that look block by block miss such a mark
    path = tmp_path / "a.xdf"
    with XdfWriter(path) as writer:
        stream = writer.add_stream(header())
        end = os.fstat(writer._file).st_size
        writer.write_boundary()
        writer.write_samples(stream, [1.0], [[1.0, 2.0]])
    raw = path.read_bytes()
    for shift in range(20):
        path.write_bytes(raw[:end] + b"\xff" * ((1 << 20) - shift) + raw[end:])

        assert len(read_streams(path)[0].stamps_s) == 1


def test_chunks_of_a_stream_without_header_do_not_hurt(small_recording):
    orphan = encode_chunk(CLOCK_OFFSET, struct.pack("<Idd", 99, 1.0, 2.0))
    with small_recording.open("ab") as file:
        file.write(orphan)

    repair(small_recording)

    assert set(load(small_recording)) == {"numbers", "texts"}


def test_a_full_disk_ends_in_a_clear_error_and_whole_chunks(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    path = tmp_path / "full.xdf"
    writer = XdfWriter(path)
    stream = writer.add_stream(header())
    written = 0

    def write_on():
        nonlocal written
        while True:
            writer.write_samples(stream, [written / 10], [[written, written]])
            written += 1

    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, limits[1]))
    try:
        with pytest.raises(DiskFullError, match="no space left"):
            write_on()
        writer.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert written > 10
    assert len(read_streams(path)[0].stamps_s) == written
    repair(path)
    assert len(load(path)["s"]["time_stamps"]) == written


def test_an_existing_recording_is_never_overwritten(small_recording):
    before = small_recording.read_bytes()

    with pytest.raises(InputError, match="exists already"):
        XdfWriter(small_recording)

    assert small_recording.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"XD", b"RIFF....."])
def test_a_file_that_is_no_xdf_is_refused(tmp_path, content):
    (tmp_path / "a.xdf").write_bytes(content)

    with pytest.raises(InputError, match="not an XDF file"):
        read_streams(tmp_path / "a.xdf")


@pytest.mark.parametrize(
    ("vendor", "name"),
    [
        (header(""), "unnamed"),
        (header("E", extra="<serial number>12</serial number>"), "E"),
        (header("A & B"), "A & B"),
        (header("E", extra="<broken"), "E"),
        (header("E\x07x"), "Ex"),
        (header("E", extra="<1st>a</1st>"), "E"),
    ],
)
def test_no_vendor_header_makes_a_recording_unreadable(tmp_path, vendor, name):
    with XdfWriter(tmp_path / "a.xdf") as writer:
        stream = writer.add_stream(vendor)
        writer.write_samples(stream, [1.0], [[1.0, 2.0]])

    assert list(load(tmp_path / "a.xdf")) == [name]


def test_a_mended_header_keeps_what_it_says():
    clean = clean_header(header(extra="<serial number>12</serial number>"))

    assert clean.repaired
    assert "<serial_number>12</serial_number>" in clean.xml


def test_a_header_without_a_format_is_refused():
    with pytest.raises(ValueError, match="formats are"):
        clean_header("<info><name>a</name><channel_count>2</channel_count></info>")


@pytest.mark.parametrize(
    ("stamps", "values"),
    [
        ([1.0], [[1.0]]),
        ([1.0, 2.0], [[1.0, 2.0]]),
        ([[1.0]], [[1.0, 2.0]]),
        ([1.0], [["a", "b"]]),
    ],
)
def test_samples_that_do_not_fit_the_stream_are_refused(tmp_path, stamps, values):
    with XdfWriter(tmp_path / "a.xdf") as writer:
        stream = writer.add_stream(header())
        with pytest.raises(ValueError, match=r"shape|values"):
            writer.write_samples(stream, stamps, values)


def test_numbers_too_large_for_the_format_are_refused(tmp_path):
    with XdfWriter(tmp_path / "a.xdf") as writer:
        stream = writer.add_stream(header(channel_format="int16"))
        with pytest.raises(ValueError, match="too large"):
            writer.write_samples(stream, [1.0], [[1, 40_000]])


def test_an_empty_stream_still_has_header_and_footer(tmp_path):
    with XdfWriter(tmp_path / "a.xdf") as writer:
        writer.add_stream(header())

    assert load(tmp_path / "a.xdf")["s"]["footer"]["info"]["sample_count"] == ["0"]
    assert read_streams(tmp_path / "a.xdf")[0].values.shape == (0, 2)


def test_the_mark_of_a_boundary_is_the_published_one():
    assert BOUNDARY_MARK.hex() == "43a546dccbf5410fb30ed5467383cbe4"


@pytest.mark.parametrize("name", ["minimal.xdf", "clock_resets.xdf"])
def test_real_recordings_read_as_pyxdf_reads_them(name):
    if not (SHARED / name).is_file():
        pytest.skip(f"the shared test data are not here: {SHARED / name}")
    streams, _ = pyxdf.load_xdf(
        SHARED / name, synchronize_clocks=False, dejitter_timestamps=False
    )
    theirs = {stream["info"]["stream_id"]: stream for stream in streams}

    ours = read_streams(SHARED / name)

    assert {stream.stream_id for stream in ours} == set(theirs)
    for stream in ours:
        other = theirs[stream.stream_id]
        np.testing.assert_array_equal(stream.stamps_s, other["time_stamps"])
        if stream.values.dtype == object:
            assert stream.values.tolist() == other["time_series"]
        else:
            np.testing.assert_array_equal(stream.values, other["time_series"])
        offsets = np.column_stack([other["clock_times"], other["clock_values"]])
        np.testing.assert_array_equal(stream.clock_offsets, offsets)


def test_a_repair_on_a_full_disk_leaves_the_recording_as_it_was(small_recording):
    path = small_recording
    path.write_bytes(path.read_bytes()[:-40])
    before = path.read_bytes()
    code = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "from capture.cli import main\n"
        f"sys.exit(main(['repair', {str(path)!r}]))\n"
    )

    done = subprocess.run(
        [sys.executable, "-B", "-c", code], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "no space left on the disk" in done.stderr
    assert "Traceback" not in done.stderr
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
