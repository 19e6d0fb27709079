"""A report and what was marked on the image, as columns of a row."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from capture.errors import InputError
from capture.findings import FINDINGS
from capture.studies import Annotations, Region
from curation.privacy import scrub
from curation.reports import (
    Mention,
    ParsedReport,
    Sentence,
    label_report,
    mentions_of,
    split_report,
)
from curation.schema import (
    LABELS_FROM_ANNOTATIONS,
    LABELS_FROM_RULES,
    LABELS_NONE,
    NOT_STATED,
    SECTIONS,
    SIDES,
    STATES,
    Column,
    make_table,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportText:
    """A report, blanked where it named people or days, and what it says."""

    text: str
    parsed: ParsedReport
    mentions: tuple[tuple[Mention, ...], ...]
    """For every sentence."""

    def section(self, name: str) -> str | None:
        """Text of a section; None where the report has none."""
        span = self.parsed.sections.get(name)
        text = self.text[span[0] : span[1]].strip() if span else ""
        return text or None

    @property
    def sentences(self) -> Sequence[Sentence]:
        """In the order of the report."""
        return self.parsed.sentences


def read_report(path: Path, *, blank: bool = True) -> ReportText | None:
    """Read, blank and split a report; None for an empty file.

    Raises:
        InputError: The file cannot be read or is not UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig").replace("\0", " ")
    except UnicodeDecodeError as error:
        raise InputError(path, "is not UTF-8 text", "save it as UTF-8") from error
    except OSError as error:
        raise InputError(path, error.strerror or "cannot be read") from error
    return parse_report(text, blank=blank)


def parse_report(text: str, *, blank: bool = True) -> ReportText | None:
    """Blank a report first, then split it, so that its spans fit what is stored."""
    text = scrub(text)[0] if blank else text
    if not text.strip():
        return None
    parsed = split_report(text)
    mentions = tuple(tuple(found) for found in mentions_of(parsed))
    return ReportText(text=text, parsed=parsed, mentions=mentions)


def mention_table(report: ReportText) -> dict[str, Column]:
    """List what every sentence says about the fourteen findings."""
    rows = [
        (number, FINDINGS.index(m.finding), STATES[m.state], SIDES.index(m.side))
        for number, mentions in enumerate(report.mentions)
        for m in mentions
    ]
    sentence, finding, state, side = np.array(rows, np.int32).reshape(-1, 4).T
    return make_table(
        "mentions", sentence=sentence, finding=finding, state=state, side=side
    )


def region_table(
    regions: Sequence[Region], report: ReportText | None
) -> dict[str, Column]:
    """List the marked regions, each with the sentence that reports it.

    A region without extent inside the image is left out.
    """
    boxes = [np.clip(np.array(r.box, np.float32), 0, 1) for r in regions]
    kept = [
        (region, box)
        for region, box in zip(regions, boxes, strict=True)
        if box[0] < box[2] and box[1] < box[3]
    ]
    x0, y0, x1, y1 = np.array([box for _, box in kept], np.float32).reshape(-1, 4).T
    return make_table(
        "regions",
        finding=[FINDINGS.index(region.finding) for region, _ in kept],
        side=[SIDES.index(region.side) for region, _ in kept],
        x0=x0,
        y0=y0,
        x1=x1,
        y1=y1,
        sentence=[sentence_of(region, report) for region, _ in kept],
    )


def sentence_of(region: Region, report: ReportText | None) -> int:
    """Find the sentence that reports a region as present; -1 where none does.

    The first that names the same side wins over the first that names none or both.
    """
    loose = -1
    for number, mentions in enumerate(report.mentions if report else ()):
        for mention in mentions:
            if mention.finding != region.finding or mention.state != "present":
                continue
            if mention.side == region.side:
                return number
            open_sides = {None, "both"} & {mention.side, region.side}
            if open_sides and loose < 0:
                loose = number
    return loose


def labels_of(
    annotations: Annotations | None, report: ReportText | None
) -> tuple[NDArray[np.int8], int]:
    """Label the fourteen findings: from annotations if there are any, else by rules.

    Returns:
        (14,) 1 present, 0 absent, -1 uncertain, -2 not stated; and where from.
    """
    stated: dict[str, int] = {}
    source = LABELS_NONE
    if annotations is not None and annotations.labels:
        stated, source = dict(annotations.labels), LABELS_FROM_ANNOTATIONS
    elif report is not None:
        stated, source = label_report(report.mentions), LABELS_FROM_RULES
    values = [stated.get(finding, NOT_STATED) for finding in FINDINGS]
    return np.array(values, np.int8), source


def section_number(sentence: Sentence) -> int:
    """Return the stored number of a sentence's section."""
    known = sentence.section if sentence.section in SECTIONS else "other"
    return SECTIONS.index(known)
