"""The table of readings: what a spreadsheet or a statistics program gets."""

import numpy as np
import pandas as pd

from curation.cli import main
from curation.dataset import open_dataset
from curation.table import readings_table


def test_every_reading_is_a_row_with_its_counts(make_dataset):
    dataset = open_dataset(make_dataset())

    table = readings_table(dataset)

    assert len(table) == len(dataset)
    assert table["n_sentences"].sum() == len(dataset.ragged("sentences", "text")[0])
    assert table["n_fixations"].sum() == len(dataset.ragged("fixations", "x")[0])
    total_s = dataset.ragged("fixations", "duration_s")[0].sum()
    np.testing.assert_allclose(table["dwell_s"].sum(), total_s)
    assert set(table["split"]) <= {"train", "validation", "test"}
    assert (table["split"] == "train").sum() == len(dataset.rows("train"))


def test_a_finding_that_is_not_stated_is_missing_in_the_table(make_dataset):
    dataset = open_dataset(make_dataset())

    table = readings_table(dataset)

    stated = np.stack([table[f].notna() for f in dataset.findings], axis=1)
    np.testing.assert_array_equal(stated, dataset.labels != -2)


def test_the_command_writes_a_table_that_reads_back(make_dataset, tmp_path, capsys):
    folder = make_dataset()

    code = main(["inspect", str(folder), "--csv", str(tmp_path / "readings.csv")])

    table = pd.read_csv(tmp_path / "readings.csv")
    assert code == 0
    assert list(table["reading_id"]) == list(open_dataset(folder).ids("reading_id"))
    assert not list(tmp_path.glob(".*.part"))
    assert "split" in capsys.readouterr().out
