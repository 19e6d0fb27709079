import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from capture.errors import ConfigError, InputError
from training.evaluation.held_out import ImageVectors
from training.evaluation.zero_shot import cosines, probabilities, zero_shot
from training.text import PROMPTS, Prompt


def test_the_probability_is_the_softmax_of_the_two_prompts():
    unit = np.array([[1.0, 0.0]], np.float32)
    other = np.array([[0.0, 1.0]], np.float32)
    image = ImageVectors(tokens=unit[:, None], pooled=unit, grid=(1, 1))

    actual = probabilities(image, unit, other, "pooled")

    assert actual[0, 0] == pytest.approx(np.e / (np.e + 1))  # cosines 1 and 0


def test_patchmax_takes_the_best_patch():
    tokens = np.array([[[1, 0], [0, 1]]], np.float32)
    image = ImageVectors(tokens=tokens, pooled=tokens[:, 0], grid=(1, 2))
    text = np.array([[0, 1]], np.float32)

    assert cosines(image, text, "patchmax")[0, 0] == 1
    assert cosines(image, text, "pooled")[0, 0] == 0


def test_a_model_that_knows_scores_one(make_held_out):
    result = zero_shot(make_held_out()).figures

    found = result["variants"]["patchmax"]["findings"]["Pleural Effusion"]
    assert found["auroc"]["value"] == 1
    assert found["balanced_accuracy"]["value"] == 1
    assert result["macro_auroc"]["value"] == 1
    assert result["headline"] == "patchmax"


def test_the_headline_is_declared_by_objective(make_held_out):
    result = zero_shot(make_held_out(objective="clip")).figures

    assert result["headline"] == "pooled"


def test_auroc_equals_scikit_learn_on_noisy_vectors(make_held_out):
    held = make_held_out()
    rng = np.random.default_rng(3)
    held.images.pooled[:] += rng.normal(size=held.images.pooled.shape)
    held.images.pooled[:] /= np.linalg.norm(held.images.pooled, axis=1)[:, None]
    names = list(held.dataset.findings)
    truth = held.dataset.labels[held.rows, names.index("Pleural Effusion")]
    expected = roc_auc_score(truth, held.images.pooled @ [-1, 1])

    result = zero_shot(held).figures

    found = result["variants"]["pooled"]["findings"]["Pleural Effusion"]
    assert found["auroc"]["value"] == pytest.approx(expected, abs=1e-6)


def test_the_order_of_the_prompts_changes_no_score(make_held_out):
    held = make_held_out()
    turned = dict(reversed(PROMPTS.items()))

    a, b = (zero_shot(held, prompts).figures for prompts in (PROMPTS, turned))

    assert a["variants"] == b["variants"]


def test_findings_with_too_few_images_are_skipped_and_named(make_held_out):
    result = zero_shot(make_held_out()).figures

    assert "Edema" in result["skipped"]
    assert "0 positive" in result["skipped"]["Edema"]


def test_uncertain_labels_are_left_out(make_held_out, make_reading):
    readings = [make_reading(i, sick=i % 2 == 0) for i in range(40)]
    for reading in readings[:20]:
        reading.labels[reading.labels >= 0] = -1

    result = zero_shot(make_held_out(readings)).figures

    found = result["variants"]["pooled"]["findings"]["Pleural Effusion"]
    assert sum(found["confusion"].values()) < result["n_images"]


def test_a_model_that_says_always_the_same_is_warned_of(make_held_out, plain_towers):
    class Constant(plain_towers):
        def encode_image(self, images):
            return super().encode_image(np.zeros_like(images))

    result = zero_shot(make_held_out(towers=Constant())).figures

    found = result["variants"]["pooled"]["findings"]["Pleural Effusion"]
    assert found["warnings"] == ["more than 95 % of the images are called the same"]
    assert found["balanced_accuracy"]["value"] == 0.5
    assert found["constant_predictor"]["balanced_accuracy"] == 0.5
    assert found["positive_share"]["called"] in (0, 1)


def test_macro_f1_equals_scikit_learn(make_held_out):
    from sklearn.metrics import f1_score

    found = zero_shot(make_held_out()).figures["variants"]["pooled"]["findings"]

    for score in found.values():
        counts = score["confusion"]
        pairs = {"true_positive": (1, 1), "false_positive": (0, 1),
                 "false_negative": (1, 0), "true_negative": (0, 0)}  # fmt: skip
        table = [pair for name, pair in pairs.items() for _ in range(counts[name])]
        truth, called = zip(*table, strict=True)
        expected = f1_score(truth, called, average="macro", zero_division=0)
        assert score["macro_f1"] == pytest.approx(expected)
        constant = f1_score(truth, [max(set(truth), key=truth.count)] * len(truth),
                            average="macro", zero_division=0)  # fmt: skip
        assert score["constant_predictor"]["macro_f1"] == pytest.approx(constant)


def test_a_prompt_for_no_finding_is_refused(make_held_out):
    prompts = {"Plural Effusion": Prompt(positive=("a",), negative=("b",))}

    with pytest.raises(ConfigError, match="Plural Effusion"):
        zero_shot(make_held_out(), prompts)


def test_a_split_without_labels_is_refused(make_held_out, make_reading):
    from dataclasses import replace

    readings = [
        replace(
            make_reading(i, sick=False), label_source=0, labels=np.full(14, -2, "i1")
        )
        for i in range(20)
    ]

    with pytest.raises(InputError, match="no image of this split has labels"):
        zero_shot(make_held_out(readings))
