from dataclasses import replace

import numpy as np
import pytest

from capture.errors import InputError
from training.evaluation.grounding import (
    grounded_sentences,
    grounding,
    sentence_looks,
)


def test_a_model_that_points_into_the_box_hits_every_time(make_held_out):
    result = grounding(make_held_out()).figures

    assert result["pointing_game"]["value"] == 1
    assert result["chance"] == pytest.approx(1 / 16)  # the box is a quarter each way
    assert result["scores"]["model"]["nss"]["value"] > 2


def test_a_model_that_points_elsewhere_misses(make_held_out, plain_towers):
    result = grounding(make_held_out(towers=plain_towers(hot=15))).figures

    assert result["pointing_game"]["value"] == 0
    assert result["scores"]["model"]["cc"]["value"] < 0.1


def test_the_mean_gaze_of_training_readings_stands_beside(make_held_out):
    scores = grounding(make_held_out()).figures["scores"]

    assert set(scores) == {"model", "center", "shuffled_sentence", "mean_gaze"}
    assert scores["mean_gaze"]["nss"]["value"] > 0  # half of the readings look there


def test_only_sentences_tied_to_a_region_are_grounded(make_held_out):
    held = make_held_out()

    found = grounded_sentences(held)

    assert set(found.text) == {"There is a left pleural effusion."}
    sick = [t.startswith("There is a left") for t in held.dataset.text("report")]
    assert len(found.text) == np.asarray(sick)[held.rows].sum()


def test_looks_belong_to_their_sentence(make_held_out):
    held = make_held_out()
    found = grounded_sentences(held)

    looks = sentence_looks(held, found)

    np.testing.assert_array_equal(looks.owner, np.arange(len(found.text)))
    np.testing.assert_allclose(looks.xy, 0.375)
    np.testing.assert_allclose(looks.weight, 0.5)


def test_without_gaze_the_regions_are_still_scored(make_held_out, make_reading):
    readings = [make_reading(i, sick=i % 2 == 0, read=False) for i in range(30)]

    result = grounding(make_held_out(readings)).figures

    assert result["pointing_game"]["value"] == 1
    assert result["scores"]["model"]["nss"] is None
    assert "mean_gaze" not in result["scores"]


def test_a_split_without_regions_is_refused(make_held_out, make_reading):
    readings = [make_reading(i, sick=False) for i in range(20)]

    with pytest.raises(InputError, match="no reading of this split has a region"):
        grounding(make_held_out(readings))


def test_two_regions_of_a_sentence_are_one_item(make_held_out, make_reading):
    def doubled(reading):
        regions = {k: np.repeat(v, 2) for k, v in reading.table("regions").items()}
        regions["x0"] = np.array([0.25, 0.75], np.float32)
        regions["x1"] = np.array([0.5, 1.0], np.float32)
        return replace(reading, tables=dict(reading.tables) | {"regions": regions})

    readings = [doubled(make_reading(i, sick=True)) for i in range(10)]
    held = make_held_out(readings, shares=(0.0, 0.0, 1.0))

    found = grounded_sentences(held)

    assert len(found.text) == 10
    assert found.region[0].mean() == pytest.approx(2 / 16)
