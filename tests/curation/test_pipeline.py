"""From simulated sessions to a valid data set, and all that can go wrong between."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from capture.errors import InputError
from capture.geometry import Screen
from capture.session import RECORDING_FILE, SESSION_FILE
from capture.streams import audio_spec, display_spec, gaze_spec
from capture.xdf import XdfWriter, read_streams
from curation.config import CurateConfig, QualityLimits
from curation.dataset import open_dataset
from curation.parts import SessionJob
from curation.pipeline import curate
from curation.privacy import leaks
from curation.verify import verify


@pytest.fixture
def copy(simulated, tmp_path):
    """A copy of the simulation that may be damaged."""
    return shutil.copytree(simulated, tmp_path / "copy")


@pytest.fixture
def config(simulated, tmp_path, monkeypatch):
    monkeypatch.setenv("RADGAZE_KEY_FILE", str(simulated / "key"))

    def make(root=simulated, **fields):
        values = {
            "sessions": (root / "sessions",),
            "out": tmp_path / "out" / "dataset",
            "image_size": 64,
            "speech": False,
            "progress": "none",
        }
        return CurateConfig(**(values | fields))

    return make


def sessions_of(root):
    return sorted(path.parent for path in root.rglob(SESSION_FILE))


def files_of(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_every_image_becomes_a_valid_row(config):
    summary = curate(config())

    dataset = open_dataset(summary.dataset)
    assert verify(dataset.folder) == []
    assert len(dataset) == summary.readings == 4
    for mask in ("has_gaze", "has_report", "has_audio", "has_labels", "has_regions"):
        assert dataset.mask(mask).all()
    x, offsets = dataset.ragged("fixations", "x")
    assert (np.diff(offsets) > 10).all()
    assert np.mean((x > 0) & (x < 1)) > 0.9
    assert not list(dataset.folder.parent.glob(".*"))


def test_the_number_of_workers_changes_no_byte(config, tmp_path):
    one = curate(config(out=tmp_path / "one"))
    two = curate(config(out=tmp_path / "two", workers=2))

    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")
    assert one.readings == two.readings


@pytest.mark.slow
def test_sentences_are_found_in_the_audio(config):
    pytest.importorskip("pocketsphinx")

    summary = curate(config(speech=True, accept_unverified=True))

    assert verify(summary.dataset) == []


def test_an_interrupted_run_goes_on_where_it_stopped(config, tmp_path, monkeypatch):
    curate(config(out=tmp_path / "whole"))
    calls = []

    def stop_at_second(self):
        calls.append(self.folder)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return work(self)

    work = SessionJob.__call__
    with monkeypatch.context() as patch:
        patch.setattr(SessionJob, "__call__", stop_at_second)
        with pytest.raises(KeyboardInterrupt):
            curate(config())
    assert not config().out.exists()

    summary = curate(config())

    assert summary.resumed == 1
    assert files_of(config().out) == files_of(tmp_path / "whole")


def test_other_settings_do_not_reuse_a_part(config, monkeypatch):
    monkeypatch.setattr("curation.pipeline._assemble", lambda *_: None)
    monkeypatch.setattr("curation.parts.PartFolder.remove", lambda _: None)

    first, again = curate(config()), curate(config())
    other = curate(config(policy="during"))

    assert (first.resumed, again.resumed, other.resumed) == (0, 2, 0)


def test_unread_studies_are_added_without_gaze(config, copy):
    kept, gone = sessions_of(copy)
    read = len(json.loads((kept / SESSION_FILE).read_text())["studies"])
    shutil.rmtree(gone)

    summary = curate(config(copy, unread=True))

    dataset = open_dataset(summary.dataset)
    assert verify(dataset.folder) == []
    assert (len(dataset), summary.unread) == (4, 4 - read)
    assert dataset.mask("has_gaze").sum() == dataset.mask("has_reader").sum() == read
    assert len(set(dataset.ids("patient_id"))) == 4
    assert (np.isnan(dataset.column("quality/duration_s")).sum()) == 4 - read


def test_an_unread_study_that_cannot_be_read_is_rejected(config, copy):
    (copy / "studies" / "images").joinpath("sim-00000.dcm").write_bytes(b"else")

    summary = curate(config(copy, unread=True))

    assert (summary.readings, summary.unread) == (3, 0)
    assert {entry["session"] == "" for entry in summary.rejected} == {True, False}
    assert "sim-00000" not in json.dumps(summary.rejected)
    assert verify(summary.dataset) == []


def test_unread_studies_need_the_key_of_the_sessions(config, tmp_path, monkeypatch):
    values = config(unread=True)
    monkeypatch.setenv("RADGAZE_KEY_FILE", str(tmp_path / "another" / "key"))

    with pytest.raises(InputError, match="another key"):
        curate(values)


FULL_DISK = """
import resource, sys
from curation.cli import main

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
raise SystemExit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize("limit", [0, 2_000, 30_000, 50_000])
def test_a_full_disk_spares_the_earlier_data_set_and_can_be_resumed(
    config, simulated, limit
):
    out = config().out
    curate(config())
    before = files_of(out)
    command = ["run", str(simulated / "sessions"), "--out", str(out), "--image-size"]
    command += ["96", "--no-speech", "--progress", "none"]

    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(limit), *command],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1, done.stderr
    assert "no space left on the disk" in done.stderr
    assert "Traceback" not in done.stderr
    assert files_of(out) == before
    assert curate(config(image_size=96)).readings == 4


