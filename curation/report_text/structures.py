"""Findings stated through a structure, as in "the heart is enlarged"."""

import re
from dataclasses import dataclass

from curation.report_text.cues import mask

_NORMAL = (
    r"normal|unremarkable|within (?:the )?normal limits"
    r"|within (?:the )?limits of normal|not enlarged|intact|clear|sharp"
    r"|preserved"
    r"|without (?:acute )?abnormality|grossly normal|well defined|nonenlarged"
)
_BORDERLINE = (
    r"borderline(?: (?:enlarged|enlargement|large|prominent|in size|size))?"
    r"|(?:at (?:the )?)?upper limits? of (?:the )?normal(?: limits)?|top normal"
    r"|upper normal|high normal"
)
_LARGE = r"enlarged|enlargement|increased|prominent|prominence|widened|widening|large"


@dataclass(frozen=True, slots=True)
class Structure:
    """A part of the image whose description states a finding."""

    finding: str
    name: re.Pattern[str]
    abnormal: re.Pattern[str] | None
    normal: re.Pattern[str]


def _structure(
    finding: str, name: str, abnormal: str | None, normal: str = _NORMAL
) -> Structure:
    return Structure(
        finding,
        re.compile(rf"\b(?:{name})\b"),
        re.compile(rf"\b(?:{abnormal})\b") if abnormal else None,
        re.compile(rf"\b(?:{normal})\b"),
    )


STRUCTURES = (
    _structure(
        "Cardiomegaly",
        r"heart(?! failure| border| disease| valve| rate"
        r"| and lung)(?: and mediastinum)?"
        r"(?: size| silhouette| shadow| contours?)?|heart(?= and lung)"
        r"|cardiac (?:size|silhouette|shadow|contours?)|cardiac(?= and mediastinal)"
        r"|cardiothoracic ratio|size of the heart",
        _LARGE,
    ),
    _structure(
        "Enlarged Cardiomediastinum",
        r"cardiomediastinal (?:silhouette|contours?|structures?|shadow|borders?)"
        r"|cardiomediastinum|mediastin(?:um|al)(?: and hilar)?"
        r"(?: (?:silhouette|contours?|structures?|shadow|borders?|size|width))?",
        _LARGE,
    ),
    _structure(
        "Lung Opacity",
        r"lungs?(?! nodule| mass| volume| base| apex| apices)(?: fields?| parenchyma)?"
        r"(?: are| is)?(?: \w+ly)?(?: well)?(?=:? .{0,60}\bclear\b)"
        r"|(?<=clear )lungs?|hemithora(?:x|ces)",
        None,
        r"clear(?! of)",
    ),
    _structure(
        "Pleural Effusion",
        r"(?:(?:right|left|both|lateral|posterior) )?costophrenic (?:angles?|sulc(?:us"
        r"|i)"
        r"|recess(?:es)?|sinus(?:es)?)|pleural (?:spaces?|recess(?:es)?)",
        r"blunt(?:ed|ing)|obscured|effaced",
    ),
    _structure(
        "Edema",
        r"(?:pulmonary |lung )?(?:vascularity|vasculature|vascular markings|vessels)"
        r"|pulmonary vascular pattern",
        r"congested|engorged|engorgement|cephalized|indistinct",
    ),
    _structure(
        "Fracture",
        r"(?:bony|osseous|skeletal|visuali[sz]ed bony|visuali[sz]ed osseous) "
        r"(?:structures?|thorax|skeleton|thoracic structures?|elements?)|bones|ribs"
        r"|visuali[sz]ed skeleton|rib cage|bony thoracic cage",
        None,
        r"intact|normal|unremarkable|without (?:acute )?abnormality",
    ),
)
_NO_BONE = re.compile(
    r"\b(?:no|without) (?:(?:acute|focal|significant|definite|evidence of|visible) )*"
    r"(?:bon[ey]|osseous|skeletal)(?: \w+)? (?:abnormalit(?:y|ies)|findings?|injur(?:y"
    r"|ies)"
    r"|lesions?|process|pathology)"
)
_BORDER = re.compile(rf"\b(?:{_BORDERLINE})\b")
_ATTRIBUTIVE = re.compile(
    r"^\s*(?:(?:of|in|the|overall|cardiac|caliber|size|appearance|contour|appearing"
    r"|sized?|both) ?)*$"
)
_NOT = re.compile(r"\b(?:not|no|without|nor)(?: \w+ly| evidence of| significant)*\s*$")
_UNSURE = re.compile(
    r"\b(?:may be|might be|could be|possibly|possible|probably|probable|likely"
    r"|questionable|suspected)(?: \w+ly| mild| slight| minimal)*\s*$"
)


def find_structures(clause: str) -> list[tuple[int, int, str, str, str]]:
    """Return (start, end, finding, state, rule) of every described structure.

    Args:
        clause: Normalized text between two scope breaks.
    """
    masked = mask(clause)
    found = []
    for structure in STRUCTURES:
        for name in structure.name.finditer(masked):
            state = _describe(masked, name, structure)
            if state is not None:
                rule = f"structure_{state}"
                found.append((name.start(), name.end(), structure.finding, state, rule))
                break
    found += [_heart_in(hit) for hit in found if _implies_heart(masked, hit)]
    bones = [match.span() for match in _NO_BONE.finditer(masked)]
    return found + [(*span, "Fracture", "absent", "no_bone_injury") for span in bones]


def _implies_heart(clause: str, hit: tuple[int, int, str, str, str]) -> bool:
    """Tell whether a normal silhouette of heart and mediastinum was described."""
    return hit[3] == "absent" and clause[hit[0] : hit[1]].startswith("cardiomediastin")


def _heart_in(
    hit: tuple[int, int, str, str, str],
) -> tuple[int, int, str, str, str]:
    return hit[0], hit[1], "Cardiomegaly", "absent", "structure_absent"


def _describe(clause: str, name: re.Match[str], structure: Structure) -> str | None:
    """Return the state that the nearest description of a structure expresses."""
    hits = []
    patterns = [(_BORDER, "uncertain"), (structure.normal, "absent")]
    if structure.abnormal is not None:
        patterns.append((structure.abnormal, "present"))
    for pattern, state in patterns:
        if pattern is _BORDER and structure.abnormal is None:
            continue
        hits += [(m.start(), m.end(), state) for m in pattern.finditer(clause)]
    before = [h for h in hits if _attributive(clause, h[1], name.start())]
    after = [h for h in hits if h[0] >= name.end()]
    if before:
        return _negated(clause, max(before, key=lambda h: (h[1], h[1] - h[0])))
    if after:
        return _negated(clause, min(after, key=lambda h: (h[0], h[0] - h[1])))
    return None


def _attributive(clause: str, end: int, start: int) -> bool:
    """Tell whether only "size of the" and the like stand between word and structure."""
    return end <= start and _ATTRIBUTIVE.match(clause[end:start]) is not None


def _negated(clause: str, hit: tuple[int, int, str]) -> str | None:
    start, _, state = hit
    head = clause[:start]
    if state == "present" and _NOT.search(head):
        return "absent"
    if state == "absent" and _NOT.search(head):
        return None
    if state == "present" and _UNSURE.search(head):
        return "uncertain"
    return state
