import pytest
import torch

from training.encoders import make_text, make_vision
from training.model import ImageTextModel
from training.tokenizer import train_tokenizer

TEXTS = ["The heart is large.", "No effusion."]


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    tokenizer = train_tokenizer(TEXTS, 100)
    return ImageTextModel(
        make_vision("tiny-resnet", 64),
        make_text("tiny-bert", len(tokenizer), 16),
        tokenizer,
        joint_dim=8,
        image_size=64,
        text_max_tokens=16,
    ).eval()


def test_patches_and_images_are_unit_vectors_of_one_space(model):
    images = torch.randint(0, 256, (3, 64, 64), dtype=torch.uint8)

    features = model.encode_image(images)

    assert features.grid == model.grid == (4, 4)
    assert features.tokens.shape == (3, 16, 8)
    torch.testing.assert_close(features.tokens.norm(dim=2), torch.ones(3, 16))
    torch.testing.assert_close(features.pooled.norm(dim=1), torch.ones(3))
    torch.testing.assert_close(model.encode_text(TEXTS).norm(dim=1), torch.ones(2))


def test_bytes_and_floats_are_the_same_image(model):
    images = torch.randint(0, 256, (2, 64, 64), dtype=torch.uint8)

    as_float = model.encode_image(images.float() / 255)

    torch.testing.assert_close(as_float.pooled, model.encode_image(images).pooled)


def test_an_image_of_another_size_is_brought_to_its_size(model):
    small = torch.rand(1, 32, 32)

    features = model.encode_image(small.repeat_interleave(4, 1).repeat_interleave(4, 2))

    assert features.grid == (4, 4)


def test_the_vector_of_a_sentence_does_not_depend_on_its_neighbors(model):
    alone = model.encode_text(TEXTS[1:])

    torch.testing.assert_close(model.encode_text(TEXTS)[1:], alone)
    torch.testing.assert_close(model.encode_text(TEXTS, batch_size=1)[1:], alone)


def test_no_text_gives_no_vectors(model):
    assert model.encode_text([]).shape == (0, 8)


def test_a_text_that_is_too_long_is_cut(model):
    assert model.encode_text(["large " * 100]).shape == (1, 8)


def test_images_that_are_no_squares_are_refused(model):
    with pytest.raises(ValueError, match=r"shape \(b, s, s\)"):
        model.encode_image(torch.zeros(1, 64, 32))