def test_poor_readings_are_rejected_with_their_reason(config):
    limits = QualityLimits(min_fixations=10_000)

    with pytest.raises(InputError, match=r"4 rejected: \d+ fixations, expected 10000"):
        curate(config(quality=limits))

    assert not config().out.parent.exists() or not list(config().out.parent.iterdir())


def test_a_broken_session_does_not_stop_the_others(config, copy):
    broken, good = sessions_of(copy)
    (broken / RECORDING_FILE).write_bytes(b"XDF:")

    summary = curate(config(copy))

    assert verify(summary.dataset) == []
    assert [entry["session"] for entry in summary.rejected] == [broken.name]
    dataset = open_dataset(summary.dataset)
    assert dataset.document["rejected"][0]["session"] == broken.name
    assert {a["session"] for a in dataset.document["accepted"]} == {good.name}


def test_a_cut_recording_keeps_what_is_whole_and_says_so(config, copy):
    cut, other = sessions_of(copy)
    shutil.rmtree(other)
    path = cut / RECORDING_FILE
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.8)])

    summary = curate(config(copy))

    dataset = open_dataset(summary.dataset)
    assert verify(dataset.folder) == []
    assert dataset.column("quality/truncated").sum() == 1
    assert sum(a["truncated"] for a in dataset.document["accepted"]) == 1


def test_an_image_that_no_list_has_is_rejected(config, copy):
    (copy / "studies" / "images").joinpath("sim-00000.dcm").write_bytes(b"else")

    summary = curate(config(copy))

    assert summary.readings == 3
    (entry,) = summary.rejected
    assert entry["reasons"] == (
        "its image file is in no study list (compared by content)",
    )


def test_no_study_list_is_an_error(config, copy, tmp_path):
    moved = shutil.move(copy / "sessions", tmp_path / "elsewhere" / "sessions")

    with pytest.raises(InputError, match="name the study list"):
        curate(config(sessions=(moved,)))


def test_a_session_that_is_there_twice_is_an_error(config, copy):
    first = sessions_of(copy)[0]
    shutil.copytree(first, first.with_name("again"))

    with pytest.raises(InputError, match="is the same session as"):
        curate(config(copy))


def test_an_id_that_is_no_pseudonym_is_refused_and_not_quoted(config, copy):
    for folder in sessions_of(copy):
        path = folder / SESSION_FILE
        values = json.loads(path.read_text())
        values["studies"][0]["patient_id"] = "DOE^JANE"
        path.write_text(json.dumps(values))

    with pytest.raises(InputError, match="patient id that is no pseudonym") as caught:
        curate(config(copy))

    assert "DOE" not in str(caught.value)


