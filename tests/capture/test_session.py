import dataclasses
import json
import os

import numpy as np
import pytest

from capture.display.events import Heartbeat, ImageShown, SessionStarted
from capture.errors import InputError, VersionError
from capture.geometry import Screen
from capture.pseudonyms import load_or_make_key, pseudonym
from capture.session import (
    RECORDING_FILE,
    SESSION_FILE,
    SessionEnd,
    SessionInfo,
    SessionStream,
    TrackerInfo,
    describe_study,
    new_session_folder,
    read_session,
    write_session,
)
from capture.session_check import validate_session
from capture.streams import display_spec, gaze_spec
from capture.studies import Study
from capture.xdf import XdfWriter

KEY = bytes(range(32))


@pytest.fixture
def study(tmp_path):
    image = tmp_path / "Doe^Jane-1961.dcm"
    image.write_bytes(b"pixels")
    return Study(study_id="ACC-4711", patient_id="MRN-0815", image=image)


@pytest.fixture
def info(study):
    described = describe_study(
        study, KEY, pixel_sha256="ab" * 32, width_px=2000, height_px=1500
    )
    return SessionInfo(
        session_id="session-1",
        reader_id=pseudonym("reader", "Dr. Jane Roe", KEY),
        simulated=True,
        screen=Screen(),
        tracker=TrackerInfo(
            name="mouse", nominal_rate_hz=60, details={"model": "pointer"}
        ),
        validation={"accuracy_deg": 0.4},
        studies=(described,),
        streams=(
            SessionStream(name="radgaze_gaze", type="Gaze", role="gaze"),
            SessionStream(name="radgaze_display", type="Markers", role="display"),
            SessionStream(
                name="radgaze_audio", type="Audio", role="audio", required=False
            ),
        ),
        end=SessionEnd(state="complete", images_read=1),
    )


@pytest.fixture
def folder(tmp_path, info):
    folder = new_session_folder(tmp_path, info.reader_id, info.session_id)
    write_session(folder, info)
    shown = ImageShown(
        image_id=info.studies[0].image_id,
        index=0,
        width_px=2000,
        height_px=1500,
        pixel_sha256="ab" * 32,
        affine=(0.5, 0.0, 0.0, 0.0, 0.5, 0.0),
        window_center=1.0,
        window_width=2.0,
        invert=False,
    )
    with XdfWriter(folder / RECORDING_FILE) as writer:
        gaze = writer.add_stream(gaze_spec(info.screen, 60).to_header_xml())
        display = writer.add_stream(display_spec().to_header_xml())
        writer.write_samples(gaze, [1.0, 1.1], np.zeros((2, 6), np.float32))
        events = [SessionStarted(session_id=info.session_id), shown, Heartbeat()]
        texts = [event.to_json() for event in events]
        writer.write_samples(display, [1.0, 1.1, 2.0], texts)
    return folder


def test_a_session_comes_back_as_it_was_written(folder, info):
    assert read_session(folder) == info


def test_a_good_session_has_no_problems(folder):
    assert validate_session(folder) == []


def test_no_original_name_date_or_path_is_in_the_session_file(folder, tmp_path, study):
    text = (folder / SESSION_FILE).read_text()

    for original in ("ACC-4711", "MRN-0815", "Doe", "Jane", "Roe", str(tmp_path)):
        assert original not in text
    assert not {"date", "time", "path", "image"} & set(json.loads(text))


def test_two_patients_have_unrelated_pseudonyms_and_one_has_one(study, info):
    again = describe_study(study, KEY, pixel_sha256="", width_px=1, height_px=1)
    other = describe_study(study, bytes(32), pixel_sha256="", width_px=1, height_px=1)

    assert again.patient_id == info.studies[0].patient_id
    assert other.patient_id != again.patient_id
    assert again.patient_id.startswith("patient-")
    assert len(again.patient_id) == len("patient-") + 12


def test_a_session_folder_is_never_used_twice(tmp_path):
    new_session_folder(tmp_path, "reader-1", "s1")

    with pytest.raises(InputError, match="never overwritten"):
        new_session_folder(tmp_path, "reader-1", "s1")


@pytest.mark.parametrize("name", ["", "..", "a/b", "../x", ".hidden"])
def test_an_id_that_would_leave_the_folder_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="cannot name a folder"):
        new_session_folder(tmp_path, name, "s1")


def test_a_later_version_is_refused(folder):
    path = folder / SESSION_FILE
    path.write_text(path.read_text().replace('"version": 1', '"version": 2'))

    with pytest.raises(VersionError, match="version 2"):
        read_session(folder)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda d: d.pop("screen"), "lacks the field 'screen'"),
        (lambda d: d.update(format="x"), "not a radgaze-session"),
        (lambda d: d["screen"].update(width_px=-1), "cannot be"),
        (lambda d: d["studies"][0].update(extra=1), "cannot be"),
    ],
)
def test_a_session_file_that_cannot_be_is_named(folder, change, found):
    path = folder / SESSION_FILE
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))

    with pytest.raises(InputError, match=found):
        read_session(folder)


def test_a_folder_without_a_session_is_named(tmp_path):
    with pytest.raises(InputError, match="no session"):
        read_session(tmp_path)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"end": SessionEnd(state="unfinished", images_read=1)}, "not ended"),
        ({"end": SessionEnd(state="complete", images_read=2)}, "2 images were read"),
        ({"studies": ()}, "not in the session"),
        (
            {"streams": (SessionStream(name="x", type="Gaze", role="gaze"),)},
            "required stream 'x'",
        ),
    ],
)
def test_what_is_wrong_with_a_session_is_said(folder, info, change, problem):
    write_session(folder, dataclasses.replace(info, **change))

    assert any(problem in line for line in validate_session(folder))


def test_a_recording_that_was_cut_is_said(folder):
    path = folder / RECORDING_FILE
    os.truncate(path, path.stat().st_size - 100)

    assert any("cut off" in line for line in validate_session(folder))


def test_a_missing_recording_is_said(folder):
    (folder / RECORDING_FILE).unlink()

    assert len(validate_session(folder)) == 1


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path):
    path = tmp_path / "deep" / "pseudonym.key"

    key = load_or_make_key(path)

    assert len(key) == 32
    assert load_or_make_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_the_environment_names_the_key(tmp_path, monkeypatch):
    monkeypatch.setenv("RADGAZE_KEY_FILE", str(tmp_path / "k"))

    assert load_or_make_key() == bytes.fromhex((tmp_path / "k").read_text().strip())


def test_a_key_that_others_can_read_is_refused(tmp_path):
    load_or_make_key(tmp_path / "k")
    (tmp_path / "k").chmod(0o644)

    with pytest.raises(InputError, match="chmod 600"):
        load_or_make_key(tmp_path / "k")


def test_a_broken_key_is_refused_and_not_replaced(tmp_path):
    path = tmp_path / "k"
    path.touch(mode=0o600)
    path.write_text("abc")

    with pytest.raises(InputError, match="not a pseudonym key"):
        load_or_make_key(path)
    assert path.read_text() == "abc"


def test_equal_values_of_two_kinds_get_unrelated_names():
    assert pseudonym("reader", "x", KEY) != pseudonym("patient", "x", KEY)
    with pytest.raises(ValueError, match="no pseudonym"):
        pseudonym("dog", "x", KEY)
