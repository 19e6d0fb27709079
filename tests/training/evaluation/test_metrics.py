import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    roc_auc_score,
)

from training.evaluation import metrics

ONES = np.ones((1, 4))


def test_auroc_counts_the_pairs_ordered_rightly():
    scores = np.array([0.1, 0.4, 0.35, 0.8])
    truth = np.array([False, False, True, True])

    actual = metrics.auroc(scores, truth, ONES)

    assert actual[0] == 0.75  # of 2 x 2 pairs only (0.35, 0.4) is wrong


def test_equal_scores_are_worth_half_a_pair():
    truth = np.array([False, True, False, True])

    actual = metrics.auroc(np.zeros(4), truth, ONES)

    assert actual[0] == 0.5


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 3)),
        min_size=2,
        max_size=40,
    )
)
def test_scores_equal_those_of_scikit_learn_under_any_weights(items):
    scores = np.array([score for score, _, _ in items]) / 5
    truth = np.array([positive for _, positive, _ in items])
    weight = np.array([[w for _, _, w in items]], dtype=float)
    if not (weight[0][truth].sum() and weight[0][~truth].sum()):
        return
    called = (scores >= 0.5).astype(float)
    kept = weight[0] > 0

    area = metrics.auroc(scores, truth, weight)[0]
    precision = metrics.average_precision(scores, truth, weight)[0]
    balanced = metrics.balanced_accuracy(called, truth, weight)[0]

    y, w = truth[kept], weight[0][kept]
    assert area == pytest.approx(roc_auc_score(y, scores[kept], sample_weight=w))
    assert precision == pytest.approx(
        average_precision_score(y, scores[kept], sample_weight=w)
    )
    assert balanced == pytest.approx(
        balanced_accuracy_score(y, called[kept], sample_weight=w)
    )


def test_chunks_of_resamples_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    scores, truth = rng.random(30), rng.random(30) > 0.5
    weights = metrics.patient_weights([f"p{i // 2}" for i in range(30)], 20)
    whole = metrics.auroc(scores, truth, weights)

    monkeypatch.setattr(metrics, "_CHUNK_CELLS", 60)
    chunked = metrics.auroc(scores, truth, weights)

    np.testing.assert_array_equal(chunked, whole)


def test_all_items_of_a_patient_are_drawn_together():
    weights = metrics.patient_weights(["a", "b", "a", "c"], 100, seed=1)

    np.testing.assert_array_equal(weights[:, 0], weights[:, 2])
    np.testing.assert_array_equal(weights[:, [0, 1, 3]].sum(axis=1), 3)
    assert (weights[0] == 1).all()


def test_the_interval_covers_the_mean_of_known_data_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(200):
        values = rng.normal(size=60)
        weights = metrics.patient_weights([str(i) for i in range(60)], 300, trial)
        found = metrics.estimate(metrics.mean(values, weights))
        covered += found.low <= 0 <= found.high

    assert 0.89 <= covered / 200 <= 0.99


def test_a_mean_leaves_out_what_is_unknown():
    values = np.array([1.0, np.nan, 3.0, np.nan])

    assert metrics.mean(values, ONES)[0] == 2


def test_a_macro_mean_leaves_out_classes_that_a_resample_lacks():
    columns = [np.array([0.5, np.nan]), np.array([0.7, 0.9])]

    np.testing.assert_allclose(metrics.macro(columns), [0.6, 0.9])


def test_an_undefined_number_is_null_in_a_result():
    found = metrics.estimate(np.array([np.nan, np.nan]))

    assert found.as_json() == {"value": None, "low": None, "high": None}


def test_nothing_to_resample_is_a_mistake():
    with pytest.raises(ValueError, match="no items"):
        metrics.patient_weights([])


def test_models_are_compared_on_the_same_resamples():
    a, b = np.array([0.8, 0.7, 0.9]), np.array([0.5, 0.4, 0.6])

    found = metrics.paired_difference(a, b)

    assert found.value == pytest.approx(0.3)
    assert found.low == pytest.approx(found.high)  # the difference never varies


def test_models_on_different_resamples_are_not_compared():
    with pytest.raises(ValueError, match="resamples differ"):
        metrics.paired_difference(np.zeros(3), np.zeros(4))
