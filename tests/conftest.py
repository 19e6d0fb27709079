"""What every test may lean on."""

import os
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real recordings made by others; a user does not have it."""
    folder = Path(os.environ.get("RADGAZE_SHARED", ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip("real data by others is not here: set RADGAZE_SHARED to its folder")
    return folder


REPORT = (
    "FINDINGS: The heart is large. The lungs are clear.\n\nIMPRESSION: Cardiomegaly."
)
_SPANS = [(10, 29), (30, 50), (64, 77)]


@pytest.fixture
def make_reading():
    """Valid by default; each keyword replaces one field of the reading."""
    from curation.schema import Reading, make_table

    def make(index=0, *, size=32, seed=0, patient=None, **fields):
        rng = np.random.default_rng([seed, index])
        image = np.zeros((size, size), np.uint8)
        image[:, size // 8 : -size // 8] = rng.integers(1, 255, (size, size * 3 // 4))
        onsets_s = np.cumsum(rng.uniform(0.3, 0.5, 9)) - 0.3
        sentence, fixation = np.divmod(np.arange(9), 3)[0], np.arange(9)
        labels = np.full(14, -2, np.int8)
        labels[2], labels[13] = index % 2, 0
        tables = {
            "sentences": make_table(
                "sentences",
                text=[REPORT[a:b] for a, b in _SPANS],
                section=[0, 0, 1],
                char_start=[a for a, _ in _SPANS],
                char_end=[b for _, b in _SPANS],
                has_time=[True, True, False],
                start_s=[0.5, 2.0, np.nan],
                end_s=[1.5, 3.0, np.nan],
                method=["forced", "forced", "none"],
                score=[0.9, 0.8, 0.0],
            ),
            "words": make_table(
                "words",
                text=["The", "heart", "is", "large"],
                sentence=[0, 0, 0, 0],
                start_s=[0.5, 0.7, 1.0, 1.2],
                end_s=[0.7, 1.0, 1.2, 1.5],
            ),
            "fixations": make_table(
                "fixations",
                x=rng.uniform(0, 1, 9),
                y=rng.uniform(0, 1, 9),
                onset_s=onsets_s,
                duration_s=rng.uniform(0.1, 0.3, 9),
                sigma_x=np.full(9, 0.05),
                sigma_y=np.full(9, 0.04),
            ),
            "sentence_fixations": make_table(
                "sentence_fixations",
                sentence=sentence[:6],
                fixation=fixation[:6],
                overlap_s=np.full(6, 0.1),
            ),
            "mentions": make_table(
                "mentions", sentence=[0, 2], finding=[2, 2], state=[1, 1], side=[0, 0]
            ),
            "regions": make_table(
                "regions",
                finding=[2],
                side=[0],
                x0=[0.3],
                y0=[0.4],
                x1=[0.8],
                y1=[0.9],
                sentence=[0],
            ),
        }
        defaults = {
            "reading_id": f"session-{index // 4:012x}-{index % 4:04d}",
            "image_id": f"image-{index:012x}",
            "study_id": f"study-{index:012x}",
            "patient_id": patient or f"patient-{index // 2:012x}",
            "reader_id": "reader-0123456789ab",
            "image": image,
            "placement": (size / 8, 0.0, size * 3 / 4, float(size)),
            "image_size_px": (480, 640),
            "report": REPORT,
            "findings": REPORT[10:50],
            "impression": REPORT[64:77],
            "has_gaze": True,
            "has_audio": True,
            "has_regions": True,
            "labels": labels,
            "label_source": 2,
            "quality": {
                "valid_share": 0.95,
                "gaze_rate_hz": 250.0,
                "duration_s": 4.0,
                "largest_gap_s": 0.02,
                "on_image_share": 0.9,
                "timed_sentence_share": 2 / 3,
            },
        }
        replaced = {**tables, **fields.pop("tables", {})}
        return Reading(**{**defaults, "tables": replaced, **fields})

    return make


@pytest.fixture
def make_dataset(tmp_path, make_reading):
    """Write `n` readings through the public writer and return the folder."""
    from curation.dataset import DatasetWriter

    def make(n=8, *, name="dataset", size=32, per_shard=3, readings=None, **fields):
        folder = tmp_path / name
        with DatasetWriter(
            folder, image_size=size, readings_per_shard=per_shard
        ) as writer:
            for reading in readings or (
                make_reading(i, size=size, **fields) for i in range(n)
            ):
                writer.add(reading)
            writer.finish(config={}, policy={}, accepted=[], rejected=[])
        return folder

    return make