def test_no_original_identifier_reaches_the_data_set(config, copy, capsys):
    import pydicom

    planted = ["Jane Doe", "MRN-778899", "1961-07-08"]
    reports = sorted((copy / "studies" / "reports").glob("*.txt"))
    for report in reports:
        text = report.read_text()
        report.write_text(
            f"{text}\nDiscussed with Dr. Jane Doe on 1961-07-08, MRN-778899 noted."
        )
    identifiers = [*planted]
    for path in (copy / "studies" / "images").glob("*.dcm"):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        names = ("PatientID", "PatientName", "StudyInstanceUID", "AccessionNumber")
        identifiers += [str(header.get(name, "")) for name in names]
    identifiers += [row.split(",")[0] for row in _rows(copy)]
    identifiers += [row.split(",")[1] for row in _rows(copy)]

    summary = curate(config(copy, unread=True))

    data = b"".join(files_of(config().out).values())
    said = "".join(capsys.readouterr())
    wanted = [value for value in identifiers if len(value) > 3]
    assert len(wanted) > 8
    assert leaks(data, wanted) == 0
    assert leaks((said + json.dumps(summary.rejected)).encode(), wanted) == 0


def _rows(root):
    return (root / "studies" / "studies.csv").read_text().splitlines()[1:]


def test_recorded_settings_hold_no_paths(config):
    summary = curate(config())

    document = open_dataset(summary.dataset).document
    assert document["policy"]["lead_s"] == 1.5
    assert document["config"]["image_size"] == 64
    assert "/" not in json.dumps(document["config"])


def without_stream(folder, role):
    """Take the stream of a role out of a session's recording."""
    path = folder / RECORDING_FILE
    kept = [s for s in read_streams(path) if s.name != f"radgaze_{role}"]
    specs = {"gaze": gaze_spec(Screen(), 250), "display": display_spec()}
    specs["audio"] = audio_spec(16000)
    path.unlink()
    with XdfWriter(path) as writer:
        for stream in kept:
            spec = specs[stream.name.removeprefix("radgaze_")]
            number = writer.add_stream(spec.to_header_xml())
            values = stream.values
            values = stream.texts if values.dtype == object else values
            for collected_s, offset_s in stream.clock_offsets:
                writer.write_clock_offset(number, collected_s, offset_s)
            writer.write_samples(number, stream.stamps_s, values)


@pytest.mark.parametrize("role", ["gaze", "display"])
def test_a_session_without_a_stream_is_rejected_and_the_rest_curated(
    role, config, copy
):
    broken, whole = sessions_of(copy / "sessions")
    without_stream(broken, role)

    summary = curate(config(copy))

    (rejected,) = summary.rejected
    assert rejected["session"] == broken.name
    assert f"no {role} stream" in " ".join(rejected["reasons"])
    studies = json.loads((whole / SESSION_FILE).read_text())["studies"]
    assert summary.readings == len(studies)


def test_sessions_without_audio_are_refused_unless_speech_is_not_wanted(config, copy):
    for session in sessions_of(copy / "sessions"):
        without_stream(session, "audio")

    with pytest.raises(InputError, match="no audio stream"):
        curate(config(copy, speech=True))

    dataset = open_dataset(curate(config(copy, speech=False)).dataset)
    assert len(dataset) == 4
    assert not dataset.mask("has_audio").any()


def test_without_a_single_usable_session_the_earlier_data_set_stays(config, copy):
    summary = curate(config(copy))
    folder = Path(summary.dataset)
    before = files_of(folder)
    for session in sessions_of(copy / "sessions"):
        without_stream(session, "gaze")

    with pytest.raises(InputError, match="no gaze stream"):
        curate(config(copy))

    assert files_of(folder) == before


@pytest.mark.slow
def test_dictation_that_is_not_the_report_is_left_out_unless_accepted(config):
    with pytest.raises(InputError, match="dictation and report may differ"):
        curate(config(speech=True))  # these readers speak in tones

    assert curate(config(speech=True, accept_unverified=True)).readings == 4


def test_a_part_is_made_again_where_a_setting_would_change_it(config, tmp_path):
    from dataclasses import fields, replace

    from curation.config import EventConfig
    from curation.parts import SHAPES_NO_PART, PartFolder

    plain = config()
    key = PartFolder(plain.out, plain).key(["content"])
    others = {
        "image_size": 32,
        "policy": "during",
        "speech": True,
        "accept_unverified": True,
        "scrub": False,
        "seed": 1,
        "events": EventConfig(method="ivt"),
        "quality": QualityLimits(min_fixations=1),
    }

    assert {field.name for field in fields(plain)} == set(others) | SHAPES_NO_PART
    for name, value in others.items():
        other = replace(plain, **{name: value})
        assert PartFolder(other.out, other).key(["content"]) != key, name
    assert PartFolder(plain.out, config(workers=2)).key(["content"]) == key


