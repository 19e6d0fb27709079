import math
from itertools import product

import pytest
import torch
from torch.nn.functional import normalize

from training.config import EgmaConfig
from training.objectives.contrastive import info_nce
from training.objectives.egma import (
    Egma,
    above_floor,
    cross_mapping,
    filip_logits,
    gaze_alignment,
    mapping_weights,
    mass_labels,
    multilabel_loss,
)


def close(actual, expected, atol=1e-6):
    torch.testing.assert_close(
        actual, torch.as_tensor(expected, dtype=actual.dtype), atol=atol, rtol=0
    )


def diagonal(b):
    return torch.eye(b, dtype=torch.bool), torch.ones(b, dtype=torch.bool)


# Values below were taken on the same inputs from MoMarky/EGMA, commit bde6fac
# (egma/modeling_egma.py), and from the printed equations, in float64.


def test_fine_grained_contrast_has_the_published_values(published):
    by_patch, by_text = filip_logits(
        published["patches"], published["texts"], published["text_mask"]
    )
    a = published["scale"]

    image_loss = info_nce(a * by_patch, *diagonal(4))
    transposed = info_nce(a * by_text.T, *diagonal(4))

    close(image_loss, 1.406847)
    close(info_nce(a * by_text, *diagonal(4)), 2.699002)
    close(transposed, 2.718045)
    close((image_loss + transposed) / 2, 2.062446)


def test_official_contrast_has_the_released_value(published):
    by_patch, by_text = filip_logits(
        published["patches"],
        published["texts"],
        published["text_mask"],
        zeros_count=True,
    )
    a = published["scale"]

    actual = info_nce(a * by_patch, *diagonal(4)) + info_nce(a * by_text, *diagonal(4))

    close(actual / 2, 2.053300)


@pytest.mark.parametrize(
    ("factor", "alpha", "divisor", "expected"),
    [(1 / 0.07, 0.8, 3, 5.307577), (1.0, 0.5, 4, 2.908232)],
)
def test_gaze_alignment_has_the_published_values(
    published, factor, alpha, divisor, expected
):
    own = torch.einsum("bnd,bmd->bmn", published["patches"], published["texts"])
    seen = published["has_gaze"]
    labels = (published["gaze_grid"] > 0) & seen[..., None]

    total, images = gaze_alignment(
        factor * own, labels, seen, alpha=alpha, skip_unseen_patches=False
    )

    assert images == 3
    close(total / divisor, expected)


def test_cross_mapping_has_the_published_value(published):
    first = [published[name][:1] for name in ("patches", "texts", "text_mask")]

    actual, images = cross_mapping(
        *first, published["gaze_grid"][:1], torch.tensor([published["scale"]])
    )

    assert images == 1
    close(actual, 2.445911)


def test_positive_cells_of_the_published_maps(published):
    rows = published["gaze_grid"][published["text_mask"]]

    assert (rows > 0).sum(1).tolist() == [8, 9, 16, 15, 16, 18, 16, 17, 16, 12, 9]


def test_multilabel_loss_matches_hand_calculation():
    # log(1 + e^-1 + e^.5) + log(1 + e^-2)
    expected = math.log(1 + math.exp(-1) + math.exp(0.5)) + math.log(1 + math.exp(-2))
    labels = torch.tensor([True, False, False])

    actual = multilabel_loss(
        torch.tensor([2.0, -1, 0.5]), labels, torch.ones(3, dtype=torch.bool)
    )

    assert expected == pytest.approx(1.23106, abs=1e-5)
    close(actual, expected)


def reference_filip(patches, texts, counts):
    # Eq. 1-3, one image and one report at a time
    b = len(patches)
    by_patch, by_text = torch.zeros(2, b, b, dtype=torch.float64)
    for k, j in product(range(b), range(b)):
        table = patches[k] @ texts[j, : counts[j]].T
        by_patch[k, j] = table.max(1).values.mean()
        by_text[k, j] = table.max(0).values.mean()
    return by_patch, by_text


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_contrast_equals_the_published_equation(make_batch, seed):
    batch = make_batch(seed=seed)
    counts = batch["text_mask"].sum(1).tolist()
    expected = reference_filip(batch["patches"], batch["texts"], counts)

    actual = filip_logits(batch["patches"], batch["texts"], batch["text_mask"])

    torch.testing.assert_close(actual, expected)


