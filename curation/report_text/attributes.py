"""Side, zone and severity of a finding, taken from the words nearest to its name."""

import re

_PROTECTED = re.compile(
    r"\b(?:left|right) (?:(?:internal|external) )?(?:ventric\w*|atri\w*|heart|cardiac"
    r"|subclavian|jugular|ij|picc|main ?stem|main bronchus|arm|upper extremity|anterior"
    r"|paratracheal stripe|aortic)\b"
)
_SIDES = (
    (
        "both",
        re.compile(
            r"\b(?:bilateral(?:ly)?|both|bibasilar|bibasal|biapical|bilaterally"
            r"|(?:right|left) (?:greater|more|larger|worse|less|>) (?:than|on)?"
            r"(?: the)? ?(?:right|left)"
            r"|(?:right|left)(?: (?:upper|mid|middle|lower|lungs?|lobes?|bas(?:e|al"
            r"|ilar)|apical|apex"
            r"|hilar|hilum|sided))* (?:and|or|and/or) (?:the )?(?:right|left))\b"
        ),
    ),
    ("left", re.compile(r"\bleft(?:ward| sided)?\b|\bl\.(?=\s)|\blingula\w*")),
    ("right", re.compile(r"\bright(?:ward| sided)?\b|\br\.(?=\s)")),
    ("midline", re.compile(r"\bmidline\b")),
)
_ZONES = (
    ("apical", re.compile(r"\b(?:bi)?api(?:cal|ces)\b|\bapex\b")),
    ("basal", re.compile(r"\b(?:bi)?bas(?:al|ilar|es?)\b|\bretrocardiac\b")),
    ("perihilar", re.compile(r"\b(?:peri|supra|infra)? ?hil(?:ar|um|a)\b")),
    ("upper", re.compile(r"\bupper (?:lobes?|lung|zones?|lateral|hemithorax|field)\b")),
    ("middle", re.compile(r"\bmid(?:dle)? ?(?:lobe|lung|zones?|field)\b|\blingula\w*")),
    ("lower", re.compile(r"\blower (?:lobes?|lung|zones?|hemithorax|field)\b")),
    ("diffuse", re.compile(r"\b(?:diffuse(?:ly)?|throughout|scattered|widespread)\b")),
)
_SEVERITIES = (
    ("minimal", re.compile(r"\b(?:minimal(?:ly)?|tiny|slight(?:ly)?|minor|subtle)\b")),
    ("trace", re.compile(r"\btrace\b")),
    ("small", re.compile(r"\bsmall\b")),
    ("mild", re.compile(r"\bmild(?:ly)?\b")),
    ("moderate", re.compile(r"\bmoderate(?:ly)?(?: sized)?\b")),
    ("large", re.compile(r"\b(?:large|massive|extensive)\b")),
    ("severe", re.compile(r"\b(?:severe(?:ly)?|marked(?:ly)?|gross(?:ly)?)\b")),
)
_SEGMENT = re.compile(
    r",|\band\b|\bwithout\b|\bno\b|\bwith\b|\bor\b|\bnor\b|\bversus\b|\bvs\b"
)
_CUE = re.compile(
    r"\b(?:no|not|without|neither|nor|likely|may|might|could|suggest\w*|represent\w*"
    r"|is|are|was|were)\b"
)

Hit = tuple[int, int, str]


def sides(clause: str, *, protect: bool) -> list[Hit]:
    """Return (start, end, side) of the words that name a side.

    Args:
        clause: Normalized text between two scope breaks.
        protect: Leave out the sides of vessels and heart chambers ("left atrium").
    """
    text = clause
    if protect:
        text = _PROTECTED.sub(lambda m: "#" * len(m[0]), clause)
    return _hits(text, _SIDES)


def zones(clause: str) -> list[Hit]:
    """Return (start, end, zone) of the words that name a part of the lung."""
    return _hits(clause, _ZONES)


def severities(clause: str) -> list[Hit]:
    """Return (start, end, severity) of the words that name an extent."""
    return _hits(clause, _SEVERITIES)


def _hits(text: str, table: tuple[tuple[str, re.Pattern[str]], ...]) -> list[Hit]:
    """Return all matches of a table in order; an earlier row hides a later one."""
    kept: list[Hit] = []
    for name, pattern in table:
        for match in pattern.finditer(text):
            span = match.span()
            if not any(s < span[1] and span[0] < e and n != name for s, e, n in kept):
                kept.append((*span, name))
    return sorted(kept)


def nearest(
    clause: str,
    span: tuple[int, int],
    names: list[tuple[int, int]],
    hits: list[Hit],
    *,
    share: bool = True,
) -> str | None:
    """Choose the attribute that belongs to the finding named at `span`.

    The word before the name within the same member of a list counts first, then the one
    after it; then an attribute shared over "and": the one before an earlier name or the
    one after a later name, unless a negation or a verb stands between.

    Args:
        clause: Normalized text between two scope breaks.
        span: (start, end) of the name.
        names: (start, end) of all names in the clause.
        hits: Candidates, as `sides`, `zones` and `severities` return them.
        share: Let one attribute serve several names of a list.
    """
    start, end = span
    left, right = _segment(clause, span, names)
    inside = [h for h in hits if left <= h[0] and h[1] <= right]
    own = [h for h in inside if h[0] < end] or [h for h in inside if h[0] >= end]
    if own:
        return _closest(own, start)
    if not share:
        return None
    earlier = [h for h in hits if h[1] <= left and _shared(clause, h[1], start)]
    earlier = [h for h in earlier if _precedes_its_name(clause, h, names, start)]
    if earlier:
        return earlier[-1][2]
    later = [h for h in hits if h[0] >= right and _shared(clause, end, h[0])]
    later = [h for h in later if not any(n[0] >= h[1] for n in names)]
    return later[0][2] if later else None


def _closest(hits: list[Hit], start: int) -> str:
    return min(hits, key=lambda h: (h[0] >= start, abs(h[0] - start)))[2]


def _segment(
    clause: str, span: tuple[int, int], names: list[tuple[int, int]]
) -> tuple[int, int]:
    """Return the bounds of a name's list member; members without a name join on."""
    cuts = [m for m in _SEGMENT.finditer(clause) if not _within(m.span(), names)]
    left, right = 0, len(clause)
    for cut in cuts:
        if cut.end() <= span[0] and any(left <= n[0] < cut.start() for n in names):
            left = cut.end()
    for cut in reversed(cuts):
        if cut.start() >= span[1] and any(cut.end() <= n[0] < right for n in names):
            right = cut.start()
    return left, right


def _within(span: tuple[int, int], names: list[tuple[int, int]]) -> bool:
    return any(n[0] <= span[0] and span[1] <= n[1] for n in names)


def _shared(clause: str, start: int, end: int) -> bool:
    return _CUE.search(clause[start:end]) is None


def _precedes_its_name(
    clause: str, hit: Hit, names: list[tuple[int, int]], before: int
) -> bool:
    """Tell whether an earlier attribute stands in front of its own name."""
    own = [n for n in names if hit[1] <= n[1] and n[0] < before]
    return bool(own) and _SEGMENT.search(clause[hit[1] : own[0][0]]) is None
