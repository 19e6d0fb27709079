import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.errors import InputError
from curation.speech.decoder import look_up
from curation.speech.lexicon import pronounce, radiology_lexicon, read_lexicon
from curation.speech.pronounce import PHONES, guess

COMMON = [
    "atelectasis", "bibasilar", "cardiomediastinal", "cardiomegaly", "carina",
    "cephalization", "costophrenic", "effusion", "effusions", "endotracheal",
    "granuloma", "granulomatous", "hemidiaphragm", "hilar", "kyphosis", "lucency",
    "mediastinal", "mediastinum", "nasogastric", "opacities", "osseous",
    "perihilar", "picc", "pneumothorax", "radiograph", "scoliosis", "sternotomy",
    "tracheostomy", "vasculature",
]  # fmt: skip


@pytest.mark.parametrize("word", COMMON)
def test_the_lexicon_holds_the_words_that_english_lacks(word):
    assert word in radiology_lexicon()


def test_every_phone_of_the_lexicon_is_known_to_the_model():
    lexicon = radiology_lexicon()

    assert len(lexicon) > 500
    assert {p for v in lexicon.values() for s in v for p in s.split()} <= PHONES


def test_a_bad_line_is_named(tmp_path):
    path = tmp_path / "lexicon.txt"
    path.write_text("# words\neffusion IH F QQ\n", encoding="utf-8")

    with pytest.raises(InputError, match="line 2 reads 'effusion IH F QQ'"):
        read_lexicon(path)


def test_a_word_may_be_said_in_two_ways(tmp_path):
    path = tmp_path / "lexicon.txt"
    path.write_text("apices EY P\n\napices AE P\n", encoding="utf-8")

    assert read_lexicon(path) == {"apices": ("EY P", "AE P")}


@pytest.mark.parametrize(
    ("word", "sound"),
    [
        ("phrenic", "F R EH N IH K"),
        ("psoas", "S OW AE S"),
        ("pneumo", "N UW M OW"),
        ("gastritis", "G AE S T R AY T IH S"),
        ("fusion", "F Y UW ZH AH N"),
        ("station", "S T EY SH AH N"),
        ("ribs", "R IH B Z"),
    ],
)
def test_rules_guess_a_likely_sound(word, sound):
    guessed, wanted = guess(word).split(), sound.split()

    differing = sum(a != b for a, b in zip(guessed, wanted, strict=False))
    assert abs(len(guessed) - len(wanted)) <= 1
    assert differing <= 2


@given(st.text(string.ascii_lowercase, min_size=1, max_size=15))
def test_every_word_gets_a_sound(word):
    assert set(guess(word).split()) <= PHONES


def test_a_word_without_letters_is_refused():
    with pytest.raises(ValueError, match="letter"):
        guess("12")


def test_known_words_are_not_guessed():
    assert pronounce("heart", "heart", look_up) == (("HH AA R T",), False)


def test_acronyms_nobody_lists_are_spelled():
    variants, guessed = pronounce("xqz", "XQZ", look_up)

    assert guessed
    assert variants[0] == "EH K S K Y UW Z IY"


def test_an_unknown_plural_is_the_known_word_and_an_ending():
    variants, guessed = pronounce("blorbus's", "blorbus's", {"blorbus": "M"}.get)

    assert (variants, guessed) == (("M Z",), True)