def test_every_image_file_is_hashed_once_however_many_sessions(config, monkeypatch):
    from curation import parts

    hashed = []
    real = parts.file_sha256
    monkeypatch.setattr(
        parts, "file_sha256", lambda path: hashed.append(path) or real(path)
    )

    assert curate(config(unread=True)).readings == 4

    hashed = [path for path in hashed if path.suffix == ".dcm"]
    assert len(hashed) == len(set(hashed)) == 4


def test_unread_studies_come_out_the_same_however_many_workers(
    config, copy, tmp_path, monkeypatch
):
    shutil.rmtree(sessions_of(copy)[0])
    one = curate(config(copy, unread=True, out=tmp_path / "one"))
    monkeypatch.setattr("curation.pipeline.STUDIES_PER_JOB", 1)

    two = curate(config(copy, unread=True, out=tmp_path / "two", workers=2))

    assert one.unread == two.unread > 0
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def test_a_study_that_two_lists_name_is_one_row(config, copy):
    gone = sessions_of(copy)[0]
    shutil.rmtree(gone)
    lists = (copy / "studies" / "studies.csv", copy / "again" / "studies.csv")
    shutil.copytree(copy / "studies", copy / "again")

    summary = curate(config(copy, unread=True, studies=lists))

    assert summary.readings == 4


def test_two_runs_at_once_do_not_write_one_data_set(config):
    from curation.disk import exclusive

    with exclusive(config().out), pytest.raises(InputError, match="another run"):
        curate(config())

    assert curate(config()).readings == 4
    assert not list(config().out.parent.glob(".*"))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_run_that_is_interrupted_says_how_to_go_on(config, simulated, workers):
    import os
    import signal
    import time

    out = config().out
    command = ["run", str(simulated / "sessions"), "--out", str(out), "--image-size"]
    command += ["64", "--no-speech", "--progress", "json", "--workers", workers]
    process = subprocess.Popen(
        [sys.executable, "-m", "curation.cli", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    for line in process.stderr:
        if '"stage": "curate"' in line:
            break
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    start_s = time.monotonic()
    said, err = process.communicate(timeout=60)

    assert process.returncode == 130, err
    assert time.monotonic() - start_s < 20
    assert "Traceback" not in err
    assert (said, "run it again to go on" in err) == ("", True)
    assert not out.exists()
    assert curate(config()).readings == 4


def test_the_name_of_a_folder_does_not_reach_the_data_set(config, copy):
    broken = sessions_of(copy)[0]
    (broken / SESSION_FILE).write_text("{")
    renamed = broken.rename(broken.with_name("Doe_Jane"))

    summary = curate(config(copy))

    assert [entry["session"] for entry in summary.rejected] == ["unnamed"]
    assert leaks(b"".join(files_of(config().out).values()), [renamed.name]) == 0


def test_a_folder_named_otherwise_goes_by_the_id_of_its_session(config, copy):
    broken = sessions_of(copy)[0]
    (broken / RECORDING_FILE).write_bytes(b"XDF:")
    broken.rename(broken.with_name("Doe_Jane"))

    summary = curate(config(copy))

    assert [entry["session"] for entry in summary.rejected] == [broken.name]


def test_a_recording_that_may_not_be_read_is_rejected(config, copy):
    broken = sessions_of(copy)[0]
    (broken / RECORDING_FILE).unlink()
    (broken / RECORDING_FILE).mkdir()

    summary = curate(config(copy))

    assert [entry["session"] for entry in summary.rejected] == [broken.name]


def test_a_link_stays_and_what_it_points_to_is_replaced(config, tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real")

    for _ in range(2):
        summary = curate(config(out=link))

    assert summary.dataset == str(link)
    assert link.is_symlink()
    assert len(open_dataset(link)) == 4
    assert not list(tmp_path.glob(".*"))


def test_the_working_folder_is_not_replaced(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(InputError, match="is the folder this runs in"):
        curate(config(out=Path()))
