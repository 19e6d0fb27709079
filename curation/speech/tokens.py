"""Report text as the words that somebody says, each with its place in the text."""

import re
import unicodedata
from dataclasses import dataclass

_ONES = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen",
    "seventeen", "eighteen", "nineteen",
]  # fmt: skip
_TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty"]
_TENS.append("ninety")
_ORDINALS = {
    "1st": "first", "2nd": "second", "3rd": "third", "4th": "fourth", "5th": "fifth",
    "6th": "sixth", "7th": "seventh", "8th": "eighth", "9th": "ninth", "10th": "tenth",
    "11th": "eleventh", "12th": "twelfth",
}  # fmt: skip
_SPOKEN = {
    "cm": "centimeters", "mm": "millimeters", "ml": "milliliters", "%": "percent",
    "×": "by", "&": "and", "+": "plus", "=": "equals", ">": "greater than",
    "<": "less than", "vs": "versus", "vs.": "versus", "dr.": "doctor", "dr": "doctor",
    "l.": "left", "r.": "right", "w/": "with", "w/o": "without", "s/p": "status post",
    "i.e.": "that is", "e.g.": "for example", "approx.": "approximately",
    "bilat.": "bilateral", "a.m.": "a m", "p.m.": "p m", "am": "a m", "pm": "p m",
}  # fmt: skip
"""What is written to what is said; units stay in the plural after any number."""
_CLOCK_ONLY = frozenset({"am", "pm"})

_TOKEN = re.compile(
    r"[0-9]{1,2}:[0-9]{2}(?![0-9])"
    r"|[0-9]+(?:st|nd|rd|th)\b"
    r"|[0-9][0-9,]*(?:\.[0-9]+)?"
    r"|\b(?:[ap]\.m\.|i\.e\.|e\.g\.|vs\.|[dD]r\.|approx\.|bilat\.|[LR]\.(?=\s+[a-z])"
    r"|w/o\b|w/|s/p\b)"
    r"|[^\W\d_]+(?:['’][^\W\d_]+)*"
    r"|[%×&+=<>]",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"[xX]{3,}")


@dataclass(frozen=True, slots=True)
class Token:
    """One spoken word and the characters of the text that it stands for."""

    word: str
    """Lower case; several tokens may share the characters of one number."""
    char_start: int
    char_end: int


def speak_words(text: str) -> list[Token]:
    """Return the words of a text as they are dictated.

    Numbers, units, clock times and common abbreviations are put into words; the
    placeholders `___` and `XXXX` give none, since nobody knows what was said there,
    nor do letters outside of the Latin alphabet.
    """
    tokens: list[Token] = []
    for match in _TOKEN.finditer(text):
        if _PLACEHOLDER.fullmatch(match[0]):
            continue
        words = _words(match[0], text, match.end(), tokens)
        tokens += [Token(word, *match.span()) for word in words]
    return tokens


def _words(written: str, text: str, end: int, earlier: list[Token]) -> list[str]:
    lower = written.lower().replace("’", "'")
    if ":" in lower:
        hour, minute = lower.split(":")
        return [*number_words(hour), *_minute_words(minute)]
    if lower in _ORDINALS:
        return [_ORDINALS[lower]]
    if "0" <= lower[0] <= "9":
        number = re.sub(r"(?:st|nd|rd|th)$", "", lower.replace(",", ""))
        year = len(number) == 4 and "." not in number and number[:2] in {"19", "20"}
        return _year_words(number) if year else number_words(number)
    after_number = bool(earlier) and text[earlier[-1].char_start].isdigit()
    if lower == "x" and after_number and re.match(r"\s*\d", text[end:]):
        return ["by"]
    if lower in _CLOCK_ONLY and not after_number:
        return [lower]
    if lower == "cm" or lower == "mm" or lower == "ml":
        return [_SPOKEN[lower]] if after_number else list(lower)
    if lower in _SPOKEN:
        return _SPOKEN[lower].split()
    plain = re.sub(r"[^a-z']", "", unicodedata.normalize("NFKD", lower))
    return [plain] if plain.strip("'") else []


def number_words(number: str) -> list[str]:
    """Put a decimal number into words: "4.2" is four point two.

    Args:
        number: Digits with at most one decimal point.
    """
    whole, _, fraction = number.partition(".")
    words = _whole_words(int(whole or "0"))
    if fraction:
        words += ["point", *(_ONES[int(digit)] for digit in fraction)]
    return words


def _whole_words(value: int) -> list[str]:
    if value < 20:
        return [_ONES[value]]
    if value < 100:
        rest = value % 10
        return [_TENS[value // 10], *([_ONES[rest]] if rest else [])]
    for size, name in ((1_000_000, "million"), (1000, "thousand"), (100, "hundred")):
        if value >= size:
            rest = value % size
            head = [*_whole_words(value // size), name]
            return [*head, *(_whole_words(rest) if rest else [])]
    raise ValueError(f"value must not be negative, got {value}")


def _year_words(number: str) -> list[str]:
    first, last = int(number[:2]), int(number[2:])
    if first == 20 and last < 10:
        return _whole_words(int(number))
    return [*_whole_words(first), *(_whole_words(last) if last else ["hundred"])]


def _minute_words(minute: str) -> list[str]:
    if minute == "00":
        return []
    return (["oh"] if minute[0] == "0" else []) + _whole_words(int(minute))
