"""Sections of a report, found by their headers."""

import re
from dataclasses import dataclass

KNOWN_HEADERS = {
    "final report": "other",
    "preliminary report": "other",
    "wet read": "other",
    "exam": "other",
    "examination": "other",
    "procedure": "other",
    "indication": "other",
    "indications": "other",
    "clinical indication": "other",
    "history": "other",
    "clinical history": "other",
    "clinical information": "other",
    "reason for exam": "other",
    "reason for examination": "other",
    "technique": "other",
    "views": "other",
    "comparison": "other",
    "comparisons": "other",
    "finding": "findings",
    "findings": "findings",
    "impression": "impression",
    "impressions": "impression",
    "conclusion": "impression",
    "conclusions": "impression",
    "findings and impression": "impression",
    "findings/impression": "impression",
    "recommendation": "other",
    "recommendations": "other",
    "notification": "other",
    "addendum": "other",
}
"""Name of a header in lower case to the section that it opens."""

SUBHEADS = frozenset(
    [
        "lung",
        "lungs",
        "heart",
        "cardiac",
        "mediastinum",
        "cardiomediastinum",
        "pleura",
        "pleural",
        "bones",
        "bone",
        "chest",
        "tube",
        "tubes",
        "line",
        "lines",
        "device",
        "devices",
        "abdomen",
        "hila",
        "hilum",
        "airway",
        "airways",
        "diaphragm",
        "spine",
        "soft",
        "tissue",
        "tissues",
        "space",
        "spaces",
        "silhouette",
        "support",
        "and",
        "other",
        "vasculature",
        "osseous",
        "structures",
        "upper",
        "the",
    ]
)
"""Words of the headings inside findings ("LUNGS:"), which open no section."""

_NAMES = "|".join(
    re.escape(name).replace(r"\ ", r"[ ]+").replace("/", r"\s*/\s*")
    for name in sorted(KNOWN_HEADERS, key=len, reverse=True)
)
_LINE_HEADER = re.compile(
    rf"^[ \t]*(?P<name>{_NAMES})[ \t]*(?::|,(?=[ \t]*[a-z])|(?=[ \t]*$))",
    re.IGNORECASE | re.MULTILINE,
)
_INLINE_HEADER = re.compile(rf"(?<=[\s.;])(?P<name>{_NAMES.upper()})[ \t]*:")
_UNKNOWN_HEADER = re.compile(r"^[ \t]*(?P<name>[A-Z][A-Z /()&-]{2,40}):", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SectionSpan:
    """One stretch of the report and the section that it belongs to."""

    name: str
    """Header in lower case; `unsectioned` where the report has no usable header."""
    section: str
    """findings, impression or other."""
    start: int
    """First character after the header."""
    end: int
    """First character after the section."""
    header_start: int
    """First character of the header; equals `start` where there is none."""


def find_sections(text: str) -> list[SectionSpan]:
    """Cut a report at its headers, in order; text before the first one is `preamble`.

    A report that names neither findings nor an impression has its paragraphs after the
    last header's own paragraph returned as `unsectioned`, which counts as findings.
    """
    headers = _headers(text)
    spans = []
    if text[: headers[0][0] if headers else 0].strip():
        spans.append(SectionSpan("preamble", "other", 0, headers[0][0], 0))
    ends = [*(start for start, _, _ in headers[1:]), len(text)][: len(headers)]
    for (start, body, name), end in zip(headers, ends, strict=True):
        section = KNOWN_HEADERS.get(name, "other")
        spans.append(SectionSpan(name, section, body, end, start))
    if any(span.section != "other" for span in spans):
        return spans
    return _with_unsectioned(text, spans)


def _headers(text: str) -> list[tuple[int, int, str]]:
    """Return (start, end, name) of every header, in order, without overlaps."""
    found: dict[int, tuple[int, int, str]] = {}
    for pattern in (_UNKNOWN_HEADER, _INLINE_HEADER, _LINE_HEADER):
        for match in pattern.finditer(text):
            name = re.sub(r"\s*/\s*", "/", " ".join(match["name"].lower().split()))
            if pattern is _UNKNOWN_HEADER and not _opens_section(name):
                continue
            found[match.start("name")] = (match.start("name"), match.end(), name)
    headers: list[tuple[int, int, str]] = []
    for header in sorted(found.values()):
        if not headers or header[0] >= headers[-1][1]:
            headers.append(header)
    return headers


def _opens_section(name: str) -> bool:
    words = re.findall(r"[a-z]+", name)
    placeholder = all(set(word) == {"x"} for word in words)
    return not placeholder and not set(words) <= SUBHEADS


def _with_unsectioned(text: str, spans: list[SectionSpan]) -> list[SectionSpan]:
    """Give the text that no header claims to one `unsectioned` span."""
    if not spans:
        return [SectionSpan("unsectioned", "findings", 0, len(text), 0)]
    last = spans[-1]
    gap = re.compile(r"\S[^\S\n]*\n[^\S\n]*\n").search(text, last.start, last.end)
    if gap is None or not text[gap.end() : last.end].strip():
        return spans
    cut = gap.end()
    kept = SectionSpan(last.name, last.section, last.start, cut, last.header_start)
    rest = SectionSpan("unsectioned", "findings", cut, last.end, cut)
    return [*spans[:-1], kept, rest]
