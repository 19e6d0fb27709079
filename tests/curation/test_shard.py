"""A full disk, a damaged file, and the speed of reading."""

import json
import subprocess
import sys

import numpy as np
import pytest

from capture.errors import InputError, VersionError
from curation.dataset import open_dataset
from curation.shard import ShardReader, ShardWriter
from curation.verify import verify

FILL = """
import resource, sys
import numpy as np
from pathlib import Path
from capture.errors import DiskFullError
from curation.dataset import DatasetWriter
from curation.schema import Reading

limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
image = np.full((64, 64), 7, np.uint8)
try:
    with DatasetWriter(Path(sys.argv[1]), image_size=64) as writer:
        for i in range(200):
            writer.add(Reading(
                reading_id=f"r-{i:04d}", image_id="i", study_id="s", patient_id="p",
                image=image, placement=(0, 0, 64, 64), image_size_px=(64, 64),
            ))
        writer.finish()
except DiskFullError as error:
    print(error)
    raise SystemExit(1)
"""


@pytest.mark.parametrize("limit", [0, 100, 2_000, 100_000, 500_000, 820_000])
def test_a_full_disk_leaves_the_earlier_data_set(make_dataset, limit):
    folder = make_dataset(6)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    done = subprocess.run(
        [sys.executable, "-c", FILL, str(folder), str(limit)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1, done.stderr
    assert "no space left on the disk" in done.stdout
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_shard_appears_when_it_is_closed(make_reading, tmp_path):
    writer = ShardWriter(tmp_path / "part.h5", 32)
    writer.add(make_reading(0))

    assert not (tmp_path / "part.h5").exists()

    writer.close()
    assert ShardReader(tmp_path / "part.h5").readings == 1
    assert [path.name for path in tmp_path.iterdir()] == ["part.h5"]


def test_an_aborted_shard_leaves_nothing(make_reading, tmp_path):
    writer = ShardWriter(tmp_path / "part.h5", 32)
    writer.add(make_reading(0))

    writer.abort()

    assert not list(tmp_path.iterdir())


def test_text_of_any_script_comes_back(make_reading, tmp_path):
    text = "Größe 12 × 15 mm — 肺炎 ___."
    writer = ShardWriter(tmp_path / "part.h5", 32)
    tables = {
        name: {c: v[:0] for c, v in make_reading(0).table(name).items()}
        for name in ("sentences", "words", "sentence_fixations", "mentions", "regions")
    }
    writer.add(
        make_reading(0, report=text, findings=None, impression=None, tables=tables)
    )
    writer.close()

    assert ShardReader(tmp_path / "part.h5").reading(0).report == text


@pytest.mark.parametrize("content", [b"", b"junk" * 1000])
def test_what_is_no_shard_says_so(tmp_path, content):
    (tmp_path / "x.h5").write_bytes(content)

    with pytest.raises(InputError, match=r"x\.h5: is damaged"):
        ShardReader(tmp_path / "x.h5").column("labels")


def test_another_hdf5_file_and_another_version_say_so(tmp_path):
    import h5py

    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["labels"] = np.zeros(3)
    with pytest.raises(InputError, match="not a shard"):
        ShardReader(tmp_path / "x.h5").column("labels")

    with h5py.File(tmp_path / "x.h5", "r+") as file:
        file.attrs.update({"format": "radgaze-shard", "version": 2})
    with pytest.raises(VersionError, match="version 2"):
        ShardReader(tmp_path / "x.h5").column("labels")


def test_one_reading_larger_than_a_shard_still_fits(make_dataset, monkeypatch):
    monkeypatch.setattr("curation.dataset.SHARD_BYTES", 100)

    folder = make_dataset(3, per_shard=None)

    assert len(open_dataset(folder).shards) == 3
    assert verify(folder) == []
    document = json.loads((folder / "dataset.json").read_text())
    assert [shard["readings"] for shard in document["shards"]] == [1, 1, 1]
