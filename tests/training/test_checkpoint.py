import json

import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from capture.errors import InputError, VersionError
from training.checkpoint import (
    load_checkpoint,
    load_model,
    save_checkpoint,
    save_model,
    write_json,
)
from training.encoders import make_text, make_vision
from training.model import ImageTextModel
from training.tokenizer import train_tokenizer


@pytest.fixture
def model():
    torch.manual_seed(0)
    tokenizer = train_tokenizer(["The heart is large.", "No effusion."], 100)
    return ImageTextModel(
        make_vision("tiny-resnet", 32),
        make_text("tiny-bert", len(tokenizer), 64),
        tokenizer,
        joint_dim=8,
        image_size=32,
    ).eval()


@pytest.fixture
def run(model, make_config, tmp_path):
    write_json(tmp_path / "config.json", make_config().to_json())
    save_model(tmp_path / "model", model, {"objective": "egma", "step": 7})
    return tmp_path


def test_a_saved_model_encodes_as_before(model, run):
    images = torch.randint(0, 256, (2, 32, 32), dtype=torch.uint8)

    loaded = load_model(run)

    again = loaded.model.encode_image(images)
    assert torch.equal(again.tokens, model.encode_image(images).tokens)
    text = ["The heart is large."]
    assert torch.equal(loaded.model.encode_text(text), model.encode_text(text))
    assert loaded.info["step"] == 7
    assert not loaded.model.training


def test_other_programs_load_both_encoders(model, run):
    vision = AutoModel.from_pretrained(run / "model" / "vision").eval()
    text = AutoModel.from_pretrained(run / "model" / "text", add_pooling_layer=False)
    tokenizer = AutoTokenizer.from_pretrained(run / "model" / "text")
    images = torch.rand(1, 32, 32)

    maps = vision(pixel_values=(images[:, None] - 0.5) / 0.25).last_hidden_state

    torch.testing.assert_close(maps.flatten(2).mT, model.vision(images).tokens)
    ids = tokenizer("no effusion", return_tensors="pt")
    hidden = text.eval()(**ids).last_hidden_state.mean(1)
    mask = ids["attention_mask"].bool()
    torch.testing.assert_close(hidden, model.text(ids["input_ids"], mask))


def test_nothing_is_pickled(run):
    names = {path.suffix for path in (run / "model").rglob("*") if path.is_file()}

    assert names == {".json", ".safetensors"}


def test_saving_again_replaces_the_whole_folder(model, run):
    (run / "model" / "stale").write_text("x")

    save_model(run / "model", model, {"step": 8})

    assert load_model(run).info["step"] == 8
    assert sorted(path.name for path in run.iterdir()) == ["config.json", "model"]
    assert not (run / "model" / "stale").exists()


def test_an_empty_folder_is_not_a_run(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_model(tmp_path)


def test_another_version_is_refused(run):
    path = run / "model" / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 2}))

    with pytest.raises(VersionError, match="radgaze-model version 2"):
        load_model(run)


def trained(seed, steps, folder=None):
    """A module after some steps; saved after the first two if a folder is given."""
    torch.manual_seed(seed)
    module = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.1, fused=True)
    first = 0
    if folder and folder.exists():
        first = load_checkpoint(folder, module, optimizer)["step"]
    for step in range(first, steps):
        optimizer.zero_grad()
        module(torch.full((1, 3), float(step))).pow(2).sum().backward()
        optimizer.step()
    return module, optimizer


def test_a_resumed_module_is_equal_to_the_bit(tmp_path):
    whole, _ = trained(0, 5)
    save_checkpoint(tmp_path / "last", *trained(0, 2), {"step": 2})

    resumed, _ = trained(1, 5, tmp_path / "last")

    assert torch.equal(whole.weight, resumed.weight)
    assert torch.equal(whole.bias, resumed.bias)


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    save_checkpoint(tmp_path / "last", *trained(0, 2), {"step": 2})
    other = torch.nn.Linear(4, 2)

    with pytest.raises(InputError, match="cannot resume"):
        load_checkpoint(tmp_path / "last", other, torch.optim.AdamW(other.parameters()))


def test_a_cut_checkpoint_is_refused(tmp_path):
    save_checkpoint(tmp_path / "last", *trained(0, 2), {"step": 2})
    path = tmp_path / "last" / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:20])

    with pytest.raises(InputError, match="cannot resume"):
        trained(0, 5, tmp_path / "last")


@pytest.mark.parametrize(
    "name",
    ["heads.safetensors", "vision/model.safetensors", "text/model.safetensors",
     "text/tokenizer.json"],
)  # fmt: skip
def test_a_cut_model_is_an_error_that_names_it(run, name):
    path = run / "model" / name
    path.write_bytes(path.read_bytes()[:40])

    with pytest.raises(InputError, match="model"):
        load_model(run)
