import dataclasses
import json

import pytest

from capture.errors import InputError, VersionError
from capture.findings import FINDINGS
from capture.studies import (
    Annotations,
    Region,
    Study,
    read_annotations,
    read_studies,
    write_annotations,
    write_studies,
)


@pytest.fixture
def studies(tmp_path):
    for name in ("a.dcm", "b.png", "a.txt", "a.json"):
        (tmp_path / "data" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "data" / name).touch()
    data = tmp_path / "data"
    return [
        Study(
            study_id="1",
            patient_id="p",
            image=data / "a.dcm",
            report=data / "a.txt",
            annotations=data / "a.json",
            view="PA",
        ),
        Study(study_id="2", patient_id="p, q", image=data / "b.png"),
    ]


def test_a_study_list_comes_back_as_it_was_written(tmp_path, studies):
    write_studies(tmp_path / "studies.csv", studies)

    assert read_studies(tmp_path / "studies.csv") == studies
    assert str(tmp_path) not in (tmp_path / "studies.csv").read_text()


def test_a_list_saved_by_a_spreadsheet_is_read(tmp_path, studies):
    text = "patient_id,study_id,image,note\r\np,1,data/a.dcm,x\r\n"
    (tmp_path / "s.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())

    (study,) = read_studies(tmp_path / "s.csv")

    assert study == dataclasses.replace(
        studies[0], report=None, annotations=None, view=None
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "lacks column study_id, patient_id, image; found: none"),
        ("study_id,image\n1,data/a.dcm", "lacks column patient_id"),
        ("study_id,patient_id,image\n", "lists no studies"),
        ("study_id,patient_id,image\n1,p,data/no.dcm", "row 2, column image: no file"),
        ("study_id,patient_id,image\n1,,data/a.dcm", "row 2, column patient_id: empty"),
        ("study_id,patient_id,image\n1,p", "row 2, column image: empty"),
        (
            "study_id,patient_id,image\n1,p,data/a.dcm\n\n1,p,data/b.png",
            "row 4, column study_id: the same as in row 2; give every row its own",
        ),
        (
            'study_id,patient_id,image,note\n\n1,p,data/a.dcm,"two\nlines"\n'
            '2,p,data/no.dcm,"one\nmore"',
            "row 5, column image: no file",
        ),
        (
            'study_id,patient_id,image\n1,p,data/a.dcm\n"2,p,data/b.png\n',
            "is not a CSV file: unexpected end of data",
        ),
        (
            "study_id,patient_id,image\n1,Doe, J,data/a.dcm",
            "row 2 has 4 cells for 3 columns; put text that holds a comma",
        ),
        (
            "study_id,patient_id,image,view\n1,p,data/a.dcm,up",
            "row 2, column view: 'UP'; known: PA, AP, LATERAL",
        ),
        (
            "study_id,patient_id,image,report\n1,p,data/a.dcm,r.txt",
            "row 2, column report: no file",
        ),
    ],
)
def test_what_is_wrong_in_a_list_is_said_with_row_and_column(
    tmp_path, studies, text, found
):
    (tmp_path / "s.csv").write_text(text)

    with pytest.raises(InputError, match=found) as caught:
        read_studies(tmp_path / "s.csv")
    assert caught.value.path == tmp_path / "s.csv"


def test_every_study_knows_its_own_line(tmp_path, studies):
    text = 'study_id,patient_id,image,note\n\n1,p,data/a.dcm,"two\nlines"\n,,,\n'
    (tmp_path / "s.csv").write_text(text + "2,p,data/b.png,\n")

    assert [study.row for study in read_studies(tmp_path / "s.csv")] == [3, 6]


def test_a_list_that_is_not_there_or_not_text_is_said(tmp_path):
    (tmp_path / "s.csv").write_bytes(b"study_id\xff")

    with pytest.raises(InputError, match="not UTF-8"):
        read_studies(tmp_path / "s.csv")
    with pytest.raises(InputError, match="No such file"):
        read_studies(tmp_path / "none.csv")


def test_annotations_come_back_as_they_were_written(tmp_path):
    box = Region(finding="Edema", side=None, box=(0.1, 0.2, 0.3, 0.4))
    oval = dataclasses.replace(box, side="left", ellipse=(0.2, 0.3, 0.1, 0.1))
    marked = Annotations(labels={"Edema": 1, "Fracture": -1}, regions=(box, oval))

    write_annotations(tmp_path / "a.json", marked)

    assert read_annotations(tmp_path / "a.json") == marked


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"format": "x"}, "not a radgaze-annotations"),
        ({"labels": {"Flu": 1}}, "label 'Flu'"),
        ({"labels": {"Edema": 2}}, "label 'Edema': 2"),
        ({"regions": [{"finding": "Flu"}]}, "region 0: no known finding"),
        (
            {"regions": [{"finding": "Edema", "side": "up", "box": [0, 0, 1, 1]}]},
            "side 'up'",
        ),
        ({"regions": [{"finding": "Edema", "box": [0, 0, 1]}]}, "not four numbers"),
        ({"regions": [{"finding": "Edema", "box": [1, 0, 0, 1]}]}, "is empty"),
    ],
)
def test_what_is_wrong_in_annotations_is_said(tmp_path, change, found):
    data = {"format": "radgaze-annotations", "version": 1, "labels": {}, "regions": []}
    (tmp_path / "a.json").write_text(json.dumps(data | change))

    with pytest.raises(InputError, match=found):
        read_annotations(tmp_path / "a.json")


def test_annotations_of_a_later_version_are_refused(tmp_path):
    (tmp_path / "a.json").write_text('{"format": "radgaze-annotations", "version": 2}')

    with pytest.raises(VersionError):
        read_annotations(tmp_path / "a.json")


def test_there_are_fourteen_findings_in_the_published_order():
    assert len(set(FINDINGS)) == 14
    assert (FINDINGS[0], FINDINGS[13]) == ("No Finding", "Support Devices")
