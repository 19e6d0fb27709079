import json
import os
import subprocess
import sys

import pytest
import torch
from transformers import (
    BertConfig,
    BertModel,
    ConvNextConfig,
    ConvNextModel,
    Dinov2Config,
    Dinov2Model,
    ResNetConfig,
    ResNetModel,
    SwinConfig,
    SwinModel,
    ViTConfig,
    ViTModel,
)

from capture.errors import InputError
from training.encoders import TextEncoder, make_text, make_vision, save_pretrained

SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
}
MODELS = {
    "vit": lambda: ViTModel(ViTConfig(image_size=32, patch_size=8, **SMALL)),
    "dinov2": lambda: Dinov2Model(Dinov2Config(image_size=32, patch_size=8, **SMALL)),
    "swin": lambda: SwinModel(
        SwinConfig(
            image_size=32,
            patch_size=4,
            embed_dim=8,
            depths=[1, 1],
            num_heads=[1, 2],
            window_size=4,
        )
    ),
    "resnet": lambda: ResNetModel(
        ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1])
    ),
    "convnext": lambda: ConvNextModel(
        ConvNextConfig(hidden_sizes=[8, 8, 8, 16], depths=[1, 1, 1, 1])
    ),
}


@pytest.fixture
def saved(tmp_path):
    def save(kind):
        torch.manual_seed(0)
        save_pretrained(MODELS[kind](), tmp_path / kind)
        return str(tmp_path / kind)

    return save


@pytest.mark.parametrize(
    ("kind", "side", "grid"),
    [
        ("vit", 32, (4, 4)),
        ("vit", 64, (8, 8)),
        ("dinov2", 48, (6, 6)),
        ("swin", 64, (8, 8)),
        ("resnet", 64, (8, 8)),
        ("convnext", 64, (2, 2)),
    ],
)
def test_any_saved_model_gives_a_grid_of_patches(saved, kind, side, grid):
    encoder = make_vision(saved(kind), side)

    features = encoder(torch.rand(3, side, side))

    assert features.grid == grid
    assert features.tokens.shape == (3, grid[0] * grid[1], 16)
    torch.testing.assert_close(features.pooled, features.tokens.mean(1))


@pytest.mark.parametrize("name", ["tiny-resnet", "tiny-vit", "tiny-swin"])
def test_built_in_encoders_work_at_any_size(name):
    encoder = make_vision(name, 64).eval()

    small, large = (encoder(torch.rand(2, side, side)) for side in (64, 96))

    assert small.tokens.shape[1] == small.grid[0] * small.grid[1]
    assert large.grid[0] > small.grid[0]
    assert sum(p.numel() for p in encoder.parameters()) < 4_000_000


@pytest.mark.parametrize("kind", ["vit", "resnet"])
def test_a_patch_is_where_the_image_changed(saved, kind):
    encoder = make_vision(saved(kind), 64).eval()
    blank = torch.zeros(1, 64, 64)
    marked = blank.clone()
    marked[0, 4:10, 50:60] = 1  # top right

    change = encoder(marked).tokens - encoder(blank).tokens

    size = change[0].norm(dim=1).view(8, 8)
    row, column = divmod(int(size.argmax()), 8)
    assert row in (0, 1)
    assert column in (6, 7)


def test_the_class_token_is_used_when_asked_for(saved):
    folder = saved("vit")
    images = torch.rand(2, 32, 32)

    mean, cls = (make_vision(folder, 32, pool).eval()(images) for pool in MEAN_CLS)

    torch.testing.assert_close(mean.tokens, cls.tokens)
    assert not torch.allclose(mean.pooled, cls.pooled)


MEAN_CLS = ("mean", "cls")


def test_every_parameter_gets_a_gradient(saved):
    encoder = make_vision(saved("vit"), 32)

    encoder(torch.rand(2, 32, 32)).tokens[:, ::2].pow(3).sum().backward()

    without = [n for n, p in encoder.named_parameters() if p.grad is None]
    assert without == []


def test_the_saved_normalization_is_used(saved, tmp_path):
    folder = saved("resnet")
    values = {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.5, 0.5, 0.5]}
    (tmp_path / "resnet" / "preprocessor_config.json").write_text(json.dumps(values))

    encoder = make_vision(folder, 32)

    torch.testing.assert_close(encoder.mean.flatten(), torch.tensor([0.1, 0.2, 0.3]))
    torch.testing.assert_close(encoder.std.flatten(), torch.full((3,), 0.5))


def test_a_text_vector_does_not_depend_on_padding(tmp_path):
    model = BertModel(BertConfig(vocab_size=30, **SMALL))
    save_pretrained(model, tmp_path / "bert")
    encoder = make_text(str(tmp_path / "bert"), 0, 0).eval()
    ids = torch.tensor([[2, 5, 6, 3]])
    padded = torch.tensor([[2, 5, 6, 3, 0, 0], [2, 7, 8, 9, 9, 3]])

    alone = encoder(ids, torch.ones(1, 4, dtype=torch.bool))
    together = encoder(padded, padded != 0)

    torch.testing.assert_close(alone[0], together[0])


def test_pooling_layers_that_nothing_reads_are_dropped():
    encoder = TextEncoder(BertModel(BertConfig(vocab_size=30, **SMALL)))

    assert not [name for name, _ in encoder.named_parameters() if "pooler" in name]


def test_a_folder_without_a_model_is_an_error_that_names_it(tmp_path):
    with pytest.raises(InputError, match="cannot load this image encoder") as error:
        make_vision(str(tmp_path), 32)

    assert str(tmp_path) in str(error.value)
    assert "tiny-resnet" in str(error.value)


def test_without_a_network_a_hub_name_is_refused_at_once(monkeypatch):
    # nobody listens there, so that it is the same with and without a network
    code = (
        "import time; from training.encoders import load_pretrained\n"
        "from capture.errors import InputError\n"
        "begin_s = time.monotonic()\n"
        "try: load_pretrained('nobody/nothing', 'image encoder')\n"
        "except InputError as error: print(error)\n"
        "assert time.monotonic() - begin_s < 25"
    )
    quiet = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    quiet |= {"HF_ENDPOINT": "http://127.0.0.1:9"}

    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=quiet
    )

    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith("nobody/nothing: cannot load this image encoder")
    assert "Retrying" not in found.stderr
