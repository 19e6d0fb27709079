import re

import pytest

from capture.simulation.findings import PREVALENCE
from capture.simulation.phantom import make_phantom
from capture.simulation.report import make_report

SPOKEN_AS = {
    "Cardiomegaly": r"cardiomegaly|enlarge|heart size is borderline",
    "Pleural Effusion": r"effusion",
    "Pneumothorax": r"pneumothorax",
    "Consolidation": r"consolidation",
    "Lung Lesion": r"nodule|mass",
    "Edema": r"edema",
    "Atelectasis": r"atelectasis",
    "Support Devices": r"tube|catheter|line in place|port|pacemaker",
}
DENIED = re.compile(r"^(No|There is no)\b|not enlarged")


@pytest.fixture(scope="module")
def readings():
    phantoms = [make_phantom(seed, height_px=32) for seed in range(120)]
    return [(phantom, make_report(phantom, k)) for k, phantom in enumerate(phantoms)]


def test_every_finding_is_called_present_or_uncertain(readings):
    for phantom, report in readings:
        for name in {finding.name for finding in phantom.findings}:
            said = [s for s in report.sentences if name in s.names]
            assert said
            assert {s.state for s in said} <= {"present", "uncertain"}
            assert all(re.search(SPOKEN_AS[name], s.text, re.IGNORECASE) for s in said)


def test_nothing_absent_is_called_present(readings):
    for phantom, report in readings:
        present = {finding.name for finding in phantom.findings}
        for sentence in report.sentences:
            if DENIED.search(sentence.text):
                assert not present & set(sentence.names)
                continue
            for name in set(PREVALENCE) - present:
                words = re.search(SPOKEN_AS[name], sentence.text, re.IGNORECASE)
                assert not words, (name, sentence.text)


def test_side_and_zone_are_those_of_the_film(readings):
    for _, report in readings:
        for sentence in report.sentences:
            finding = sentence.finding
            if finding is None or len(sentence.regions) > 1:
                continue
            words = set(re.findall(r"[a-z]+", sentence.text.lower()))
            if finding.side in ("left", "right"):
                assert words & {"left", "right"} <= {finding.side}
            if finding.name in ("Consolidation", "Lung Lesion"):
                assert words & {"upper", "middle", "lower"} == {finding.zone}


def test_the_measured_size_is_that_of_the_film(readings):
    measured = 0
    for _, report in readings:
        for sentence in report.sentences:
            if match := re.search(r"(\d+\.\d) cm", sentence.text):
                measured += 1
                assert float(match[1]) == sentence.finding.size_cm
    assert measured > 5


def test_sentences_point_at_the_film(readings):
    for phantom, report in readings:
        boxes = {finding.box for finding in phantom.findings}
        for sentence in report.sentences:
            if sentence.state in ("present", "uncertain"):
                assert set(sentence.regions) <= boxes
                assert sentence.region is not None
            if sentence.region is not None:
                x0, y0, x1, y1 = sentence.region
                assert 0 <= x0 < x1 <= 1
                assert 0 <= y0 < y1 <= 1


def test_the_text_holds_the_sentences_in_order(readings):
    for _, report in readings:
        findings = [s.text for s in report.sentences if s.section == "findings"]
        impression = [s.text for s in report.sentences if s.section == "impression"]
        assert report.text == (
            f"FINDINGS: {' '.join(findings)}\n\nIMPRESSION: {' '.join(impression)}\n"
        )
        assert findings
        assert impression


def test_sentences_can_be_spoken(readings):
    for _, report in readings:
        for sentence in report.sentences:
            assert re.fullmatch(r"[A-Z0-9][A-Za-z0-9 ,.-]*\.", sentence.text), (
                sentence.text
            )
            assert "  " not in sentence.text
            assert "None" not in sentence.text


def test_a_seed_fixes_the_report_and_another_words_it_differently():
    phantom = make_phantom(11, height_px=32)

    texts = {make_report(phantom, seed).text for seed in (1, 1, 2, 3, 4)}

    assert len(texts) >= 3


def test_reports_are_varied(readings):
    texts = [report.text for _, report in readings]

    assert len(set(texts)) > 0.9 * len(texts)
    assert len({s.text for _, r in readings for s in r.sentences}) > 150


def test_doubt_is_rare_but_heard(readings):
    states = [s.state for _, r in readings for s in r.sentences if s.finding]

    assert 0.02 < states.count("uncertain") / len(states) < 0.25
