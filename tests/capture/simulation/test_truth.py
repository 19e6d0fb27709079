import json

import pytest

from capture.errors import InputError, VersionError
from capture.simulation.truth import (
    TRUTH_FILE,
    read_study_truth,
    read_truth,
    truth_path,
    write_truth,
)


def test_a_study_of_the_simulator_is_read(make_study_list):
    path = truth_path(make_study_list(1), "S0")

    truth = read_study_truth(path)

    assert truth.study_id == "S0"
    assert truth.sentences[0].region == (0.1, 0.6, 0.35, 0.85)
    assert truth.sentences[4].region is None
    assert truth.abnormal == ((0.1, 0.6, 0.35, 0.85),)
    assert set(truth.anatomy) == {"left_lung", "right_lung"}


def test_a_study_of_somebody_else_names_the_remedy(tmp_path):
    with pytest.raises(InputError, match="simulate-studies"):
        read_study_truth(tmp_path / "S0.json")


@pytest.mark.parametrize(
    ("replaced", "error"),
    [
        ({"format": "other"}, InputError),
        ({"version": 2}, VersionError),
        ({"sentences": [{"region": None}]}, InputError),
        ({"anatomy": {"heart": [0, 1]}}, InputError),
    ],
)
def test_a_damaged_truth_is_refused(make_study_list, replaced, error):
    path = truth_path(make_study_list(1), "S0")
    path.write_text(json.dumps(json.loads(path.read_text()) | replaced))

    with pytest.raises(error, match=r"S0\.json"):
        read_study_truth(path)


def test_the_truth_of_a_session_comes_back(tmp_path):
    write_truth(tmp_path / TRUTH_FILE, {"images": [1, 2]})

    assert read_truth(tmp_path)["images"] == [1, 2]
    assert [path.name for path in tmp_path.iterdir()] == [TRUTH_FILE]


def test_another_version_of_a_sessions_truth_is_refused(tmp_path):
    write_truth(tmp_path / TRUTH_FILE, {"version": 9})

    with pytest.raises(VersionError):
        read_truth(tmp_path)
