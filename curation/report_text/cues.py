"""Whether a named finding is present, absent or uncertain, by the words around it.

The ideas (a cue before or after, its scope up to a break) are those of Chapman et al.,
A Simple Algorithm for Identifying Negated Findings, J. Biomed. Inform. 34, 2001
(NegEx); the cues and breaks are this project's own.
"""

import re

SCOPE_BREAK = re.compile(
    r"[;:]|\b(?:but|however|although|though|except|aside from|apart from|other than"
    r"|despite|which|while|whereas|there (?:is|are|was|were|has|have|remains?))\b"
)
_MAX_BEFORE, _MAX_AFTER, _MAX_UNSURE = 10, 7, 8

_CHANGE = (
    r"change|changes|changed|increase|increased|decrease|decreased|improvement|improved"
    r"|worsening|worsened|different|difference|progression|progressed"
)
NOT_NEGATION = re.compile(
    rf"\b(?:no|not|without|any)(?: (?:\w+ly|significant|interval|appreciable"
    rf"|substantial|definite|gross|major|other|or))* (?:{_CHANGE})\b"
    r"|\bnot only\b|\bno doubt\b|\bnot well (?:seen|evaluated|visualized|assessed)\b"
)
_NOT_EXCLUDED = (
    r"(?:can ?not|could not|not|difficult to|hard to|cannot)(?: be)?"
    r"(?: (?:completely|entirely|definitively|fully|totally|reliably|be))* "
    r"(?:exclude[d]?|rule[d]? out)"
)
NOT_EXCLUDED = re.compile(rf"\b{_NOT_EXCLUDED}\b")
NO_NEW = re.compile(
    r"\bno (?:\w+ )?(?:new|newly|worsening|increasing|enlarging|additional|other)\b"
)
HISTORY = re.compile(
    r"\b(?:history of|hx of|status post|s/p|evaluate for|evaluation for|evaluation of"
    r"|assess for|rule out|r/o|concern for clinical|screening for|prior history of"
    r"|treatment for|treated|exclude|follow ?up of)\b"
)
NEGATION_BEFORE = re.compile(
    r"\b(?:no|not|without|neither|nor|never|negative for|free of|free from|clear of"
    r"|clear from|absence of|absent|lack of|resolution of|resolved|rather than"
    r"|instead of|removal of|removed|none)\b"
)
NEGATION_AFTER = re.compile(
    r"\b(?:(?:is|are|was|were|has been|have been|can be|could be) (?:not|no longer)"
    r"(?: (?:\w+ly|well|be|been))* (?:seen|identified|present|visible|visualized"
    r"|evident"
    r"|appreciated|noted|demonstrated|detected|found|observed|shown)|absent"
    r"|(?:not|no longer) (?:seen|identified|present|visible|visualized|evident"
    r"|appreciated"
    r"|noted|demonstrated|detected|observed)"
    r"|(?:has|have)(?: \w+ly| since)* (?:resolved|cleared|disappeared)|resolved"
    r"|ruled out"
    r"|excluded|(?:has|have) been removed|(?:is|are) unlikely|unlikely"
    r"|(?:is|are|appears?) (?:normal|within (?:the )?(?:normal limits"
    r"|limits of normal)))\b"
)
UNCERTAIN_BEFORE = re.compile(
    r"\b(?:may|might|could|possible|possibly|possibility of|probable|probably|likely"
    r"|suspected|suspect|suspicion of|suspicion for|suspicious for|suggests?|suggesting"
    r"|suggestive of|concerning for|concern for|worrisome for|questionable|question of"
    r"|question|versus|vs|differential|consider|equivocal|borderline|presumed"
    r"|presumably"
    r"|perhaps|favored|favors?|favoring|cannot exclude|questioned|raises?|worrisome"
    rf"|potentially|potential|{_NOT_EXCLUDED})\b"
)
UNCERTAIN_AFTER = re.compile(
    r"\b(?:(?:is|are|was|were|remains?)(?: also| \w+ly)? (?:possible|possibly|suspected"
    r"|questioned|questionable|likely|probable|favored|considered|equivocal|borderline"
    r"|a consideration|a possibility|in the differential|difficult to exclude"
    r"|hard to exclude|not excluded)|(?:may|might|could)(?: also)? be (?:present"
    r"|considered|seen|there|possible)|(?:should|must) be considered|versus|vs"
    rf"|{_NOT_EXCLUDED})\b|^\s*(?:possible|suspected|not excluded|questioned)\s*$"
)

