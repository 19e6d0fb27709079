"""Sentences with and without audio, and where the findings are named."""

import json

import numpy as np
import pytest

from curation.dictation import dictation
from curation.recordings import Audio, find_sessions, read_recording
from curation.report_tables import parse_report

TEXT = "FINDINGS: The heart is enlarged. No pneumothorax.\n\nIMPRESSION: Cardiomegaly."


def test_without_audio_no_sentence_has_a_time():
    said = dictation(parse_report(TEXT), None, 0.0, 10.0)

    assert said.sentences["text"].tolist()[1] == "No pneumothorax."
    assert said.sentences["section"].tolist() == [0, 0, 1]
    assert not said.sentences["has_time"].any()
    assert np.isnan(said.sentences["start_s"]).all()
    assert set(said.sentences["method"]) == {"none"}
    assert len(said.words["text"]) == 0


@pytest.mark.parametrize("frames", [0, 1, 20])
def test_too_little_audio_is_no_audio(frames):
    audio = Audio(np.arange(frames) / 100, np.zeros((frames, 160), np.int16), 16000)

    said = dictation(parse_report(TEXT), audio, 0.0, 10.0)

    assert not said.sentences["has_time"].any()


@pytest.mark.slow
def test_simulated_speech_is_found_where_it_was_said(tmp_path, monkeypatch):
    pytest.importorskip("espeakng_loader")
    from capture.simulation.simulate import simulate_sessions
    from capture.simulation.studies import write_studies_folder

    monkeypatch.setenv("RADGAZE_KEY_FILE", str(tmp_path / "key"))
    studies = write_studies_folder(tmp_path / "studies", n=1, seed=5, height_px=512)
    simulate_sessions(studies, tmp_path / "sessions", readers=1, seed=2)
    (folder,) = find_sessions([tmp_path / "sessions"])
    recording = read_recording(folder)
    truth = json.loads((folder / "simulation_truth.json").read_text())["images"][0]
    report = parse_report((studies.parent / "reports" / "sim-00000.txt").read_text())

    said = dictation(report, recording.audio, truth["shown_s"], truth["hidden_s"])

    spoken = [s for s in truth["sentences"] if s["said"]]
    by_text = dict(zip(said.sentences["text"], said.sentences["start_s"], strict=True))
    errors_s = [by_text[s["text"]] - (s["start_s"] - truth["shown_s"]) for s in spoken]
    assert np.nanmedian(np.abs(errors_s)) < 0.1
    assert np.isfinite(errors_s).mean() > 0.7
    assert (said.words["end_s"] > said.words["start_s"]).all()
    assert np.nanmin(said.first_mention_s) >= 0
