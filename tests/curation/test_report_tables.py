"""Reports and marks become columns; regions find the sentence that names them."""

import pytest

from capture.errors import InputError
from capture.findings import FINDINGS
from capture.studies import Annotations, Region
from curation.report_tables import (
    labels_of,
    mention_table,
    parse_report,
    read_report,
    region_table,
)

EFFUSION, CARDIOMEGALY = (
    FINDINGS.index("Pleural Effusion"),
    FINDINGS.index("Cardiomegaly"),
)
TEXT = (
    "FINDINGS: The heart is enlarged. There is a small left pleural effusion. "
    "No pneumothorax.\n\nIMPRESSION: Cardiomegaly."
)


def region(finding="Pleural Effusion", side=None, box=(0.1, 0.2, 0.3, 0.4)):
    return Region(finding=finding, side=side, box=box)


def test_spans_point_into_the_blanked_text():
    report = parse_report(f"FINDINGS: Told Dr. Smith on 3/4/2019. {TEXT[10:]}")

    assert "Smith" not in report.text
    assert "2019" not in report.text
    for sentence in report.sentences:
        assert report.text[sentence.char_start : sentence.char_end] == sentence.text


def test_sections_are_found_and_missing_ones_are_none():
    report = parse_report(TEXT)

    assert report.section("impression") == "Cardiomegaly."
    assert parse_report("The heart is normal.").section("impression") is None


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_report_is_none(tmp_path, text):
    (tmp_path / "r.txt").write_text(text)

    assert read_report(tmp_path / "r.txt") is None


def test_a_report_that_is_not_utf8_says_so(tmp_path):
    (tmp_path / "r.txt").write_bytes(b"Gr\xf6\xdfe normal.")

    with pytest.raises(InputError, match="not UTF-8"):
        read_report(tmp_path / "r.txt")


def test_mentions_have_sentence_finding_state_and_side():
    table = mention_table(parse_report(TEXT))

    rows = set(
        zip(
            table["sentence"].tolist(),
            table["finding"].tolist(),
            table["state"].tolist(),
            table["side"].tolist(),
            strict=True,
        )
    )
    assert (0, CARDIOMEGALY, 1, 0) in rows
    assert (1, EFFUSION, 1, 1) in rows
    assert (2, FINDINGS.index("Pneumothorax"), 0, 0) in rows


@pytest.mark.parametrize(
    ("side", "sentence"), [("left", 1), (None, 1), ("both", 1), ("right", -1)]
)
def test_a_region_finds_the_sentence_of_its_finding_and_side(side, sentence):
    table = region_table([region(side=side)], parse_report(TEXT))

    assert table["sentence"].tolist() == [sentence]


def test_an_absent_finding_reports_no_region():
    table = region_table([region("Pneumothorax", "left")], parse_report(TEXT))

    assert table["sentence"].tolist() == [-1]


def test_boxes_are_clipped_and_empty_ones_left_out():
    boxes = [(-0.1, 0.2, 0.3, 1.4), (0.5, 0.5, 0.5, 0.9), (1.2, 0, 1.4, 1)]

    table = region_table([region(box=box) for box in boxes], None)

    assert len(table["x0"]) == 1
    assert (table["x0"][0], table["y1"][0]) == (0, 1)
    assert table["sentence"].tolist() == [-1]


def test_annotations_win_over_rules_and_nothing_is_not_stated():
    report = parse_report(TEXT)
    marks = Annotations(labels={"Edema": -1})

    from_marks, source = labels_of(marks, report)
    from_rules, rules = labels_of(None, report)
    none, unknown = labels_of(None, None)

    assert (source, rules, unknown) == (2, 1, 0)
    assert from_marks[FINDINGS.index("Edema")] == -1
    assert from_marks[CARDIOMEGALY] == -2
    assert from_rules[CARDIOMEGALY] == 1
    assert from_rules[EFFUSION] == 1
    assert (none == -2).all()
