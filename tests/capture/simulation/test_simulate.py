import json

import numpy as np
import pytest
import pyxdf

from capture.errors import ConfigError, InputError
from capture.geometry import Screen, View, angle_deg
from capture.session import read_session
from capture.session_check import validate_session
from capture.simulation.simulate import simulate_sessions
from capture.simulation.truth import read_truth
from capture.simulation.voice import RATE_HZ


@pytest.fixture
def simulate(tmp_path, make_study_list):
    studies = make_study_list(4)

    def run(name="sessions", **options):
        defaults = {
            "readers": 2,
            "images_per_session": 2,
            "seed": 1,
            "voice": "tones",
            "key_file": tmp_path / "key",
            "progress": "none",
        }
        return simulate_sessions(studies, tmp_path / name, **(defaults | options))

    return run


def load(folder):
    """Return the streams by type, on the recorder's clock."""
    streams, _ = pyxdf.load_xdf(folder / "recording.xdf", dejitter_timestamps=False)
    return {stream["info"]["type"][0]: stream for stream in streams}


def events_of(stream):
    texts = (row[0] for row in stream["time_series"])
    return list(zip(stream["time_stamps"], map(json.loads, texts), strict=True))


def bytes_of(folders):
    return [
        (folder / name).read_bytes()
        for folder in folders
        for name in ("recording.xdf", "session.json", "simulation_truth.json")
    ]


def test_sessions_are_valid_and_load_with_three_streams(simulate, caplog):
    folders = simulate()

    assert len(folders) == 2
    for folder in folders:
        assert validate_session(folder) == []
        assert read_session(folder).end.images_read == 2
        streams = load(folder)
        assert set(streams) == {"Gaze", "Markers", "Audio"}
        for stream in streams.values():
            assert len(stream["footer"]["info"]["clock_offsets"][0]["offset"]) > 5
    assert not caplog.records  # pyxdf warns of a clock that jumps


def test_the_trackers_clock_is_brought_back_to_the_recorders(simulate):
    folder = simulate()[0]
    clocks = read_truth(folder)["clocks"]

    gaze = load(folder)["Gaze"]

    raw, _ = pyxdf.load_xdf(
        folder / "recording.xdf",
        dejitter_timestamps=False,
        synchronize_clocks=False,
        select_streams=[{"type": "Gaze"}],
    )
    assert abs(clocks["gaze_offset_s"]) >= 0.5
    assert raw[0]["time_stamps"][0] == pytest.approx(
        clocks["start_s"] - clocks["gaze_offset_s"], abs=1e-3
    )
    assert gaze["time_stamps"][0] == pytest.approx(clocks["start_s"], abs=1e-3)
    ideal = clocks["start_s"] + np.arange(len(gaze["time_stamps"])) / 250
    np.testing.assert_allclose(gaze["time_stamps"], ideal, atol=5e-4)


def test_no_chunk_is_longer_than_a_quarter_of_a_second(simulate):
    from capture.xdf import chunks, scan

    path = simulate()[0] / "recording.xdf"
    content = path.read_bytes()

    sizes = [c.end - c.start for c in scan(path) if c.tag == chunks.SAMPLES]

    assert len(sizes) > 100
    assert max(sizes) <= 25 * (9 + 320) + 30  # 25 vectors of 10 ms and the chunk's head
    assert content.startswith(b"XDF:")


def test_the_number_of_workers_changes_no_byte(simulate):
    alone = bytes_of(simulate("one", workers=1))

    assert bytes_of(simulate("two", workers=2)) == alone


def test_another_seed_is_another_session(simulate):
    first, second = simulate("a", seed=1), simulate("b", seed=2)

    assert bytes_of(first[:1])[0] != bytes_of(second[:1])[0]


def test_finished_sessions_are_kept_and_unfinished_ones_made_anew(simulate):
    folders = simulate()
    before = bytes_of(folders)
    kept = folders[0] / "recording.xdf"
    stamp_ns = kept.stat().st_mtime_ns
    (folders[1] / "session.json").unlink()

    again = simulate()

    assert kept.stat().st_mtime_ns == stamp_ns
    assert bytes_of(again) == before
    assert sorted(p.name for p in folders[0].parent.iterdir()) == [folders[0].name]


def test_a_session_of_other_settings_is_never_overwritten(simulate):
    simulate()

    with pytest.raises(InputError, match="other settings"):
        simulate(rate_hz=500.0)


