from math import comb

import numpy as np
import pytest

from capture.errors import InputError
from training.evaluation.retrieval import (
    _any_hit,
    fine_grained,
    retrieval,
    scores,
    study_pairs,
)

# 2 images of 2 patches; text 0 has one sentence, text 1 has two.
TOKENS = np.array([[[1, 0], [0, 1]], [[1, 0], [1, 0]]], np.float32)
SENTENCES = np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32)

WAYS = ("image_to_text", "text_to_image")


def test_fine_grained_scores_match_the_hand_calculation():
    to_text, to_image = fine_grained(TOKENS, SENTENCES, np.array([0, 1, 3]))

    # patch (1,0): best of text 1 is 0.6; patch (0,1): best is 1
    np.testing.assert_allclose(to_text, [[0.5, 0.8], [1, 0.6]], atol=1e-7)
    # text 1 on image 0: best patches 1 and 0.8; on image 1: 0 and 0.6
    np.testing.assert_allclose(to_image, [[1, 0.9], [1, 0.3]], atol=1e-7)


def test_images_in_chunks_score_the_same(monkeypatch):
    rng = np.random.default_rng(0)
    tokens = rng.normal(size=(9, 4, 3)).astype(np.float32)
    sentences = rng.normal(size=(8, 3)).astype(np.float32)
    starts = np.array([0, 3, 4, 8])
    whole = fine_grained(tokens, sentences, starts)

    monkeypatch.setattr("training.evaluation.retrieval._CHUNK_CELLS", 64)
    chunked = fine_grained(tokens, sentences, starts)

    np.testing.assert_allclose(chunked[0], whole[0], rtol=1e-6)
    np.testing.assert_allclose(chunked[1], whole[1], rtol=1e-6)


def test_precision_and_recall_of_a_known_ranking():
    similarity = np.array([[0.9, 0.8, 0.1, 0.0, 0.2], [0.1, 0.9, 0.3, 0.2, 0.0]])
    hits = np.array([[True, False, True, False, False], [True, *[False] * 4]])

    result = scores(similarity, hits, np.ones((1, 2)))

    assert result["precision"]["1"]["value"] == 0.5
    assert result["precision"]["5"]["value"] == pytest.approx(0.3)  # (2 + 1) / 2 / 5
    assert result["recall"]["5"]["value"] == 1
    assert result["precision_chance"]["1"] == pytest.approx(0.3)
    assert result["median_rank"] == 2.5  # first and fourth
    assert "10" not in result["recall"]


def test_chance_of_a_hit_is_hypergeometric():
    hits = np.zeros((1, 20), bool)
    hits[0, :3] = True

    assert _any_hit(hits, 5)[0] == pytest.approx(1 - comb(17, 5) / comb(20, 5))


def test_reports_of_one_study_or_of_one_text_are_hits(make_held_out, make_reading):
    readings = [
        make_reading(i, sick=False, sentences=[f"Sentence {min(i, 28)}."])
        for i in range(30)
    ]

    pairs = study_pairs(make_held_out(readings, shares=(0.0, 0.0, 1.0)))

    hits = pairs.hits()
    assert hits.diagonal().all()
    assert hits.sum() == 30 + 2  # the last two reports are the same text


def test_several_readings_of_a_study_are_one_candidate(make_held_out, make_reading):
    readings = [
        make_reading(i, sick=False, study=f"s{i // 2}", patient=f"p{i // 2}")
        for i in range(20)
    ]

    pairs = study_pairs(make_held_out(readings, shares=(0.0, 0.0, 1.0)))

    assert len(pairs.study) == 10


def test_a_model_that_tells_sick_from_healthy_beats_chance(make_held_out):
    result = retrieval(make_held_out(objective="clip")).figures

    assert result["precision_at_1"]["value"] == 1
    both = [result[way]["precision"]["1"]["value"] for way in WAYS]
    assert result["precision_at_1"]["value"] == np.mean(both)
    assert result["chance"] < 0.6
    assert result["examples"][0]["top"][0]["hit"]


def test_a_split_without_reports_is_refused(make_held_out, make_reading):
    from dataclasses import replace

    readings = [
        replace(make_reading(i, sick=False), report=None, tables={}) for i in range(9)
    ]

    with pytest.raises(InputError, match="retrieval needs 2"):
        retrieval(make_held_out(readings))