_NEW_STATEMENT = (
    r"(?:a|an|the|is|are|stable|unchanged|persistent|mild|mildly|moderate|moderately"
    r"|small|large|tiny|trace|minimal|severe|left|right|bilateral|bibasilar|new"
    r"|improved"
    r"|increased|decreased|likely|probably|possibly|may|might|could|consistent|suggest"
    r"|suggesting|suggestive|concerning for|suspicious for|favor|favored|worrisome"
    r"|slightly|low"
    r"|there|normal|again|calcified|patchy|old|healed|chronic)\b"
)
_BLOCK_BEFORE = re.compile(
    rf"(?:,|\band\b|\bwith\b)\s*(?:,|and|with)?\s*{_NEW_STATEMENT}|\bwith\b"
)
_BLOCK_AFTER = re.compile(
    r"\b(?:is|are|was|were|has|have|seen|present|noted|identified|demonstrated|shows?"
    r"|remains?|may|could|might|represents?|representing|likely|without|no)\b"
)
_JOINED = re.compile(r"^\s*,?\s*(?:or|and/or|versus|vs\.?)\s+(?:\w+\s+){0,3}$")


def mask(clause: str) -> str:
    """Blank out the words that look like a negation and are none, in place."""
    return NOT_NEGATION.sub(lambda m: "#" * len(m[0]), clause)


def assess(clause: str, start: int, end: int) -> tuple[str, str] | None:
    """Return (state, rule) of the finding named at `clause[start:end]`.

    Args:
        clause: Normalized text between two scope breaks.
        start: First character of the name.
        end: First character after it.

    Returns:
        None where the sentence states nothing about now: history, or only that nothing
        is new.
    """
    masked = mask(clause)
    before, after = masked[:start], masked[end:]
    if _reaches(NO_NEW, before) or _in_history(before):
        return None
    if _reaches(NOT_EXCLUDED, before) or _follows(NOT_EXCLUDED, after):
        return "uncertain", "not_excluded"
    plain = NOT_EXCLUDED.sub(lambda m: "#" * len(m[0]), masked)
    if _reaches(NEGATION_BEFORE, plain[:start]):
        return "absent", "negation_before"
    if _follows(NEGATION_AFTER, plain[end:]):
        return "absent", "negation_after"
    if _reaches(UNCERTAIN_BEFORE, before, _MAX_UNSURE):
        return "uncertain", "uncertain_before"
    if _follows(UNCERTAIN_AFTER, after):
        return "uncertain", "uncertain_after"
    return "present", "named"


def is_alternative(between: str) -> bool:
    """Tell whether the text between two named findings offers them as alternatives."""
    return _JOINED.match(between) is not None


def _in_history(before: str) -> bool:
    """Tell whether a history cue governs what follows, not negated or unsure itself."""
    cues = list(HISTORY.finditer(before))
    if not cues or NOT_EXCLUDED.search(before):
        return False
    return not _BLOCK_BEFORE.search(before[cues[-1].end() :])


def _reaches(cue: re.Pattern[str], before: str, words: int = _MAX_BEFORE) -> bool:
    """Tell whether the last cue before a name still holds at the name."""
    hits = list(cue.finditer(before))
    if not hits:
        return False
    between = before[hits[-1].end() :]
    if len(between.split()) > words:
        return False
    blocks = list(_BLOCK_BEFORE.finditer(between))
    return not blocks or bool(re.search(r"\bn?or\b", between[blocks[-1].end() :]))


def _follows(cue: re.Pattern[str], after: str) -> bool:
    """Tell whether a cue after a name speaks of it and of nothing else."""
    hit = cue.search(after)
    if hit is None:
        return False
    between = re.sub(
        r"\b(?:is|are|was|were|be|been|has|have|can|could)\s*$",
        "",
        after[: hit.start()],
    )
    return len(between.split()) <= _MAX_AFTER and not _BLOCK_AFTER.search(between)
