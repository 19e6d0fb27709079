import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.speech.tokens import number_words, speak_words


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Heart normal.", "heart normal"),
        ("A 4.2 cm mass.", "a four point two centimeters mass"),
        ("3 x 12 mm", "three by twelve millimeters"),
        ("Level of T12", "level of t twelve"),
        ("at 4:10 p.m.", "at four ten p m"),
        ("at 15:00", "at fifteen"),
        ("at 9:05", "at nine oh five"),
        ("in 2019", "in twenty nineteen"),
        ("in 2005", "in two thousand five"),
        ("1,200 ml", "one thousand two hundred milliliters"),
        ("30%", "thirty percent"),
        ("3rd rib", "third rib"),
        ("right-sided", "right sided"),
        ("L. base vs. R. base", "left base versus right base"),
        ("the patient's lungs", "the patient's lungs"),
        ("Dr. XXXX on ___", "doctor on"),
        ("I am sure", "i am sure"),
        ("Sjögren’s 5 cm", "sjogren's five centimeters"),
        ("β², ½ ж", ""),
        ("", ""),
    ],
)
def test_text_becomes_the_words_that_are_said(text, spoken):
    assert " ".join(token.word for token in speak_words(text)) == spoken


def test_tokens_point_at_what_they_stand_for():
    text = "A 4.2 cm mass"

    spans = {text[t.char_start : t.char_end] for t in speak_words(text)}

    assert spans == {"A", "4.2", "cm", "mass"}


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("0", "zero"),
        ("13", "thirteen"),
        ("40", "forty"),
        ("99", "ninety nine"),
        ("305", "three hundred five"),
        ("1000000", "one million"),
        ("0.05", "zero point zero five"),
    ],
)
def test_numbers_are_put_into_words(number, words):
    assert " ".join(number_words(number)) == words


@given(st.text(max_size=40))
def test_any_text_gives_words_with_letters(text):
    for token in speak_words(text):
        assert any("a" <= letter <= "z" for letter in token.word)
        assert text[token.char_start : token.char_end]
