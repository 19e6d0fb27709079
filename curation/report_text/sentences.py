"""Sentences of a report, with their place in it."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from curation.report_text.sections import find_sections

ABBREVIATIONS = frozenset(
    [
        "dr",
        "drs",
        "mr",
        "mrs",
        "ms",
        "vs",
        "e.g",
        "i.e",
        "approx",
        "ca",
        "st",
        "l",
        "r",
        "w",
        "bilat",
        "ant",
        "post",
        "lat",
        "sup",
        "inf",
    ]
)
"""Words whose full stop ends no sentence; lower case, without the last stop."""
UNITS = frozenset({"cm", "mm", "ml", "in", "cc"})
_STARTERS = frozenset(
    ["no", "the", "there", "heart", "lungs", "lung", "this", "these", "findings"]
)
_COUNTED = frozenset(
    [
        "rib",
        "ribs",
        "level",
        "series",
        "image",
        "type",
        "grade",
        "stage",
        "no",
        "number",
        "vol",
    ]
)

_STOP = re.compile(r"[.?!]+[\"')\]]*(?=\s|$)|(?<=[a-z]{3})\.(?=[A-Z][a-z])")
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")
_LINE_ITEM = re.compile(r"(?:(?<=\n)|\A)[^\S\n]*(?:\d{1,2}[.)]|[-*•])(?=\s+\S)")
_SUBHEAD = re.compile(r"(?<=\n)[^\S\n]*(?=[A-Z][A-Za-z /]{2,30}:)")
_INLINE_ITEM = re.compile(r"(?<!\S)(\d{1,2})[.)](?=\s+[A-Z\"(_])")
_MARKER = re.compile(r"\s*(?:\d{1,2}[.)](?=\s|$)|[-*•](?=\s|$))")
_WORD_BEFORE = re.compile(r"[\w.']+$")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence; `text` is exactly `report[char_start:char_end]`."""

    text: str
    """Words as written, line breaks included; a list number is left out."""
    section: str
    """findings, impression or other."""
    char_start: int
    """First character in the report."""
    char_end: int
    """First character after it."""


@dataclass(frozen=True, slots=True)
class ParsedReport:
    """Sections and sentences of one report."""

    sections: dict[str, tuple[int, int]]
    """Header in lower case, or `findings` and `impression` for their variants, to the
    span of the text under it; the first one where a header comes twice."""
    sentences: tuple[Sentence, ...]
    """All sentences, in the order of the text."""


def split_report(text: str) -> ParsedReport:
    """Find the sections and sentences of a report, every one with its character span.

    A report without headers is one section `unsectioned`, and its sentences count as
    findings.

    Args:
        text: The whole report; `___` and `XXXX` may stand for removed words.
    """
    sections: dict[str, tuple[int, int]] = {}
    sentences: list[Sentence] = []
    lower_case = text == text.lower()
    for span in find_sections(text):
        plain = span.section == "other" or span.name == "unsectioned"
        sections.setdefault(
            span.name if plain else span.section, (span.start, span.end)
        )
        for start, end in split_sentences(text, span.start, span.end, lower_case):
            sentences.append(Sentence(text[start:end], span.section, start, end))
    return ParsedReport(sections, tuple(sentences))


def split_sentences(
    text: str, start: int, end: int, lower_case: bool = False
) -> Iterator[tuple[int, int]]:
    """Yield the (start, end) characters of every sentence in a stretch of text.

    Args:
        text: The whole report.
        start: First character of the stretch.
        end: First character after it.
        lower_case: The report has no capitals, so that any letter may open a sentence.
    """
    body = text[start:end]
    cuts = {0, len(body), *_line_cuts(body), *_inline_items(body)}
    cuts |= {m.end() for m in _STOP.finditer(body) if _ends(body, m, lower_case)}
    edges = sorted(cuts)
    for left, right in itertools.pairwise(edges):
        marker = _MARKER.match(body, left, right)
        left = marker.end() if marker else left
        piece = body[left:right]
        if not re.search(r"\w", piece):
            continue
        first = left + len(piece) - len(piece.lstrip())
        yield start + first, start + left + len(piece.rstrip())


def _line_cuts(body: str) -> set[int]:
    patterns = (_BLANK_LINE, _LINE_ITEM, _SUBHEAD)
    return {m.start() for pattern in patterns for m in pattern.finditer(body)}


def _inline_items(body: str) -> set[int]:
    """Return where the numbers 1, 2, 3 … of a list stand, with or without a stop."""
    cuts: set[int] = set()
    expected = 1
    for match in _INLINE_ITEM.finditer(body):
        before = body[: match.start()].split()
        counted = bool(before) and before[-1].lower().strip(".,") in _COUNTED
        opens = not before or before[-1][-1] in ".?!:" or "\n" in _gap(body, match)
        number = int(match[1])
        if counted or (number == 1 and not opens) or number not in {1, expected}:
            continue
        cuts.add(match.start())
        expected = number + 1
    return cuts


def _gap(body: str, match: re.Match[str]) -> str:
    head = body[: match.start()]
    return head[len(head.rstrip()) :]


def _ends(body: str, stop: re.Match[str], lower_case: bool) -> bool:
    """Tell whether a full stop (question mark …) ends a sentence."""
    rest = body[stop.end() :].lstrip()
    if not rest:
        return True
    word = _WORD_BEFORE.search(body, 0, stop.start())
    before = word[0].lower() if word else ""
    if stop[0][0] == "." and _keeps_going(
        before, body[: stop.start()], rest, lower_case
    ):
        return False
    first = rest[0]
    if first.isupper() or first in '"(_“[' or lower_case:
        return True
    return first.isdigit()


def _keeps_going(before: str, head: str, rest: str, lower_case: bool) -> bool:
    """Tell whether a full stop belongs to an abbreviation, a unit or a number."""
    if before.lstrip(".") in ABBREVIATIONS:
        return True
    if before == "no" and rest[0].isdigit():
        return True
    if before.isdigit() and rest[0].isdigit() and len(before) < 4:
        return True
    opens_item = re.search(r"(?:^|\n|[.?!:]\s+)\s*\d{1,2}$", head) is not None
    if before.isdigit() and opens_item:
        return True
    if not lower_case or before not in UNITS:
        return False
    return re.split(r"\W", rest, maxsplit=1)[0] not in _STARTERS
