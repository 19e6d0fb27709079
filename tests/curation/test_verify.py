"""One thing is damaged at a time, and verify must name it."""

import json

import h5py
import numpy as np
import pytest

from capture.errors import InputError
from curation.disk import file_sha256
from curation.verify import verify


def seal(folder):
    """Make sizes and hashes fit again, so that only the content is wrong."""
    document = json.loads((folder / "dataset.json").read_text())
    for shard in document["shards"]:
        path = folder / shard["file"]
        shard |= {"bytes": path.stat().st_size, "sha256": file_sha256(path)}
    (folder / "dataset.json").write_text(json.dumps(document))


def change(folder, edit, shard="shard-00001.h5"):
    with h5py.File(folder / shard, "r+") as file:
        edit(file)
    seal(folder)


def put(name, row, value):
    def edit(file):
        file[name][row] = value

    return edit


def test_a_valid_data_set_has_no_problems(make_dataset):
    assert verify(make_dataset(8)) == []


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (put("placement", 0, (8, 0, 24, 32)), "row 0 .*image: not 0 outside"),
        (put("placement", 0, (4, 0, 40, 32)), "row 0 .*placement"),
        (put("placement", 0, (4, 0, 10, 32)), "row 0 .*placement.*shape"),
        (put("image_size_px", 1, (0, 640)), "row 1 .*image_size_px"),
        (put("labels", (2, 5), 3), "row 2 .*labels: out of range"),
        (put("label_source", 0, 0), "row 0 .*labels: there although"),
        (put("label_source", 0, 7), "row 0 .*label_source"),
        (put("ids/patient_id", 0, ""), "row 0 .*ids/patient_id: empty"),
        (put("ids/reading_id", 0, "session-000000000000-0001"), "is also in"),
        (put("mask/has_gaze", 0, False), "row 0 .*fixations: there although"),
        (put("mask/has_report", 0, False), "row 0 .*a section without a report"),
        (put("mask/has_regions", 0, False), "row 0 .*regions: there although"),
        (put("text/report", 0, "Another report."), "row 0 .*character span"),
        (put("text/findings", 0, ""), "row 0 .*text/findings: empty"),
        (put("sentences/char_end", 1, 40), "row 0 .*character span"),
        (put("sentences/section", 0, 9), "row 0 .*sentences/section"),
        (put("sentences/method", 0, "guessed"), "row 0 .*sentences/method"),
        (put("sentences/start_s", 0, np.nan), "row 0 .*has_time without a time"),
        (put("sentences/end_s", 0, 0.1), "row 0 .*has_time without a time"),
        (put("sentences/has_time", 0, False), "row 0 .*a time although"),
        (put("words/sentence", 5, 3), "row 1 .*words/sentence: index"),
        (put("words/end_s", 0, 0.0), "row 0 .*words: ends before"),
        (put("fixations/x", 0, np.nan), "row 0 .*fixations: not finite"),
        (put("fixations/duration_s", 10, 0.0), "row 1 .*fixations/duration_s"),
        (put("fixations/sigma_x", 0, -0.1), "row 0 .*fixations/sigma_x"),
        (put("fixations/onset_s", 0, 99.0), "row 0 .*fixations/onset_s"),
        (put("sentence_fixations/fixation", 0, 9), "row 0 .*fixation: index"),
        (put("sentence_fixations/sentence", 0, -1), "row 0 .*sentence: index"),
        (put("sentence_fixations/overlap_s", 0, 0), "row 0 .*overlap_s: not above 0"),
        (put("sentence_fixations/overlap_s", 0, 5), "longer than the fixation"),
        (put("sentence_fixations/fixation", 1, 0), "a pair is there twice"),
        (put("mentions/finding", 0, 14), "row 0 .*mentions/finding"),
        (put("mentions/state", 0, 2), "row 0 .*mentions/state"),
        (put("mentions/side", 0, 5), "row 0 .*mentions/side"),
        (put("mentions/sentence", 0, 3), "row 0 .*mentions/sentence"),
        (put("regions/x0", 0, 0.9), "row 0 .*regions/x0"),
        (put("regions/y1", 0, 1.2), "row 0 .*regions/y0"),
        (put("regions/sentence", 0, 3), "row 0 .*regions/sentence"),
        (put("quality/valid_share", 0, 1.5), "row 0 .*quality/valid_share"),
        (put("quality/duration_s", 0, np.nan), "row 0 .*quality/duration_s"),
        (put("fixations/offsets", 1, 30), "fixations/offsets: not rising"),
        (put("words/offsets", 3, 11), "words/offsets: not rising"),
    ],
)
def test_each_broken_promise_is_named(make_dataset, edit, expected):
    folder = make_dataset(6)
    change(folder, edit)

    found = verify(folder)

    assert any(
        line.startswith("shard-00001.h5") and _matches(expected, line) for line in found
    ), found


