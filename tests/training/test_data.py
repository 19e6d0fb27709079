import numpy as np
import pytest
import torch

from capture.errors import ConfigError
from training.data import TrainingData, report_texts, training_texts
from training.tokenizer import train_tokenizer


@pytest.fixture
def make_data(make_dataset, make_config):
    def make(split="train", unit="sentences", dataset=None, count=24, **settings):
        dataset = dataset or make_dataset(count)
        tokenizer = train_tokenizer(training_texts(dataset), 200)
        return TrainingData(dataset, split, tokenizer, make_config(**settings), unit)

    return make


def test_a_batch_holds_what_the_data_set_holds(make_data):
    data = make_data()

    batch = data.batch([3, 0, 5])

    rows = data.rows[[3, 0, 5]]
    assert batch.rows == tuple(rows)
    np.testing.assert_array_equal(batch.images, data.dataset.image_batch(rows))
    assert batch.text_mask.tolist() == [[True] * 3] * 3


def test_each_text_is_encoded_once_however_many_share_it(make_data):
    batch = make_data().batch([0, 1, 2, 3])

    assert len(batch.token_ids) == 3
    assert batch.text_index.shape == (4, 3)
    assert (batch.text_index == batch.text_index[0]).all()


def test_padding_is_no_wider_than_the_longest_text(make_data):
    batch = make_data().batch([0, 1])

    assert batch.token_mask.any(0).all()
    assert (batch.token_ids[~batch.token_mask] == 0).all()


def test_fixations_belong_to_their_sentence(make_data):
    data = make_data()
    with_gaze = np.isin(data.rows, data.gaze_rows)
    reader, image_only = with_gaze.argmax(), (~with_gaze).argmax()

    batch = data.batch([image_only, reader])

    # two of three sentences have three fixations each; the other image has none
    assert batch.has_gaze.tolist() == [[False] * 3, [True, True, False]]
    assert batch.fixation_image.tolist() == [1] * 6
    assert batch.fixation_text.tolist() == [3, 3, 3, 4, 4, 4]
    assert batch.dwell_s.tolist() == pytest.approx([0.1] * 6)
    first, x = data.dataset.ragged("fixations", "x")[::-1]
    own = x[first[batch.rows[1]] :][:6]
    # the image fills the middle three quarters of the square
    np.testing.assert_allclose(batch.xy[:, 0], 0.125 + 0.75 * own, atol=1e-6)


def test_a_sentence_put_before_others_moves_no_gaze(make_data):
    narrow = make_data(max_sentences=2)
    whole = make_data(dataset=narrow.dataset, max_sentences=3)

    a, b = (data.batch([0, 2]) for data in (narrow, whole))

    torch.testing.assert_close(a.xy, b.xy)
    assert (a.fixation_text % 2).tolist() == (b.fixation_text % 3).tolist()


def test_the_test_split_is_refused(make_data):
    with pytest.raises(ConfigError, match="never opens the split 'test'"):
        make_data("test")


def test_readings_without_a_report_are_left_out_and_counted(make_data, make_dataset):
    from training.data import TrainingData as Data

    assert make_data().left_out == 0
    silent = make_dataset(
        12,
        name="silent",
        report=None,
        findings=None,
        impression=None,
        has_gaze=False,
        tables=no_text(),
    )
    tokenizer = train_tokenizer(["some text"], 50)
    data = Data(silent, "train", tokenizer, make_data().config, "sentences")

    assert len(data) == 0
    assert data.left_out == len(silent.rows("train"))


def no_text():
    from curation.schema import TABLES, make_table

    names = ("sentences", "words", "mentions", "regions")
    names += ("fixations", "sentence_fixations")
    return {
        name: make_table(name, **dict.fromkeys(TABLES[name], np.empty(0)))
        for name in names
    }


def test_one_sentence_stands_for_an_image_and_the_draw_fixes_which(make_data):
    data = make_data(unit="sentence")

    a, b, other = (data.batch(range(12), draw).text_index for draw in (1, 1, 2))

    assert a.shape == (12, 1)
    assert torch.equal(a, b)
    assert not torch.equal(a, other)


def test_a_report_is_findings_and_impression_joined(make_dataset):
    dataset = make_dataset(4)

    assert report_texts(dataset)[0] == (
        "The heart is large. The lungs are clear. Cardiomegaly."
    )


def test_no_gaze_is_used_at_fraction_zero(make_data):
    data = make_data(gaze_fraction=0.0)

    batch = data.batch(range(len(data)))

    assert len(data.gaze_rows) == 0
    assert not batch.has_gaze.any()
    assert batch.xy.shape == (0, 2)


def test_shuffled_gaze_is_that_of_another_image(make_data):
    own = make_data()
    shuffled = make_data(dataset=own.dataset, gaze_control="shuffle")
    everyone = range(len(own))

    a, b = own.batch(everyone), shuffled.batch(everyone)

    assert torch.equal(a.has_gaze, b.has_gaze)
    assert not torch.equal(a.xy, b.xy)
    assert sorted(a.xy[:, 0].tolist()) == sorted(b.xy[:, 0].tolist())


def test_the_prior_is_the_same_for_every_sentence(make_data):
    batch = make_data(gaze_control="prior").batch(range(10))

    maps = [batch.xy[batch.fixation_text == t] for t in batch.fixation_text.unique()]

    assert len(maps) > 2
    assert all(torch.equal(one, maps[0]) for one in maps)
