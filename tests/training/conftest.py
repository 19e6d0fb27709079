from pathlib import Path

import numpy as np
import pytest

from curation.dataset import DatasetWriter, open_dataset
from training.config import TrainConfig


@pytest.fixture
def make_dataset(make_reading, tmp_path):
    """A data set of as many readings as asked for; every second one without gaze."""

    def make(count=24, *, name="dataset", **fields):
        with DatasetWriter(tmp_path / name, image_size=32) as writer:
            for i in range(count):
                chosen = dict(fields)
                if i % 2 and "has_gaze" not in chosen:
                    chosen |= {"has_gaze": False, "has_audio": False}
                    empty = {"fixations": {}, "sentence_fixations": {}}
                    chosen["tables"] = chosen.get("tables", {}) | empty_tables(empty)
                writer.add(make_reading(i, patient=f"patient-{i:012x}", **chosen))
            return open_dataset(writer.finish(split_shares=(0.6, 0.2, 0.2)))

    return make


def empty_tables(names):
    from curation.schema import TABLES, make_table

    return {
        name: make_table(name, **dict.fromkeys(TABLES[name], np.empty(0)))
        for name in names
    }


@pytest.fixture
def make_config(tmp_path):
    """Settings of a run that takes a second."""

    def make(**fields):
        values = {
            "dataset": tmp_path / "dataset",
            "out": tmp_path / "run",
            "image_size": 32,
            "joint_dim": 16,
            "epochs": 2,
            "batch_size": 4,
            "progress": "none",
            "device": "cpu",
            "threads": 1,
        }
        return TrainConfig(**(values | fields))

    return make


@pytest.fixture
def run_folder(tmp_path) -> Path:
    return tmp_path / "run"
