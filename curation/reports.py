"""Report text: sections, sentences, findings and labels, by documented rules.

`split_report` cuts a report, `find_mentions` reads one sentence, `label_report` sums up
the mentions of a report. The rules live in `curation.report_text`.
"""

from collections.abc import Iterable

from curation.report_text.mentions import Mention, find_mentions
from curation.report_text.sentences import ParsedReport, Sentence, split_report

__all__ = [
    "Mention",
    "ParsedReport",
    "Sentence",
    "find_mentions",
    "label_report",
    "mentions_of",
    "split_report",
]

STATE_VALUES = {"present": 1, "uncertain": -1, "absent": 0}
"""State of a mention to the value of its label."""
_RANK = {"present": 2, "uncertain": 1, "absent": 0}


def mentions_of(report: ParsedReport) -> list[list[Mention]]:
    """Return the mentions of every sentence; only findings and impression count."""
    return [
        find_mentions(sentence.text) if sentence.section != "other" else []
        for sentence in report.sentences
    ]


def label_report(mentions: Iterable[Iterable[Mention]]) -> dict[str, int]:
    """Sum the mentions of a report up to one value a finding.

    Within a report present outranks uncertain, and uncertain outranks absent. A finding
    that is not mentioned is missing from the result: it is unknown, not absent. `No
    Finding` is 1 where the report calls the image normal and names nothing abnormal
    besides support devices, and 0 where it names something abnormal.

    Args:
        mentions: For every sentence, what `find_mentions` returned.

    Returns:
        CheXpert-14 name to 1 present, 0 absent, -1 uncertain.
    """
    states: dict[str, str] = {}
    for mention in (m for sentence in mentions for m in sentence):
        known = states.get(mention.finding)
        if known is None or _RANK[mention.state] > _RANK[known]:
            states[mention.finding] = mention.state
    called_normal = states.pop("No Finding", None) is not None
    labels = {finding: STATE_VALUES[state] for finding, state in states.items()}
    abnormal = {v for f, v in labels.items() if f != "Support Devices" and v != 0}
    if 1 in abnormal:
        labels["No Finding"] = 0
    elif called_normal and not abnormal:
        labels["No Finding"] = 1
    return labels
