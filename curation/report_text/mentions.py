"""Findings that one sentence states, with their state and attributes."""

import re
from dataclasses import dataclass, replace

from curation.report_text import attributes
from curation.report_text.aliases import (
    NO_FINDING,
    NOT_GLOBAL,
    find_aliases,
    normalize,
)
from curation.report_text.cues import SCOPE_BREAK, assess, is_alternative
from curation.report_text.structures import find_structures

_Found = tuple[int, int, str, str, str]


@dataclass(frozen=True, slots=True)
class Mention:
    """One finding that a sentence speaks about."""

    finding: str
    """CheXpert-14 name."""
    state: str
    """present, absent or uncertain."""
    side: str | None
    """The patient's left, right, both or midline; None where the sentence says none."""
    zone: str | None
    """upper, middle, lower, apical, basal, perihilar or diffuse."""
    severity: str | None
    """minimal, trace, small, mild, moderate, large or severe."""
    char_start: int
    """First character of the name, in the sentence."""
    char_end: int
    """First character after the name."""
    rule: str
    """Which rule decided the state."""


def find_mentions(sentence: str) -> list[Mention]:
    """Return the findings that a sentence states, in the order of the text.

    What a sentence does not mention is not returned; "no new …" and "history of …" say
    nothing about the image and are left out as well.

    Args:
        sentence: One sentence of a report, as `split_report` cuts them.
    """
    text = normalize(sentence)
    mentions = _global_statement(text)
    for start, end in _clauses(text):
        clause = text[start:end]
        found = _in_clause(clause)
        names = [(s, e) for s, e, *_ in found]
        head = text[:start] if clause.startswith("which") else ""
        for s, e, finding, state, rule in found:
            marks = _attributes(clause, (s, e), names, finding)
            marks = (marks[0] or _only_side(head), *marks[1:])
            mentions.append(Mention(finding, state, *marks, start + s, start + e, rule))
    merged = [_with_marks_of(mention, mentions) for mention in mentions]
    return sorted(merged, key=lambda m: (m.char_start, m.finding))


def _with_marks_of(mention: Mention, others: list[Mention]) -> Mention:
    """Fill what a name leaves open from another name of the same finding."""
    side, zone, severity = mention.side, mention.zone, mention.severity
    for other in others:
        if (other.finding, other.state) == (mention.finding, mention.state):
            side, zone = side or other.side, zone or other.zone
            severity = severity or other.severity
    return replace(mention, side=side, zone=zone, severity=severity)


def _clauses(text: str) -> list[tuple[int, int]]:
    """Cut at the scope breaks; a colon after a heading ("LUNGS:") is none."""
    starts = [0]
    for match in SCOPE_BREAK.finditer(text):
        heading = match[0] == ":" and not find_aliases(text[: match.start()])
        if match.start() > 0 and not heading:
            starts.append(match.end() if match[0] in ";:" else match.start())
    return list(zip(starts, [*starts[1:], len(text)], strict=True))


def _in_clause(clause: str) -> list[_Found]:
    found: list[_Found] = []
    named = find_aliases(clause)
    for start, end, finding in named:
        verdict = assess(clause, start, end)
        if verdict is not None:
            found.append((start, end, finding, *verdict))
    found = [_unsure_if_alternative(clause, hit, named) for hit in found]
    stated = {finding for _, _, finding, *_ in found}
    found += [hit for hit in find_structures(clause) if hit[2] not in stated]
    return sorted(found)


def _unsure_if_alternative(
    clause: str, hit: _Found, named: list[tuple[int, int, str]]
) -> _Found:
    """Make a present finding uncertain where "or" offers another one in its place."""
    start, end, finding, state, _rule = hit
    if state != "present" or finding == "Support Devices":
        return hit
    for other_start, other_end, _ in named:
        if other_start >= end and is_alternative(clause[end:other_start]):
            return start, end, finding, "uncertain", "alternative"
        if other_end <= start and is_alternative(clause[other_end:start]):
            return start, end, finding, "uncertain", "alternative"
    return hit


def _attributes(
    clause: str, span: tuple[int, int], names: list[tuple[int, int]], finding: str
) -> tuple[str | None, str | None, str | None]:
    protect = finding != "Support Devices"
    side = attributes.nearest(
        clause, span, names, attributes.sides(clause, protect=protect)
    )
    zone = attributes.nearest(clause, span, names, attributes.zones(clause))
    severity = attributes.nearest(
        clause, span, names, attributes.severities(clause), share=False
    )
    return side, zone, severity


def _only_side(head: str) -> str | None:
    """Return the one side that the clause before "which" names."""
    named = {side for _, _, side in attributes.sides(head, protect=True)}
    return named.pop() if len(named) == 1 else None


def _global_statement(text: str) -> list[Mention]:
    """Return a `No Finding` mention where the sentence calls the whole image normal."""
    match = NO_FINDING.search(text.strip(" ."))
    if match is None or NOT_GLOBAL.search(match[0]):
        return []
    offset = len(text) - len(text.lstrip(" ."))
    start, end = match.start() + offset, match.end() + offset
    state = "present"
    if re.search(r"\b(?:otherwise|not)\s*$", text[:start]):
        return []
    return [Mention("No Finding", state, None, None, None, start, end, "whole_image")]
