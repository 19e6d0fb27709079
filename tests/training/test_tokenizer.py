import subprocess
import sys

import pytest
from transformers import AutoTokenizer

from capture.errors import ConfigError
from training.tokenizer import learn_pieces, train_tokenizer

TEXTS = ["The heart is enlarged.", "No pleural effusion.", "No effusion on the left."]


def test_the_most_frequent_pair_is_joined_first():
    pieces = learn_pieces({"ab": 3, "abc": 2, "bc": 1}, 7)

    # a ##b 5 times; then ab ##c twice, b ##c once
    assert pieces == ["##b", "##c", "a", "b", "ab", "abc", "bc"]


def test_a_tie_goes_to_the_first_in_the_alphabet():
    assert learn_pieces({"xy": 1, "ab": 1}, 5)[-1] == "ab"


def test_repeated_letters_are_joined_from_the_left():
    assert learn_pieces({"aaaa": 1}, 3) == ["##a", "a", "##aa"]


def test_the_same_text_gives_the_same_pieces_in_another_process():
    code = (
        "from training.tokenizer import train_tokenizer;"
        f"print(sorted(train_tokenizer({TEXTS}, 60).get_vocab().items()))"
    )
    runs = {
        subprocess.check_output(
            [sys.executable, "-c", code], text=True, env={"PYTHONHASHSEED": seed}
        )
        for seed in ("1", "2")
    }

    assert runs == {f"{sorted(train_tokenizer(TEXTS[::-1], 60).get_vocab().items())}\n"}


def test_text_survives_the_round_trip():
    tokenizer = train_tokenizer(TEXTS, 200)

    ids = tokenizer("No heart effusion")["input_ids"]

    assert tokenizer.decode(ids, skip_special_tokens=True) == "no heart effusion"
    assert tokenizer.convert_ids_to_tokens(ids)[0] == "[CLS]"
    assert tokenizer.pad_token_id == 0


def test_a_saved_tokenizer_is_loaded_by_name(tmp_path):
    tokenizer = train_tokenizer(TEXTS, 60)
    tokenizer.save_pretrained(tmp_path)

    again = AutoTokenizer.from_pretrained(tmp_path)

    assert again(TEXTS)["input_ids"] == tokenizer(TEXTS)["input_ids"]


@pytest.mark.parametrize("texts", [[], ["", "  "]])
def test_no_text_is_an_error(texts):
    with pytest.raises(ConfigError, match="no training text"):
        train_tokenizer(texts, 100)