def test_every_study_is_read_as_often_as_asked(simulate):
    folders = simulate(readings_per_study=2)

    read = [s.study_id for f in folders for s in read_session(f).studies]
    assert sorted(read) == sorted(2 * list(set(read)))
    assert len(set(read)) == 4


def test_true_gaze_meets_the_recorded_gaze_in_every_view(simulate):
    for folder in simulate(seed=3):
        streams, truth = load(folder), read_truth(folder)
        gaze, events = streams["Gaze"], events_of(streams["Markers"])
        expected_deg = np.hypot(*truth["reader"]["offset_deg"])
        for image, study in zip(
            truth["images"], read_session(folder).studies, strict=True
        ):
            views = [
                (stamp, View.from_affine(event["affine"]))
                for stamp, event in events
                if "affine" in event and event["image_id"] == image["image_id"]
            ]
            trace = {k: np.array(v) for k, v in image["gaze"].items()}
            steady = trace["state"] == 0
            times_s = trace["time_s"][steady]
            row = np.searchsorted([s for s, _ in views], times_s + 2e-4) - 1
            share = np.column_stack([trace["x"], trace["y"]])[steady]
            size_px = (study.width_px, study.height_px)
            true_px = np.array(
                [
                    views[k][1].to_screen(place[None] * size_px)[0]
                    for k, place in zip(row, share, strict=True)
                ]
            )
            near = np.abs(gaze["time_stamps"][:, None] - times_s).argmin(0)
            both = gaze["time_series"][near].astype(float)
            seen_px = (both[:, 0:2] + both[:, 3:5]) / 2

            error_deg = angle_deg(seen_px, true_px, Screen())

            assert np.nanmedian(error_deg) == pytest.approx(expected_deg, abs=0.15)
            assert np.nanmax(error_deg) < expected_deg + 0.8


def test_speech_is_heard_where_the_truth_says(simulate):
    folder = simulate()[0]
    audio, truth = load(folder)["Audio"], read_truth(folder)
    stamps_s, pcm = audio["time_stamps"], audio["time_series"].astype(float)
    loud = np.sqrt((pcm**2).mean(1))
    spoken = np.zeros(len(loud), dtype=bool)

    for image in truth["images"]:
        for sentence in image["sentences"]:
            if not sentence["said"]:
                continue
            within = (stamps_s > sentence["start_s"] - 0.01) & (
                stamps_s < sentence["end_s"]
            )
            spoken |= within
            assert loud[within].mean() > 20 * truth["reader"]["room_noise"]
            first_s = stamps_s[within][loud[within] > 200][0]
            assert first_s == pytest.approx(sentence["start_s"], abs=0.03)

    assert pcm.shape[1] == RATE_HZ // 100
    assert loud[~spoken].max() < 3 * truth["reader"]["room_noise"]
    assert loud.min() > 0  # a room is never silent


def test_events_tell_the_story_of_the_session(simulate):
    events = events_of(load(simulate()[0])["Markers"])

    names = [event["event"] for _, event in events if event["event"] != "heartbeat"]

    assert names[0] == "session_started"
    assert names[-1] == "session_ended"
    assert names.count("image_shown") == names.count("image_hidden") == 2
    beats_s = [stamp for stamp, event in events if event["event"] == "heartbeat"]
    np.testing.assert_allclose(np.diff(beats_s), 1, atol=1e-3)


def test_fixations_of_the_truth_lie_where_the_eyes_were(simulate):
    image = read_truth(simulate()[0])["images"][0]
    trace = {k: np.array(v) for k, v in image["gaze"].items()}
    told = {k: np.array(v) for k, v in image["fixations"].items()}

    for k in range(len(told["x"])):
        middle_s = told["onset_s"][k] + told["duration_s"][k] / 2
        near = int(np.abs(trace["time_s"] - middle_s).argmin())
        assert trace["x"][near] == pytest.approx(told["x"][k], abs=0.04)
        assert trace["y"][near] == pytest.approx(told["y"][k], abs=0.04)


def test_nothing_of_the_patient_reaches_a_session(simulate):
    for folder in simulate():
        for name in ("session.json", "simulation_truth.json"):
            content = (folder / name).read_text()
            for secret in ('"S0"', '"P0"', ".png", "studies.csv"):
                assert secret not in content


@pytest.mark.parametrize(
    "options",
    [
        {"readers": 0},
        {"workers": 0},
        {"images_per_session": 0},
        {"readings_per_study": 3},
        {"rate_hz": 5.0},
        {"max_image_s": 1.0},
    ],
)
def test_numbers_that_cannot_be_are_refused(simulate, options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        simulate(**options)
