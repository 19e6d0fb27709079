import numpy as np
import pytest

from capture.findings import FINDINGS
from curation.dataset import DatasetWriter, open_dataset
from curation.schema import QUALITY, Reading, make_table
from training.evaluation.held_out import ImageVectors, hold_out

EFFUSION = FINDINGS.index("Pleural Effusion")
SIZE, GRID = 32, 4


class PlainTowers:
    """Reads the answer off the image: an encoder whose every cosine is known.

    The first pixel row of an image says whether it shows an effusion (255) or not (0),
    and the patch that `hot` names points to the effusion, all others to health.
    """

    objective = "egma"

    def __init__(self, hot=5):
        self.hot = hot

    def encode_image(self, images):
        sick = images[:, 0, 0] > 127
        health, effusion = np.eye(2, dtype=np.float32)
        tokens = np.tile(health, (len(images), GRID * GRID, 1))
        tokens[sick, self.hot] = effusion
        pooled = np.where(sick[:, None], effusion, health)
        return ImageVectors(tokens=tokens, pooled=pooled, grid=(GRID, GRID))

    def encode_text(self, texts):
        sick = [("effusion" in t and "o pleural" not in t) for t in texts]
        return np.eye(2, dtype=np.float32)[np.asarray(sick, dtype=int)]


def make_reading(i, *, sick, read=True, patient=None, study=None, sentences=None):
    sentences = sentences or [
        "There is a left pleural effusion." if sick else "There is no pleural effusion."
    ]
    labels = np.full(len(FINDINGS), -2, np.int8)
    labels[EFFUSION] = int(sick)
    image = np.full((SIZE, SIZE), 40, np.uint8)
    image[0] = 255 if sick else 0
    report = " ".join(sentences)
    starts = [report.index(s) for s in sentences]
    n = len(sentences)
    tables = {
        "sentences": make_table(
            "sentences",
            text=sentences,
            section=[0] * n,
            char_start=starts,
            char_end=[a + len(s) for a, s in zip(starts, sentences, strict=True)],
            has_time=[False] * n,
            start_s=[np.nan] * n,
            end_s=[np.nan] * n,
            method=["none"] * n,
            score=[0.0] * n,
        )
    }
    if sick:  # the box is patch 5 of 4 x 4: second row, second column
        tables["regions"] = make_table(
            "regions", finding=[EFFUSION], side=[1], x0=[0.25], y0=[0.25], x1=[0.5],
            y1=[0.5], sentence=[0],
        )  # fmt: skip
    if read:
        at = 0.375 if sick else 0.8
        tables["fixations"] = make_table(
            "fixations", x=[at], y=[at], onset_s=[0.0], duration_s=[0.5],
            sigma_x=[0.05], sigma_y=[0.05],
        )  # fmt: skip
        tables["sentence_fixations"] = make_table(
            "sentence_fixations", sentence=[0], fixation=[0], overlap_s=[0.5]
        )
    return Reading(
        reading_id=f"reading-{i:03d}",
        image_id=f"image-{i:03d}",
        study_id=study or f"study-{i:03d}",
        patient_id=patient or f"patient-{i:03d}",
        reader_id="reader-a" if read else "",
        image=image,
        placement=(0, 0, SIZE, SIZE),
        image_size_px=(SIZE, SIZE),
        report=report,
        has_gaze=read,
        has_regions=True,
        tables=tables,
        labels=labels,
        label_source=2,
        quality=dict.fromkeys(QUALITY, 1.0) if read else {},
    )


@pytest.fixture
def make_dataset(tmp_path):
    """Write readings into a data set whose patients are mostly held out."""

    def make(readings=None, *, name="data", shares=(0.2, 0.1, 0.7)):
        readings = readings or [make_reading(i, sick=i % 2 == 0) for i in range(40)]
        with DatasetWriter(tmp_path / name, image_size=SIZE) as writer:
            for reading in readings:
                writer.add(reading)
            writer.finish(split_shares=shares)
        return open_dataset(tmp_path / name)

    return make


@pytest.fixture
def make_held_out(make_dataset):
    def make(readings=None, *, towers=None, objective="egma", resamples=50, **more):
        return hold_out(
            towers or PlainTowers(),
            make_dataset(readings, **more),
            objective=objective,
            split="test",
            batch_size=7,
            resamples=resamples,
        )

    return make


@pytest.fixture(name="make_reading", scope="session")
def make_reading_fixture():
    return make_reading


@pytest.fixture
def plain_towers():
    return PlainTowers