def reference_alignment(scores, labels, usable, alpha):
    total, images = 0.0, 0
    for own, label, use in zip(scores, labels, usable, strict=True):
        if not use.any():
            continue
        own, label = own[use], label[use]
        one = [
            torch.log1p(row[~y].exp().sum()) + torch.log1p((-row[y]).exp().sum())
            for row, y in zip(own, label, strict=True)
        ]
        other = [
            torch.log1p(row[~y].exp().sum()) + torch.log1p((-row[y]).exp().sum())
            for row, y in zip(own.T, label.T, strict=True)
            if y.any()
        ]
        total += alpha * sum(one) / len(one) + (1 - alpha) * sum(other) / len(other)
        images += 1
    return total, images


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_alignment_equals_the_published_equation(make_batch, seed):
    batch = make_batch(seed=seed)
    own = 5 * torch.einsum("bnd,bmd->bmn", batch["patches"], batch["texts"])
    labels = mass_labels(batch["gaze_grid"]) & batch["has_gaze"][..., None]
    expected, images = reference_alignment(own, labels, batch["has_gaze"], 0.3)

    actual, count = gaze_alignment(own, labels, batch["has_gaze"], alpha=0.3)

    assert count == images == 3
    torch.testing.assert_close(actual, expected)


def reference_mapping(patches, texts, mask, gaze, scale):
    # Eq. 7-8, one image at a time
    losses = []
    for p, s, has, g in zip(patches, texts, mask, gaze, strict=True):
        s, g = s[has], g[has]
        if len(s) < 2:
            continue
        peak = g.max(1, keepdim=True).values
        g = torch.where(peak > 0, g / peak.clamp(min=1e-300), 0)

        def weights(table, dwell):
            low, high = table.min(1, keepdim=True), table.max(1, keepdim=True)
            scaled = (table - low.values) / (high.values - low.values)
            raw = (scaled >= 2 / 7).double() + dwell
            return raw / raw.sum(1, keepdim=True)

        def symmetric(x, y):
            z = scale * normalize(x, dim=1) @ y.T
            own = torch.arange(len(z))
            cross = torch.nn.functional.cross_entropy
            return (cross(z, own) + cross(z.T, own)) / 2

        text = symmetric(weights(s @ p.T, g) @ p, s)
        image = symmetric(weights(p @ s.T, g.T) @ s, p)
        losses.append((text + image) / 2)
    return torch.stack(losses).mean()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_mapping_equals_the_published_equation(make_batch, seed):
    batch = make_batch(seed=seed)
    names = ("patches", "texts", "text_mask", "gaze_grid")
    args = [batch[name] for name in names]

    actual, images = cross_mapping(*args, torch.tensor([7.0]))

    assert images == 3
    torch.testing.assert_close(actual, reference_mapping(*args, 7.0))


def test_one_patch_and_one_sentence_is_plain_contrast(make_batch):
    batch = make_batch(n=1, counts=[1, 1, 1, 1])
    objective = Egma()
    cosine = batch["patches"][:, 0].float() @ batch["texts"][:, 0].float().T
    logits, own = objective.scale * cosine, torch.arange(4)

    terms = objective(batch)

    cross = torch.nn.functional.cross_entropy
    expected = (cross(logits, own) + cross(logits.T, own)) / 2
    torch.testing.assert_close(terms["contrast"], expected)


def test_text_to_image_loss_is_the_image_loss_with_the_sides_swapped(make_batch):
    batch = make_batch(counts=[3, 3, 3, 3])
    _, by_text = filip_logits(batch["patches"], batch["texts"], batch["text_mask"])
    everything = torch.ones(4, 9, dtype=torch.bool)
    swapped, _ = filip_logits(batch["texts"], batch["patches"], everything)

    transposed = info_nce(5 * by_text.T, *diagonal(4))

    torch.testing.assert_close(transposed, info_nce(5 * swapped, *diagonal(4)))
    assert not torch.isclose(transposed, info_nce(5 * by_text, *diagonal(4)))


