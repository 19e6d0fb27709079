"""How words sound: the aligner's dictionary, our radiology lexicon, and rules.

`lexicon.txt` beside this file holds one word a line with its ARPABET phones without
stress, as the CMU Pronouncing Dictionary writes them.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from capture.errors import InputError
from curation.speech.pronounce import LETTERS, PHONES, guess

LEXICON_PATH = Path(__file__).with_name("lexicon.txt")
"""The lexicon that is installed with the program."""


def read_lexicon(path: Path = LEXICON_PATH) -> dict[str, tuple[str, ...]]:
    """Return word → pronunciations of a lexicon file, each as phones joined by blanks.

    Args:
        path: UTF-8 text; `word PH PH …`, a second line for a second pronunciation;
            empty lines and lines that start with `#` are skipped.

    Raises:
        InputError: A line has no phones, or a phone that is not ARPABET.
    """
    words: dict[str, tuple[str, ...]] = {}
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        word, *phones = line.split()
        if not phones or not set(phones) <= PHONES:
            raise InputError(
                path,
                f"line {number} reads {line!r}",
                f"expected a word and phones out of {' '.join(sorted(PHONES))}",
            )
        words[word] = (*words.get(word, ()), " ".join(phones))
    return words


@cache
def radiology_lexicon() -> dict[str, tuple[str, ...]]:
    """Return the installed lexicon; read once."""
    return read_lexicon()


def pronounce(
    word: str, spelled: str, lookup: Callable[[str], str | None]
) -> tuple[tuple[str, ...], bool]:
    """Return the pronunciations of a word and whether they were guessed.

    Args:
        word: Lower case.
        spelled: The same as it stands in the text: capitals mark an acronym.
        lookup: The aligner's dictionary: phones of a word, or None; alternatives are
            found as `word(2)`, `word(3)` ….

    Raises:
        ValueError: `word` holds no letter.
    """
    known = radiology_lexicon().get(word, ())
    first = lookup(word)
    number = 2
    while first is not None:
        known = (*known, first) if first not in known else known
        first, number = lookup(f"{word}({number})"), number + 1
    if known:
        return known, False
    if spelled.isupper() and 1 < len(word) <= 4:
        letters = [LETTERS[c] for c in word if c in LETTERS]
        if len(letters) == len(word):
            return (" ".join(letters), guess(word)), True
    return (_from_parts(word, lookup) or guess(word),), True


def _from_parts(word: str, lookup: Callable[[str], str | None]) -> str | None:
    """Join two known words, or a known word and an ending, into the asked one."""

    def known(part: str) -> str | None:
        ours = radiology_lexicon().get(part)
        return ours[0] if ours else lookup(part)

    for ending, sound in (("'s", "Z"), ("s", "Z"), ("ed", "D"), ("ly", "L IY")):
        stem = known(word.removesuffix(ending)) if word.endswith(ending) else None
        if stem is not None:
            return f"{stem} {sound}"
    for cut in range(len(word) - 3, 3, -1):
        left, right = known(word[:cut]), known(word[cut:])
        if left is not None and right is not None:
            return f"{left} {right}"
    return None