def _matches(expected, line):
    import re

    return re.search(expected, line) is not None


def drop(name):
    def edit(file):
        del file[name]

    return edit


def shorten(file):
    values = file["labels"][:-1]
    del file["labels"]
    file["labels"] = values


def retype(file):
    values = file["fixations/x"][...].astype("f8")
    del file["fixations/x"]
    file["fixations/x"] = values


def unstamp(file):
    del file["words"].attrs["format"]


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (drop("fixations/sigma_y"), "has no fixations/sigma_y"),
        (drop("image_size_px"), "has no image_size_px"),
        (shorten, r"labels: shape \(2, 14\), expected \(3, 14\)"),
        (retype, "fixations/x: type float64, expected <f4"),
        (unstamp, "words: format or version missing"),
        (lambda file: file.attrs.modify("readings", 2), "dataset.json says 3"),
        (lambda file: file.attrs.modify("version", 9), "version 9"),
        (lambda file: file["image"].resize(2, axis=0), "image: shape"),
    ],
)
def test_each_broken_structure_is_named(make_dataset, edit, expected):
    folder = make_dataset(6)
    change(folder, edit)

    found = verify(folder)

    assert any(line.startswith("shard-00001.h5") for line in found), found
    assert any(_matches(expected, line) for line in found), found


def test_a_flipped_bit_in_an_image_changes_the_hash(make_dataset):
    folder = make_dataset(6)
    path = folder / "shard-00000.h5"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)

    assert "shard-00000.h5: sha256 differs from dataset.json" in verify(folder)


@pytest.mark.parametrize("share", [0.9, 0.5, 0.01])
def test_a_truncated_shard_is_named(make_dataset, share):
    folder = make_dataset(6)
    path = folder / "shard-00000.h5"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])

    found = verify(folder)

    assert any("shard-00000.h5" in line and "bytes" in line for line in found)


def test_a_missing_and_a_stray_shard_are_named(make_dataset):
    folder = make_dataset(6)
    (folder / "shard-00000.h5").rename(folder / "shard-00009.h5")

    found = verify(folder)

    assert "shard-00000.h5: is not there" in found
    assert "shard-00009.h5: is not in dataset.json" in found


def edit_document(folder, edit):
    path = folder / "dataset.json"
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document))


def twice(document):
    patient = document["splits"]["train"]["patients"][0]
    document["splits"]["test"]["patients"].append(patient)


def forgotten(document):
    document["splits"]["train"]["patients"].pop()


def stranger(document):
    document["splits"]["test"]["patients"].append("patient-ffffffffffff")


def miscounted(document):
    document["splits"]["test"]["readings"] += 1


def counts(document):
    document["counts"]["fixations"] += 1


def total(document):
    document["readings"] += 1


def shard_count(document):
    document["shards"][0]["readings"] += 1


def findings(document):
    document["findings"].reverse()


def phantom(document):
    document["accepted"].append({"reading_id": "session-x"})


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (twice, "is in train and in test"),
        (forgotten, "is in no split"),
        (stranger, "has no reading"),
        (miscounted, "splits/test: "),
        (counts, "counts/fixations"),
        (total, "readings: 7, the shards hold 6"),
        (shard_count, "3 readings, dataset.json says 4"),
        (findings, "not the fourteen"),
        (phantom, "accepted: session-x is in no shard"),
    ],
)
def test_each_broken_statement_of_the_document_is_named(make_dataset, edit, expected):
    folder = make_dataset(6)
    edit_document(folder, edit)

    found = verify(folder)

    assert any(expected in line for line in found), found


def test_no_data_set_is_an_error(tmp_path):
    with pytest.raises(InputError, match="not a data set"):
        verify(tmp_path)


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("shards", None),
        ("shards", []),
        ("shards", [{"file": "shard-00000.h5"}]),
        ("splits", {"train": 3}),
        ("findings", "all"),
        ("counts", [1]),
        ("accepted", [{}]),
        ("rejected", "none"),
        ("image_size", 0),
    ],
)
def test_a_document_that_cannot_be_read_is_an_error(make_dataset, entry, value):
    folder = make_dataset(2)
    edit_document(folder, lambda document: document.update({entry: value}))

    with pytest.raises(InputError, match=f"damaged entry: {entry}"):
        verify(folder)
