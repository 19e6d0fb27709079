"""A small study to read, with known places, and sound for its report."""

import json

import numpy as np
import pytest
from PIL import Image

SENTENCES = (
    # text, section, state, region
    (
        "There is a small right pleural effusion.",
        "findings",
        "present",
        (0.1, 0.6, 0.35, 0.85),
    ),
    ("No pneumothorax is seen.", "findings", "absent", (0.1, 0.05, 0.9, 0.4)),
    ("The heart is mildly enlarged.", "findings", "present", (0.35, 0.45, 0.7, 0.8)),
    (
        "A 1.2 cm nodule is in the left upper lobe.",
        "findings",
        "present",
        (0.6, 0.2, 0.7, 0.3),
    ),
    ("No acute bony abnormality.", "findings", "absent", None),
    (
        "Small effusion and a nodule.",
        "impression",
        "present",
        (0.1, 0.6, 0.35, 0.85),
    ),
)
ANATOMY = {"right_lung": (0.08, 0.1, 0.45, 0.8), "left_lung": (0.55, 0.1, 0.92, 0.8)}


@pytest.fixture
def truth():
    from capture.simulation.truth import StudyTruth, TruthSentence

    return StudyTruth(
        study_id="S0",
        sentences=tuple(
            TruthSentence(text=text, section=section, state=state, region=region)
            for text, section, state, region in SENTENCES
        ),
        abnormal=((0.1, 0.6, 0.35, 0.85), (0.6, 0.2, 0.7, 0.3)),
        anatomy=ANATOMY,
    )


@pytest.fixture
def speech(truth):
    """Tones, which cost no process."""
    from capture.simulation.voice import speak

    return speak([s.text for s in truth.sentences], engine="tones")


@pytest.fixture
def make_study_list(tmp_path):
    """Write `n` studies of noise with a truth; returns the list's path."""

    def make(n=4, *, width_px=100, height_px=120):
        folder = tmp_path / "studies"
        (folder / "truth").mkdir(parents=True)
        rows = ["study_id,patient_id,image"]
        for i in range(n):
            noise = np.random.default_rng(i).integers(0, 256, (height_px, width_px))
            Image.fromarray(noise.astype(np.uint8)).save(folder / f"{i}.png")
            rows.append(f"S{i},P{i},{i}.png")
            data = {
                "format": "radgaze-study-truth",
                "version": 1,
                "study_id": f"S{i}",
                "sentences": [
                    dict(zip(("text", "section", "state", "region"), row, strict=True))
                    for row in SENTENCES
                ],
                "findings": [{"box": (0.1, 0.6, 0.35, 0.85)}],
                "anatomy": ANATOMY,
            }
            (folder / "truth" / f"S{i}.json").write_text(json.dumps(data))
        path = folder / "studies.csv"
        path.write_text("\n".join(rows) + "\n")
        return path

    return make
