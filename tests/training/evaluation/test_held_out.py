import numpy as np
import pytest

from capture.errors import InputError, UnknownNameError
from training.evaluation.held_out import hold_out


def test_images_are_encoded_in_batches_in_the_order_of_the_rows(make_held_out):
    held = make_held_out()

    sick = held.dataset.image_batch(held.rows)[:, 0, 0] > 127
    np.testing.assert_array_equal(held.images.pooled[:, 1] == 1, sick)
    assert held.images.tokens.shape == (len(held.rows), 16, 2)


def test_each_different_text_is_embedded_once(make_held_out, plain_towers):
    class Counting(plain_towers):
        seen = 0

        def encode_text(self, texts):
            self.seen += len(texts)
            return super().encode_text(texts)

    towers = Counting()
    held = make_held_out(towers=towers)

    vectors = held.embed(["pleural effusion", "clear", "pleural effusion"])

    assert towers.seen == 2
    np.testing.assert_array_equal(vectors, [[0, 1], [1, 0], [0, 1]])


def test_an_unknown_split_is_named(make_dataset, plain_towers):
    with pytest.raises(UnknownNameError, match="no split named 'tset'"):
        hold_out(plain_towers(), make_dataset(), objective="egma", split="tset")


def test_an_empty_split_is_refused(make_dataset, plain_towers):
    data = make_dataset(shares=(1.0, 0.0, 0.0))

    with pytest.raises(InputError, match="the split 'test' holds no reading"):
        hold_out(plain_towers(), data, objective="egma", split="test")
