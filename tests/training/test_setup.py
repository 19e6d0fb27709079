import pytest
import torch
from transformers import BertConfig, BertModel

from capture.errors import InputError
from training.encoders import save_pretrained
from training.objectives import make_objective
from training.setup import build_model, build_optimizer
from training.step import TrainStep
from training.tokenizer import train_tokenizer


@pytest.fixture
def make_step(make_dataset, make_config):
    def make(**settings):
        config = make_config(**settings)
        model = build_model(config, make_dataset(8))
        return config, TrainStep(model, make_objective(config))

    return make


def test_every_parameter_is_optimized_once(make_step):
    config, step = make_step()

    groups = build_optimizer(config, step).param_groups

    ids = [id(p) for group in groups for p in group["params"]]
    assert sorted(ids) == sorted(id(p) for p in step.parameters())


def test_vectors_are_not_decayed_and_encoders_have_their_own_pace(make_step):
    config, step = make_step(pretrained_learning_rate_factor=0.1, weight_decay=0.3)

    groups = build_optimizer(config, step).param_groups

    for group in groups:
        vector = all(p.ndim == 1 for p in group["params"])
        assert group["weight_decay"] == (0.0 if vector else 0.3)
    heads = id(step.model.image_projection.weight)
    paces = {
        any(id(p) == heads for p in group["params"]): group["lr"] for group in groups
    }
    assert paces[True] == pytest.approx(config.learning_rate)
    assert min(group["lr"] for group in groups) == pytest.approx(
        0.1 * config.learning_rate
    )


def test_the_seed_fixes_the_first_weights(make_step):
    first = []
    for _ in range(2):
        torch.manual_seed(3)
        first.append(make_step()[1].model.image_projection.weight)

    assert torch.equal(*first)


def test_a_saved_text_encoder_brings_its_tokenizer(make_step, tmp_path):
    tokenizer = train_tokenizer(["the heart is large", "no effusion"], 60)
    shape = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
    )
    save_pretrained(BertModel(shape), tmp_path / "bert")
    tokenizer.save_pretrained(tmp_path / "bert")

    _, step = make_step(text=str(tmp_path / "bert"))

    assert step.model.encode_text(["no heart"]).shape == (1, 16)
    assert step.model.tokenizer.get_vocab() == tokenizer.get_vocab()


def test_a_text_encoder_that_is_not_there_is_named(make_step, tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        make_step(text=str(tmp_path / "nowhere"))
