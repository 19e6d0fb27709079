"""Pseudonyms only, and no dates, names or numbers of people in the reports."""

import re
from collections.abc import Iterable, Mapping

BLANK = "___"
"""One token for sentence splitters and tokenizers alike, as in MIMIC-CXR."""

_MONTHS = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_NAME = r"[A-ZÀ-ÖØ-Þ][\w'’\-]+"
_I = re.IGNORECASE

RULES: Mapping[str, re.Pattern[str]] = {
    "email": re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    "name": re.compile(
        rf"(?<![A-Za-z])(?:Dr|Drs|Mr|Mrs|Ms|Prof|Doctor|Professor)\b\.?\s+"
        rf"(?:[A-Z]\.\s*)*{_NAME}(?:\s+(?:[A-Z]\.\s*)?{_NAME})?"
    ),
    "signed": re.compile(
        rf"(?<=by )(?:[A-Z]\.\s*)*{_NAME},?\s+(?:[A-Z]\.?\s+)*(?:{_NAME},?\s+)?"
        r"(?:M\.?D\.?|D\.?O\.?)"
    ),
    "record": re.compile(
        r"\b(?:mrn|medical record(?: number)?|accession(?: number)?|acc|patient id|"
        r"ssn|id)\b\s*(?:no\.?|number|#)?\s*[:#]?\s*(?=[\w\-/]*\d)[\w\-/]+",
        _I,
    ),
    "date": re.compile(
        r"(?<![\d.])\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?!\d)"
        r"|(?<![\d.])\d{1,2}[-/]\d{1,2}[-/]\d{2,4}(?!\d)"
        r"|(?<![\d.])\d{1,2}\.\d{1,2}\.\d{4}(?!\d)"
        rf"|\b{_MONTHS}\s+\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s+\d{{4}})?\b"
        rf"|\b\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTHS}(?:,?\s+\d{{4}}\b)?"
        rf"|\b{_MONTHS}\s+(?:of\s+)?\d{{4}}\b",
        _I,
    ),
    "time": re.compile(
        r"\b\d{1,2}[:.]\d{2}(?::\d{2})?\s*(?:[ap]\.?m\b\.?|hrs?\b|hours\b|h\b)"
        r"|\b\d{1,2}:\d{2}:\d{2}\b|\b(?:1[3-9]|2[0-3]):[0-5]\d\b"
        r"|\b\d{1,2}:(?!00\b|30\b)[0-5]\d\b|\b\d{1,2}\s*[ap]\.?m\b\.?",
        _I,
    ),
    "phone": re.compile(
        r"(?<![\w.])(?:\+\d{1,3}[ .-]?)?(?:\(\d{3}\)\s*|\d{3}[ .-])\d{3}[ .-]\d{4}"
        r"(?!\d)|(?:pager|phone|tel|ext|extension|beeper)\b\.?\s*(?:no\.?|#)?[:\s]*"
        r"\d[\d -]{1,}\d",
        _I,
    ),
    "number": re.compile(r"(?<![\w.,])[A-Z]{0,3}\d{6,}(?!\w)(?!\s*(?:mm|cm|ml|cc)\b)"),
}
"""What is blanked, in this order. Measures stay: 12 x 15 mm, T12, 6:00, 10-11 cm."""

_SESSION = re.compile(r"session-[0-9a-f]{12}|simulated-[0-9]+-r[0-9]+-s[0-9]+")
_PSEUDONYM = re.compile(r"(?:reader|patient|study|image)-[0-9a-f]{12}")


def is_pseudonym(kind: str, value: str) -> bool:
    """Whether `value` has the form of a pseudonym of this kind."""
    return value.startswith(f"{kind}-") and _PSEUDONYM.fullmatch(value) is not None


def session_name(folder: str) -> str:
    """Return a folder's name if it is a session's; others may name a person."""
    return folder if _SESSION.fullmatch(folder) else "unnamed"


def scrub(text: str) -> tuple[str, dict[str, int]]:
    """Blank what obviously names a person, a day or a record.

    Scrub before splitting into sentences, so that character spans point into the text
    that is stored. The rules find the obvious only: what comes out is not anonymous.

    Args:
        text: A report.

    Returns:
        The text with `___` in place of what was found, and how often each rule did.
    """
    counts: dict[str, int] = {}
    for name, rule in RULES.items():
        text, found = rule.subn(_blank, text)
        if found:
            counts[name] = found
    return text, counts


def leaks(data: bytes, identifiers: Iterable[str]) -> int:
    """Count the identifiers that occur in bytes, without saying which."""
    lower = data.lower()
    return sum(
        len(value) > 2 and value.lower().encode() in lower for value in identifiers
    )


def _blank(found: re.Match[str]) -> str:
    """Keep the full stop of a sentence that ends with what is blanked."""
    return BLANK + ("." if found[0].endswith(".") and found[0][-3:-1] != ".m" else "")