@pytest.mark.parametrize("mode", ["default", "paper", "official"])
def test_gradient_reaches_patches_texts_and_scale(make_batch, mode):
    objective = Egma(EgmaConfig(mode=mode))
    batch = make_batch()
    for name in ("patches", "texts"):
        batch[name].requires_grad_()

    objective(batch)["loss"].backward()

    for value in (batch["patches"], batch["texts"], objective.logit_scale):
        assert value.grad.isfinite().all()
        assert value.grad.abs().sum() > 0
    assert (batch["patches"].grad.abs().sum((1, 2)) > 0).all()


def test_a_batch_of_one_is_refused(make_batch):
    with pytest.raises(ValueError, match="at least 2 images, got 1"):
        Egma()(make_batch(b=1))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_processor_and_gpu_agree(make_batch):
    batch = make_batch()
    there = {name: value.cuda() for name, value in batch.items()}

    actual = Egma().cuda()(there)["loss"].cpu()

    torch.testing.assert_close(actual, Egma()(batch)["loss"])


@pytest.mark.parametrize("mode", ["default", "paper"])
def test_more_padding_changes_nothing(make_batch, mode):
    batch = make_batch()
    wider = dict(batch)
    for name in ("texts", "text_mask", "gaze_grid", "has_gaze"):
        extra = torch.zeros_like(batch[name][:, :2])
        if name in ("texts", "gaze_grid"):
            extra = extra + 3
        wider[name] = torch.cat([batch[name], extra], 1)
    objective = Egma(EgmaConfig(mode=mode))

    terms = objective(wider)

    for name, value in objective(batch).items():
        torch.testing.assert_close(terms[name], value)


def test_a_batch_without_any_gaze_trains(make_batch):
    batch = make_batch()
    batch["has_gaze"] = torch.zeros_like(batch["has_gaze"])
    batch["patches"].requires_grad_()

    terms = Egma()(batch)
    terms["loss"].backward()

    assert terms["alignment"] == 0
    assert terms["gaze_images"] == terms["gaze_sentences"] == 0
    assert batch["patches"].grad.isfinite().all()


def test_zero_gaze_equals_no_gaze(make_batch):
    batch = make_batch()
    blank = torch.zeros_like(batch["gaze_grid"])
    none = torch.zeros_like(batch["has_gaze"])

    zero = Egma()(batch | {"gaze_grid": blank})

    torch.testing.assert_close(zero, Egma()(batch | {"has_gaze": none}))


def test_gaze_of_a_row_that_is_not_usable_does_not_matter(make_batch):
    batch = make_batch()
    batch["has_gaze"][0, 2] = False
    altered = batch["gaze_grid"].clone()
    altered[0, 2] = 1.0

    actual = Egma()(batch | {"gaze_grid": altered})["loss"]

    torch.testing.assert_close(actual, Egma()(batch)["loss"])


def test_with_default_settings_gaze_alters_the_loss(make_batch):
    batch = make_batch()
    moved = batch["gaze_grid"].roll(3, dims=2)

    actual = Egma()(batch | {"gaze_grid": moved})

    assert not torch.isclose(actual["alignment"], Egma()(batch)["alignment"])
    assert not torch.isclose(actual["mapping"], Egma()(batch)["mapping"])


def test_one_sentence_reports_have_no_mapping(make_batch):
    terms = Egma()(make_batch(counts=[1, 1, 1, 1]))

    assert terms["mapping"] == 0
    assert terms["mapped_images"] == 0
    assert terms["loss"].isfinite()


