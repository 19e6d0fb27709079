import math

import pytest
import torch
from torch.nn.functional import cross_entropy, logsigmoid

from training.config import ClipConfig
from training.objectives.clip import Clip, symmetric


@pytest.fixture
def one_text(make_batch):
    def make(**options):
        return make_batch(counts=[1] * options.get("b", 4), **options)

    return make


def reference_clip(images, texts, study, scale):
    # both softmaxes, one image at a time; a study's readings share the target
    z = (scale * images @ texts.T).float()
    total = 0.0
    for i in range(len(z)):
        own = study == study[i]
        total -= torch.log(z[i, own].exp() / z[i].exp().sum()).mean()
        total -= torch.log(z[own, i].exp() / z[:, i].exp().sum()).mean()
    return total / (2 * len(z))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_loss_equals_the_published_equation(one_text, seed):
    batch = one_text(seed=seed, study=torch.tensor([0, 1, 0, 2]))
    objective = Clip()
    expected = reference_clip(
        batch["pooled"], batch["texts"][:, 0], batch["study"], objective.scale.detach()
    )

    actual = objective(batch)["loss"]

    torch.testing.assert_close(actual, expected)


def test_one_reading_a_study_is_plain_cross_entropy(one_text):
    batch = one_text()
    objective = Clip()
    own = torch.arange(4)
    logits = objective.scale * (batch["pooled"] @ batch["texts"][:, 0].T).float()

    actual = objective(batch)["loss"]

    expected = (cross_entropy(logits, own) + cross_entropy(logits.T, own)) / 2
    torch.testing.assert_close(actual, expected)


@pytest.mark.parametrize("loss", ["infonce", "siglip"])
def test_gradient_reaches_images_texts_and_temperatures(one_text, loss):
    objective = Clip(ClipConfig(loss=loss))
    batch = one_text()
    for name in ("pooled", "texts"):
        batch[name].requires_grad_()

    objective(batch)["loss"].backward()

    for value in (batch["pooled"], batch["texts"], *objective.parameters()):
        assert value.grad.isfinite().all()
        assert value.grad.abs().sum() > 0


def test_a_batch_of_one_is_refused(one_text):
    with pytest.raises(ValueError, match="at least 2 images, got 1"):
        Clip()(one_text(b=1))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_processor_and_gpu_agree(one_text):
    batch = one_text()
    there = {name: value.cuda() for name, value in batch.items()}

    actual = Clip().cuda()(there)["loss"].cpu()

    torch.testing.assert_close(actual, Clip()(batch)["loss"])


def test_two_copies_of_a_study_are_not_pushed_apart(one_text):
    logits = torch.full((2, 2), 3.0, requires_grad=True)
    positives = torch.ones(2, 2, dtype=torch.bool)

    symmetric(logits, positives, torch.ones(2, dtype=torch.bool)).backward()

    torch.testing.assert_close(logits.grad, torch.zeros(2, 2))


def test_an_image_without_text_takes_no_part(one_text):
    batch = one_text()
    batch["text_mask"][1] = False
    alone = {name: value[[0, 2, 3]] for name, value in batch.items()}
    batch["pooled"].requires_grad_()

    terms = Clip()(batch)
    terms["loss"].backward()

    assert terms["images_with_text"] == 3
    torch.testing.assert_close(terms["loss"], Clip()(alone)["loss"])
    assert batch["pooled"].grad.isfinite().all()
    assert (batch["pooled"].grad[1] == 0).all()


def test_a_batch_without_text_has_no_loss_and_no_nan(one_text):
    batch = one_text()
    batch["text_mask"][:] = False
    batch["pooled"].requires_grad_()

    loss = Clip()(batch)["loss"]
    loss.backward()

    assert loss == 0
    assert (batch["pooled"].grad == 0).all()


def test_siglip_equals_the_published_equation(one_text):
    batch = one_text()
    objective = Clip(ClipConfig(loss="siglip"))
    expected = 0.0
    for i in range(4):
        for j in range(4):
            cosine = (batch["pooled"][i] @ batch["texts"][j, 0]).item()
            sign = 1 if i == j else -1
            logit = torch.tensor(sign * (10.0 * cosine - 10))
            expected -= logsigmoid(logit).item() / 4

    actual = objective(batch)["loss"]

    assert actual.item() == pytest.approx(expected, abs=1e-5)


def test_equal_similarities_cost_the_logarithm_of_the_batch():
    own = torch.eye(4, dtype=torch.bool)

    actual = symmetric(torch.zeros(4, 4), own, torch.ones(4, dtype=torch.bool))

    assert actual.item() == pytest.approx(math.log(4))
