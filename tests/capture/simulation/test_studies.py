import hashlib
import json

import pytest

from capture.errors import ConfigError, InputError, UnknownNameError
from capture.images import load_image
from capture.simulation.findings import PREVALENCE
from capture.simulation.studies import plan_studies, study_seed, write_studies_folder
from capture.simulation.truth import read_study_truth, truth_path
from capture.studies import read_annotations, read_studies


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("studies")
    return write_studies_folder(out, n=12, seed=4, height_px=64)


def test_the_list_names_every_file(made):
    studies = read_studies(made)

    assert len(studies) == 12
    for study in studies:
        assert load_image(study.image).height_px == 64
        assert study.report.read_text().startswith("FINDINGS: ")
        assert study.view in ("PA", "AP")


def test_annotations_agree_with_the_truth(made):
    for study in read_studies(made):
        annotations = read_annotations(study.annotations)
        truth = json.loads(truth_path(made, study.study_id).read_text())

        names = {finding["name"] for finding in truth["findings"]}
        assert {r.finding for r in annotations.regions} == names
        assert {k for k, v in annotations.labels.items() if v == 1} - {
            "No Finding"
        } == names
        assert annotations.labels["No Finding"] == (names <= {"Support Devices"})
        assert set(annotations.labels) == {"No Finding", *PREVALENCE}


def test_the_simulated_reader_can_read_the_truth(made):
    for study in read_studies(made):
        truth = read_study_truth(truth_path(made, study.study_id))

        said = " ".join(s.text for s in truth.sentences)
        written = study.report.read_text()
        for section in ("FINDINGS: ", "\n\nIMPRESSION:", "\n"):
            written = written.replace(section, "")
        assert said == written
        assert {"heart", "right_lung", "left_lung"} <= set(truth.anatomy)


def test_more_workers_write_the_same_bytes(made, tmp_path):
    write_studies_folder(tmp_path, n=12, seed=4, height_px=64, workers=2)

    assert contents(tmp_path) == contents(made.parent)


def test_an_interrupted_folder_is_completed_and_complete_studies_are_kept(
    made, tmp_path
):
    write_studies_folder(tmp_path, n=4, seed=4, height_px=64)
    kept = tmp_path / "images" / "sim-00001.dcm"
    before = kept.stat().st_mtime_ns
    (tmp_path / "truth" / "sim-00002.json").unlink()
    (tmp_path / "images" / "sim-00003.dcm").unlink()

    write_studies_folder(tmp_path, n=12, seed=4, height_px=64)

    assert contents(tmp_path) == contents(made.parent)
    assert kept.stat().st_mtime_ns == before


def test_a_folder_made_in_another_way_is_refused(made):
    with pytest.raises(InputError, match="another folder"):
        write_studies_folder(made.parent, n=12, seed=5, height_px=64)


def test_about_a_tenth_of_the_studies_shows_a_patient_again():
    planned = plan_studies(2000, 0)

    patients = {entry.patient_number for entry in planned}
    assert 0.88 < len(patients) / 2000 < 0.92
    by_patient = {entry.patient_number: entry.body_seed for entry in planned}
    assert all(entry.body_seed == by_patient[entry.patient_number] for entry in planned)


def test_a_study_does_not_depend_on_how_many_there_are():
    assert plan_studies(50, 3)[:10] == plan_studies(10, 3)
    assert plan_studies(10, 3)[7].seed == study_seed(3, 7)


def test_seeds_of_studies_differ():
    seeds = {study_seed(seed, index) for seed in range(20) for index in range(100)}

    assert len(seeds) == 2000


def test_a_given_prevalence_is_used(tmp_path):
    path = write_studies_folder(
        tmp_path, n=3, seed=0, height_px=48, prevalence={"Edema": 1.0}
    )

    for study in read_studies(path):
        labels = read_annotations(study.annotations).labels
        assert {name for name, label in labels.items() if label} == {"Edema"}


def test_wrong_use_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="at least 1"):
        write_studies_folder(tmp_path, n=0, seed=0)
    with pytest.raises(UnknownNameError, match="Fracture"):
        write_studies_folder(tmp_path, n=1, seed=0, prevalence={"Fracture": 1.0})
