"""Round trips through the writer and the reader of a data set."""

import hashlib
import json
import pickle

import numpy as np
import pytest

from capture.errors import InputError, VersionError
from curation.dataset import DatasetWriter, open_dataset
from curation.schema import IDS, MASKS, QUALITY, TABLES, make_table


def assert_same(a, b):
    assert a.masks == b.masks
    assert all(getattr(a, name) == getattr(b, name) for name in IDS)
    assert (a.report, a.findings, a.impression) == (b.report, b.findings, b.impression)
    assert a.placement == b.placement
    assert a.image_size_px == b.image_size_px
    np.testing.assert_array_equal(a.image, b.image)
    np.testing.assert_array_equal(a.labels, b.labels)
    for name in TABLES:
        for column, values in a.table(name).items():
            np.testing.assert_array_equal(values, b.table(name)[column])
            assert values.dtype == b.table(name)[column].dtype
    for name in QUALITY:
        assert np.float32(a.quality.get(name, np.nan)) == pytest.approx(
            b.quality[name], nan_ok=True
        )


@pytest.mark.parametrize("per_shard", [1, 3, 7, 8, 9])  # 8 readings: limit, and ± 1
def test_every_reading_comes_back_whatever_the_shard_size(
    make_dataset, make_reading, per_shard
):
    dataset = open_dataset(make_dataset(8, per_shard=per_shard))

    assert len(dataset) == 8
    assert len(dataset.shards) == -(-8 // per_shard)
    for row in range(8):
        assert_same(make_reading(row), dataset.reading(row))


def test_what_nobody_read_comes_back_without_reader_and_gaze(
    make_dataset, make_reading
):
    unread = make_reading(
        1,
        reader_id="",
        has_gaze=False,
        has_audio=False,
        has_regions=False,
        report=None,
        findings=None,
        impression=None,
        tables={
            name: make_table(name, **dict.fromkeys(c, ())) for name, c in TABLES.items()
        },
        labels=np.full(14, -2, np.int8),
        label_source=0,
        quality={},
    )

    dataset = open_dataset(make_dataset(readings=[make_reading(0), unread]))

    assert_same(unread, dataset.reading(1))
    assert [bool(dataset.mask(name)[1]) for name in MASKS] == [False] * 8


def test_a_batch_comes_in_the_order_asked_for_and_may_repeat(
    make_dataset, make_reading
):
    dataset = open_dataset(make_dataset(8))

    batch = dataset.image_batch([7, 0, 4, 0])

    expected = np.stack([make_reading(i).image for i in (7, 0, 4, 0)])
    np.testing.assert_array_equal(batch, expected)
    assert dataset.image_batch([]).shape == (0, 32, 32)


def test_ragged_columns_count_over_all_shards(make_dataset, make_reading):
    dataset = open_dataset(make_dataset(8))

    values, offsets = dataset.ragged("fixations", "x")
    texts, starts = dataset.ragged("sentences", "text")

    assert offsets.tolist() == list(range(0, 73, 9))
    assert starts.tolist() == list(range(0, 25, 3))
    assert texts[starts[5]] == "The heart is large."
    np.testing.assert_array_equal(
        values[offsets[6] : offsets[7]], make_reading(6).table("fixations")["x"]
    )


def test_same_readings_give_the_same_bytes(make_dataset):
    first, second = make_dataset(8, name="first"), make_dataset(8, name="second")

    for path in sorted(first.iterdir()):
        assert path.read_bytes() == (second / path.name).read_bytes()
    assert open_dataset(first).identity == open_dataset(second).identity
    digest = hashlib.sha256((first / "dataset.json").read_bytes()).hexdigest()
    assert open_dataset(first).identity == digest


def test_splits_hold_every_row_once_and_no_patient_twice(make_dataset):
    dataset = open_dataset(make_dataset(40, per_shard=16))

    rows = [dataset.rows(split) for split in ("train", "validation", "test")]

    assert sorted(np.concatenate(rows).tolist()) == list(range(40))
    patients = [set(dataset.ids("patient_id")[r]) for r in rows]
    assert not patients[0] & patients[1]
    assert not patients[0] & patients[2]
    assert not patients[1] & patients[2]


def test_an_open_dataset_can_be_sent_to_another_process(make_dataset):
    dataset = open_dataset(make_dataset(8))
    before = dataset.image_batch([3, 1])

    copy = pickle.loads(pickle.dumps(dataset))

    np.testing.assert_array_equal(copy.image_batch([3, 1]), before)
    assert len(pickle.dumps(dataset)) < 20_000


def test_writer_refuses_what_breaks_the_format(make_reading, tmp_path):
    with DatasetWriter(tmp_path / "out", image_size=32) as writer:
        writer.add(make_reading(0))

        with pytest.raises(ValueError, match="added before"):
            writer.add(make_reading(0))
        with pytest.raises(ValueError, match=r"image: .*expected"):
            writer.add(make_reading(1, size=16))

    assert not list(tmp_path.iterdir())


def test_an_unfinished_writer_leaves_the_earlier_data_set(make_dataset, make_reading):
    folder = make_dataset(8)
    before = open_dataset(folder).identity

    with DatasetWriter(folder, image_size=32) as writer:
        writer.add(make_reading(0))

    assert open_dataset(folder).identity == before
    assert [path.name for path in folder.parent.iterdir()] == ["dataset"]


def test_a_finished_writer_replaces_the_earlier_data_set(make_dataset):
    make_dataset(8)

    folder = make_dataset(2)

    assert len(open_dataset(folder)) == 2
    assert [path.name for path in folder.parent.iterdir()] == ["dataset"]


def test_a_folder_with_other_files_is_never_replaced(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years of work")

    with pytest.raises(InputError, match="not a data set"):
        DatasetWriter(tmp_path / "out", image_size=32)

    assert (tmp_path / "out" / "thesis.tex").exists()


def test_an_empty_data_set_is_refused(tmp_path):
    with (
        DatasetWriter(tmp_path / "out", image_size=32) as writer,
        pytest.raises(InputError, match="no reading"),
    ):
        writer.finish()

    assert not list(tmp_path.iterdir())


def test_opening_says_what_is_wrong(make_dataset, tmp_path):
    folder = make_dataset(4)
    with pytest.raises(InputError, match=r"no dataset\.json"):
        open_dataset(tmp_path)

    document = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps(document | {"version": 2}))
    with pytest.raises(VersionError, match="version 2"):
        open_dataset(folder)

    (folder / "dataset.json").write_text(json.dumps(document))
    (folder / "shard-00001.h5").unlink()
    with pytest.raises(InputError, match="shard-00001"):
        open_dataset(folder)
