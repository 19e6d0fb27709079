"""Reading sessions: whole, cut, and with streams or order missing."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from capture.display.events import ImageHidden, ImageShown
from capture.errors import InputError
from capture.geometry import Screen
from capture.session import RECORDING_FILE
from capture.streams import audio_spec, display_spec, gaze_spec
from capture.xdf import XdfWriter, read_streams
from curation.recordings import combine_eyes, find_sessions, read_recording

SCREEN = Screen()


@pytest.fixture
def session(simulated, tmp_path):
    """A copy of a simulated session, to be damaged."""
    folder = find_sessions([simulated / "sessions"])[0]
    return shutil.copytree(folder, tmp_path / "reader" / folder.name)


def record(folder, *, gaze=True, display=True, audio=False, stamps_s=None):
    """Replace the recording by four seconds of one image."""
    path = folder / RECORDING_FILE
    path.unlink()
    stamps_s = np.arange(400) / 100 if stamps_s is None else np.asarray(stamps_s)
    with XdfWriter(path) as writer:
        if gaze:
            stream = writer.add_stream(gaze_spec(SCREEN, 100).to_header_xml())
            values = np.full((len(stamps_s), 6), 500, np.float32)
            writer.write_samples(stream, stamps_s, values)
        if display:
            stream = writer.add_stream(display_spec().to_header_xml())
            event = ImageShown(
                image_id="image-a",
                index=0,
                width_px=100,
                height_px=100,
                pixel_sha256="",
                affine=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
                window_center=0.5,
                window_width=1.0,
                invert=False,
            )
            events = [event, ImageHidden(image_id="image-a")]
            texts = [e.to_json() for e in events]
            writer.write_samples(stream, np.array([0.5, 3.5]), texts)
        if audio:
            stream = writer.add_stream(audio_spec(16000).to_header_xml())
            frames = np.zeros((400, 160), np.int16)
            writer.write_samples(stream, np.arange(400) / 100, frames)


def test_a_simulated_session_is_read_on_one_clock(session):
    recording = read_recording(session)

    assert (np.diff(recording.gaze.time_s) > 0).all()
    assert recording.gaze.period_s == pytest.approx(1 / 250, rel=0.01)
    first_s, last_s = recording.display[0][0], recording.display[-1][0]
    assert abs(recording.gaze.time_s[0] - first_s) < 2
    assert abs(recording.gaze.time_s[-1] - last_s) < 2
    assert abs(recording.audio.stamps_s[0] - first_s) < 2
    assert recording.audio.rate_hz in (16000, 22050, 44100, 48000)
    assert not recording.truncated


def test_duplicate_and_disordered_stamps_are_put_right_and_counted(session):
    stamps_s = [0.0, 0.01, 0.01, 0.03, 0.02, *np.arange(4, 400) / 100]

    record(session, stamps_s=stamps_s)
    recording = read_recording(session)

    assert recording.notes["duplicate"] == 1
    assert recording.notes["out_of_order"] == 1
    np.testing.assert_allclose(recording.gaze.time_s, np.arange(400) / 100)


def test_drop_outs_are_marked(session):
    record(session, stamps_s=np.r_[0:100, 150:400] / 100)

    recording = read_recording(session)

    np.testing.assert_allclose(recording.gaze.gaps_s, [[0.99, 1.5]])
    assert recording.notes["gaps"] == 1


def test_no_audio_is_no_error(session):
    record(session)

    assert read_recording(session).audio is None


def test_audio_knows_its_rate(session):
    record(session, audio=True)

    audio = read_recording(session).audio

    assert audio.rate_hz == 16000
    assert audio.frames.shape == (400, 160)


@pytest.mark.parametrize("missing", ["gaze", "display"])
def test_a_missing_stream_is_named(session, missing):
    record(session, **{missing: False})

    with pytest.raises(InputError, match=f"no {missing} stream"):
        read_recording(session)


def test_a_recording_cut_in_half_is_used_up_to_the_cut(session):
    whole = read_recording(session)
    path = session / RECORDING_FILE
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    half = read_recording(session)

    assert half.truncated
    assert 0 < len(half.gaze.time_s) < len(whole.gaze.time_s)


@pytest.mark.parametrize("content", [b"", b"no recording", b"XDF:"])
def test_an_unreadable_recording_says_so(session, content):
    (session / RECORDING_FILE).write_bytes(content)

    with pytest.raises(InputError, match=r"recording\.xdf"):
        read_recording(session)


def test_sessions_are_found_at_any_depth_and_once(simulated):
    root = simulated / "sessions"

    found = find_sessions([root, *root.iterdir()])

    assert len(found) == 2
    assert found == find_sessions([simulated])


def test_folders_without_sessions_are_refused(tmp_path):
    with pytest.raises(InputError, match="holds no session"):
        find_sessions([tmp_path])
    with pytest.raises(InputError, match="not a folder"):
        find_sessions([tmp_path / "none"])


def test_eyes_are_averaged_where_both_are_seen():
    left = np.array([[0.0, 0], [2, 2], [np.nan, np.nan], [np.nan, np.nan]])
    right = np.array([[4.0, 2], [np.nan, np.nan], [6, 8], [np.nan, np.nan]])

    actual = combine_eyes([left, right])

    expected = [[2, 1], [2, 2], [6, 8], [np.nan, np.nan]]
    np.testing.assert_array_equal(actual, expected)


def test_a_recording_of_another_program_is_told_apart(session, tmp_path):
    other = tmp_path / "other"
    (other / "sub-1").mkdir(parents=True)
    foreign = shutil.copy(session / RECORDING_FILE, other / "sub-1" / "task.xdf")

    with pytest.raises(InputError, match=r"no session\.json .*names its screen"):
        find_sessions([other])
    with pytest.raises(InputError, match=r"not a folder of sessions.*session\.json"):
        find_sessions([Path(foreign)])


@pytest.mark.parametrize("rate", ["0", "fast", "nan"])
def test_audio_without_a_sample_rate_is_an_error(session, rate):
    path = session / RECORDING_FILE
    streams = read_streams(path)
    path.unlink()
    specs = {"gaze": gaze_spec(SCREEN, 250), "display": display_spec()}
    specs["audio"] = audio_spec(16000)
    with XdfWriter(path) as writer:
        for stream in streams:
            header = specs[stream.name.removeprefix("radgaze_")].to_header_xml()
            header = re.sub(
                "<sample_rate>.*?</sample_rate>",
                f"<sample_rate>{rate}</sample_rate>",
                header,
            )
            number = writer.add_stream(header)
            text = stream.values.dtype == object
            values = stream.texts if text else stream.values
            writer.write_samples(number, stream.stamps_s, values)

    with pytest.raises(InputError, match="no sample rate"):
        read_recording(session)
