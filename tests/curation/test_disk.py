"""Full disks and half files."""

import hashlib
import json
from pathlib import Path

import pytest

from capture.errors import DiskFullError
from curation.disk import Sink, disk_full, file_sha256, write_json


def test_a_full_device_is_told_by_its_number(tmp_path):
    with (
        pytest.raises(DiskFullError),
        disk_full(tmp_path),
        Path("/dev/full").open("wb", buffering=0) as file,
    ):
        file.write(b"x")


def test_other_errors_pass_unchanged(tmp_path):
    with pytest.raises(FileNotFoundError), disk_full(tmp_path):
        (tmp_path / "none").read_bytes()


def test_a_sink_keeps_the_first_failure_and_takes_the_rest():
    sink = Sink("/dev/full", "wb")

    assert sink.write(b"12345") == 5
    assert sink.write(b"678") == 3

    with pytest.raises(OSError, match="No space left"):
        sink.check()
    sink.close()


def test_a_sink_writes_everything_where_there_is_space(tmp_path):
    with Sink(tmp_path / "x", "w+b") as sink:
        sink.write(b"12345")
        sink.check()

    assert (tmp_path / "x").read_bytes() == b"12345"


def test_json_is_replaced_whole_and_hashes_fit(tmp_path):
    path = tmp_path / "x.json"
    write_json(path, {"a": 1})
    write_json(path, {"a": [2, "ä"]})

    assert json.loads(path.read_text(encoding="utf-8")) == {"a": [2, "ä"]}
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]
    assert file_sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()
