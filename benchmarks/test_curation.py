"""Events of an hour of gaze, dwell maps, and images out of a shard against a memmap."""

import numpy as np
import pytest

from curation.config import EventConfig
from curation.dataset import DatasetWriter, open_dataset
from curation.events import METHODS, detect_events
from curation.heatmap import dwell_map
from curation.schema import Reading

SIZE, ROWS, BATCH = 512, 200, 64


@pytest.fixture(scope="module")
def images():
    """Gray noise."""
    return np.random.default_rng(0).integers(0, 255, (ROWS, SIZE, SIZE), np.uint8)


@pytest.fixture(scope="module")
def rows():
    """A random batch."""
    return np.random.default_rng(1).permutation(ROWS)[:BATCH]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory, images):
    """All images in one shard."""
    folder = tmp_path_factory.mktemp("bench") / "dataset"
    with DatasetWriter(folder, image_size=SIZE) as writer:
        for i, image in enumerate(images):
            writer.add(
                Reading(
                    reading_id=f"reading-{i:05d}",
                    image_id=f"image-{i}",
                    study_id=f"study-{i}",
                    patient_id=f"patient-{i}",
                    image=image,
                    placement=(0.0, 0.0, float(SIZE), float(SIZE)),
                    image_size_px=(SIZE, SIZE),
                )
            )
        writer.finish()
    return open_dataset(folder)


def test_batch_from_the_shard(benchmark, dataset, rows):
    """Read a batch."""
    benchmark(dataset.image_batch, rows)


def test_batch_from_a_memmap(benchmark, tmp_path, images, rows):
    """Read the same batch from a plain array: the limit."""
    np.save(tmp_path / "images.npy", images)
    stored = np.load(tmp_path / "images.npy", mmap_mode="r")

    def batch():
        out = np.empty((BATCH, SIZE, SIZE), np.uint8)
        for i, row in enumerate(rows):
            out[i] = stored[row]
        return out

    benchmark(batch)


@pytest.mark.parametrize("method", METHODS)
def test_events_of_an_hour_at_1000_hz(benchmark, method):
    """Label 3.6 million samples."""
    rng = np.random.default_rng(0)
    n = 3_600_000
    xy_deg = np.repeat(rng.normal(0, 5, (n // 300, 2)), 300, axis=0)
    xy_deg += rng.normal(0, 0.02, (n, 2))
    config = EventConfig(method=method)

    benchmark.pedantic(
        detect_events, (np.arange(n) / 1000, xy_deg, config), rounds=2, iterations=1
    )


def test_dwell_map_of_a_sentence_at_224(benchmark):
    """Render twelve fixations."""
    x, y = np.random.default_rng(0).uniform(0, 1, (2, 12))
    sigma, weight_s = np.full(12, 0.05), np.full(12, 0.25)

    benchmark(dwell_map, x, y, sigma, sigma, weight_s, (224, 224))