def test_an_image_without_sentences_takes_no_part(make_batch):
    batch = make_batch()
    batch["text_mask"][2] = False
    others = [0, 1, 3]
    alone = {name: value[others] for name, value in batch.items()}
    batch["patches"].requires_grad_()

    terms = Egma()(batch)
    terms["loss"].backward()

    torch.testing.assert_close(terms["loss"], Egma()(alone)["loss"])
    assert batch["patches"].grad.isfinite().all()
    assert (batch["patches"].grad[2] == 0).all()


def test_identical_patches_give_no_nan(make_batch):
    batch = make_batch()
    batch["patches"] = batch["patches"][:, :1].repeat(1, 9, 1).requires_grad_()

    loss = Egma()(batch)["loss"]
    loss.backward()

    assert loss.isfinite()
    assert batch["patches"].grad.isfinite().all()


def test_inputs_are_left_as_they_were(make_batch):
    batch = make_batch()
    before = {name: value.clone() for name, value in batch.items()}

    Egma()(batch)

    for name, value in batch.items():
        assert torch.equal(value, before[name])


def test_mapping_weights_sum_to_one_over_what_counts(make_batch):
    batch = make_batch()
    similarity = torch.einsum("bmd,bnd->bmn", batch["texts"], batch["patches"])
    counted = batch["text_mask"][:, :, None].expand_as(similarity)

    weights = mapping_weights(similarity.mT, batch["gaze_grid"].mT, counted.mT, 2 / 7)

    assert weights.shape == (4, 9, 5)
    torch.testing.assert_close(weights.sum(2), torch.ones(4, 9).double())
    assert (weights.masked_select(~counted.mT) == 0).all()


def test_a_second_reading_of_a_study_is_no_negative(make_batch):
    batch = make_batch(b=2, counts=[2, 2])
    for name in ("patches", "texts", "text_mask"):
        batch[name][1] = batch[name][0]
    batch["study"] = torch.tensor([7, 7])

    terms = Egma()(batch)

    # both reports fit both images equally: nothing is left to gain
    close(terms["contrast"], math.log(2))


def test_mass_labels_are_the_smallest_set_that_holds_the_share():
    gaze = torch.tensor([[0.1, 0.5, 0.0, 0.3, 0.1], [0.0] * 5, [1.0, 0, 0, 0, 0]])

    actual = mass_labels(gaze, 0.8)

    assert actual.tolist() == [
        [False, True, False, True, False],  # .5 + .3 = .8
        [False] * 5,
        [True, False, False, False, False],
    ]


def test_labels_do_not_depend_on_the_unit_of_dwell(make_batch):
    gaze = make_batch()["gaze_grid"]

    assert torch.equal(mass_labels(gaze), mass_labels(1000 * gaze))
    assert torch.equal(above_floor(gaze), above_floor(1000 * gaze))


def test_a_row_looked_at_nearly_everywhere_is_dropped(make_batch):
    batch = make_batch()
    batch["gaze_grid"][0, 0] = 1.0  # 8 of 9 cells hold 80 %

    assert Egma()(batch)["gaze_sentences"] == Egma()(make_batch())["gaze_sentences"] - 1


def test_the_settings_of_each_mode_differ_in_the_loss(make_batch):
    batch = make_batch()
    modes = ("default", "paper", "official")

    losses = {Egma(EgmaConfig(mode=mode))(batch)["loss"].item() for mode in modes}

    assert len(losses) == 3


def test_the_scale_stays_between_one_and_a_hundred():
    objective = Egma()
    with torch.no_grad():
        objective.logit_scale.fill_(9.0)

    objective.clamp()

    assert objective.logit_scale.shape == (1,)
    assert objective.scale.item() == pytest.approx(100.0)


@pytest.mark.parametrize(
    "field", ["mass", "sparsity", "sentence_weight", "contrast_weight", "gaze_weight",
              "mapping_weight", "most_cells"],
)  # fmt: skip
def test_every_number_of_the_loss_is_a_setting(make_batch, field):
    batch = make_batch()
    usual = Egma()(batch)["loss"]

    changed = Egma(EgmaConfig(**{field: 0.05}))(batch)["loss"]

    assert not torch.isclose(usual, changed)
