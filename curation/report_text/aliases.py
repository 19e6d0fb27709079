"""How radiologists name the findings: the phrases of `aliases.txt` beside this file.

The set of findings is that of Irvin et al., CheXpert, AAAI 2019, arXiv:1901.07031.
Patterns are matched on lower-case text whose hyphens and line breaks are spaces.
"""

import re
from functools import cache
from pathlib import Path

EXCLUDED = re.compile(
    r"\bpericardial (?:effusions?|fluid|thickening)|\bjoint effusions?|\bmass effect"
    r"|\bbody mass|\bnipple shadows?|\bbreast (?:cancer|carcinoma|mass|densit(?:y|ies))"
    r"|\bbone densit(?:y|ies)|\bcalcific densit(?:y|ies)|\bmetallic densit(?:y|ies)"
    r"|\bpleural lines?\b|\bsoft tissue densit(?:y|ies)|\bvertebral collapse"
    r"|\bmediastinal (?:mass|lymph)|\bfracture risk|\bline(?:s)? of the pleura"
    r"|\b(?:prior|old|previous|remote|healed|granulomatous"
    r"|of) (?:granulomatous )?infection"
    r"|\bskin ?folds?|\blead(?:s)? to\b|\bno port\b|\bcatheterization"
)
"""Phrases that hold the words of an alias and mean something else."""

NO_FINDING = re.compile(
    r"\b(?:no|negative|negative for) (?:(?:acute|active|significant|radiographic"
    r"|definite|evidence of|focal|other"
    r"|new|convincing|apparent|identified) )*"
    r"(?:(?:cardio ?pulmonary|cardio ?thoracic|intrathoracic|thoracic|chest|pulmonary"
    r"|cardiac|disease|findings?|abnormalit(?:y|ies)|process(?:es)?|pathology|or|and"
    r"|acute|intra) ?)*(?:disease|findings?|abnormalit(?:y|ies)|process(?:es)?"
    r"|pathology"
    r"|abnormal findings?)\b"
    r"|\b(?:normal|negative|unremarkable|clear) (?:(?:pa|ap|and|lateral|frontal"
    r"|portable"
    r"|two|2|view|views|upright|single|examination of the) )*"
    r"(?:chest|study|examination|exam|radiographs?|film|cxr)\b"
    r"|\bnormal (?:chest )?x ray\b|^normal\.?$"
    r"|\b(?:chest|study|examination|exam|radiograph|cxr) is "
    r"(?:normal|negative|unremarkable)\b"
)
"""Statements that the whole image is free of (acute) disease."""
NOT_GLOBAL = re.compile(r"\b(?:bon[ey]|osseous|skeletal|abdominal|soft tissue|pleural)")
"""Words that confine such a statement to a part of the image."""


@cache
def patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return (finding, pattern) of every line of `aliases.txt`; read once."""
    path = Path(__file__).with_name("aliases.txt")
    found: list[tuple[str, re.Pattern[str]]] = []
    finding = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            finding = line.strip("[]")
        elif line and not line.startswith("#"):
            found.append((finding, re.compile(rf"\b(?:{line})\b")))
    return tuple(found)


def normalize(sentence: str) -> str:
    """Return lower case with blanks for hyphens and breaks, of the same length."""
    lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in sentence)
    return re.sub(r"[\s\-\u2010-\u2015_]", " ", lower)


def find_aliases(text: str) -> list[tuple[int, int, str]]:
    """Return (start, end, finding) of every named finding in normalized text.

    Matches of one finding do not overlap; matches of different findings may only be
    equal ("hydropneumothorax" is two findings), else the longest one wins.
    """
    blocked = [m.span() for m in EXCLUDED.finditer(text)]
    found = [
        (m.start(), m.end(), name) for name, p in patterns() for m in p.finditer(text)
    ]
    found.sort(key=lambda hit: (hit[0] - hit[1], hit[0], hit[2]))
    kept: list[tuple[int, int, str]] = []
    for start, end, name in found:
        spans = [(s, e) for s, e, n in kept if n == name or (s, e) != (start, end)]
        if not any(s < end and start < e for s, e in spans + blocked):
            kept.append((start, end, name))
    return sorted(kept)
