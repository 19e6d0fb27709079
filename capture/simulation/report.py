"""Write the report a radiologist could have dictated on a simulated film."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from capture.simulation import phrases
from capture.simulation.findings import Box, Finding
from capture.simulation.phantom import Phantom

State = Literal["present", "absent", "uncertain", "normal"]
Section = Literal["findings", "impression"]

_LUNG = ("Consolidation", "Lung Lesion", "Edema", "Atelectasis")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSentence:
    """One sentence, what it claims, and where on the film it is about."""

    text: str
    section: Section
    finding: Finding | None = None
    """The first finding it calls present or uncertain."""
    state: State = "normal"
    region: Box | None = None
    """Where the reader must look for it; bounds all of `regions`."""
    names: tuple[str, ...] = ()
    """CheXpert-14 names that the sentence is about, absent ones included."""
    regions: tuple[Box, ...] = ()
    """One box a place, where there are several, such as both lung bases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The sentences in the order of dictation, and the whole text."""

    sentences: tuple[ReportSentence, ...]
    text: str


def make_report(phantom: Phantom, seed: int) -> Report:
    """Write a report that is true to the film; wording and order come from the seed.

    Every finding is called present, or uncertain where it is subtle or small; nothing
    that is not there is called present.
    """
    writer = _Writer(phantom, np.random.default_rng([seed, 9]))
    findings, impression = writer.findings(), writer.impression()
    text = (
        f"FINDINGS: {' '.join(s.text for s in findings)}\n\n"
        f"IMPRESSION: {' '.join(s.text for s in impression)}\n"
    )
    return Report(sentences=(*findings, *impression), text=text)


class _Writer:
    def __init__(self, phantom: Phantom, rng: np.random.Generator) -> None:
        self.phantom, self.rng = phantom, rng
        self.groups: dict[str, list[Finding]] = {}
        for finding in phantom.findings:
            self.groups.setdefault(finding.name, []).append(finding)
        self.doubted = {
            name for name, items in self.groups.items() if self._in_doubt(items)
        }

    def findings(self) -> list[ReportSentence]:
        blocks: dict[str, list[ReportSentence]] = {
            "devices": self._devices(),
            "lungs": self._lungs(),
            "pleura": self._pleura(),
            "heart": self._heart(),
            "bones": self._bones(),
        }
        orders = (
            ("devices", "lungs", "pleura", "heart", "bones"),
            ("heart", "lungs", "pleura", "bones", "devices"),
            ("devices", "heart", "lungs", "pleura", "bones"),
            ("lungs", "pleura", "heart", "bones", "devices"),
        )
        order = orders[int(self.rng.integers(len(orders)))]
        return [sentence for block in order for sentence in blocks[block]]

    def impression(self) -> list[ReportSentence]:
        sentences: list[ReportSentence] = []
        named = [name for name in self.groups if name != "Support Devices"]
        if not named:
            options = (
                phrases.IMPRESSION_DEVICES_ONLY
                if self.groups
                else phrases.IMPRESSION_NORMAL
            )
            sentences.append(self._plain(options, "impression", None, state="normal"))
        pair = {"Cardiomegaly", "Edema"}
        if pair <= set(named) and not pair & self.doubted and self.rng.random() < 0.5:
            items = self.groups["Cardiomegaly"] + self.groups["Edema"]
            size = _size(self.groups["Edema"][0])
            text = self._pick(phrases.IMPRESSION_HEART_FAILURE).format(size=size)
            sentences.append(_about(text, "impression", "present", items))
            named = [name for name in named if name not in pair]
        self.rng.shuffle(named)
        for name in named:
            sentences += self._summary(name)
        if "Lung Lesion" in named and self.rng.random() < 0.5:
            sentences.append(self._plain(phrases.FOLLOW_UP, "impression", None))
        return sentences

    def _in_doubt(self, items: Sequence[Finding]) -> bool:
        if len(items) > 1 and items[0].name != "Edema":
            return False
        severity, name = items[0].severity, items[0].name
        if name == "Support Devices" or items[0].kind in ("mass", "volume_loss"):
            return False
        if name == "Pneumothorax" and items[0].zone != "apical":
            return False
        chance = {"subtle": 0.6, "small": 0.12, "mild": 0.1}.get(severity, 0.0)
        return bool(self.rng.random() < chance)

    def _pick(self, options: Sequence[str]) -> str:
        return options[int(self.rng.integers(len(options)))]

    def _plain(
        self,
        options: Sequence[str],
        section: Section,
        place: str | None,
        *,
        state: State = "normal",
        names: tuple[str, ...] = (),
    ) -> ReportSentence:
        region = self.phantom.anatomy[place] if place else None
        return ReportSentence(
            text=self._pick(options),
            section=section,
            state=state,
            region=region,
            names=names,
        )

    def _one(
        self, finding: Finding, sure: Sequence[str], maybe: Sequence[str]
    ) -> ReportSentence:
        doubted = finding.name in self.doubted
        text = _fill(self._pick(maybe if doubted else sure), finding)
        return _about(
            text, "findings", "uncertain" if doubted else "present", [finding]
        )

    def _devices(self) -> list[ReportSentence]:
        items = self.groups.get("Support Devices", [])
        return [self._one(item, phrases.DEVICES[item.kind], ()) for item in items]

    def _lungs(self) -> list[ReportSentence]:
        sentences = [
            self._one(item, phrases.CONSOLIDATION_ONE, phrases.CONSOLIDATION_MAYBE)
            for item in self.groups.get("Consolidation", [])
        ]
        for item in self.groups.get("Lung Lesion", []):
            sure = phrases.MASS if item.kind == "mass" else phrases.NODULE
            sentences.append(self._one(item, sure, phrases.NODULE_MAYBE))
        sentences += self._edema() + self._atelectasis()
        self.rng.shuffle(sentences)
        busy = {
            item.side
            for name in (*_LUNG, "Pleural Effusion", "Pneumothorax")
            for item in self.groups.get(name, [])
        }
        if not any(name in self.groups for name in _LUNG):
            if not busy and self.rng.random() < 0.6:
                sentences.append(self._lungs_clear())
        elif len(busy) == 1 and self.rng.random() < 0.4:
            other = "left" if "right" in busy else "right"
            text = self._pick(phrases.ONE_LUNG_CLEAR).format(
                side=other, Side=other.capitalize()
            )
            region = self.phantom.anatomy[f"{other}_lung"]
            sentences.append(
                ReportSentence(text=text, section="findings", region=region)
            )
        missing = [
            n
            for n in ("Consolidation", "Edema", "Lung Lesion", "Atelectasis")
            if n not in self.groups
        ]
        chances = {
            "Consolidation": 0.65,
            "Edema": 0.4,
            "Lung Lesion": 0.2,
            "Atelectasis": 0.08,
        }
        absent = [name for name in missing if self.rng.random() < chances[name]]
        return sentences + self._absent(absent)

    def _lungs_clear(self) -> ReportSentence:
        boxes = [self.phantom.anatomy[f"{side}_lung"] for side in ("right", "left")]
        return ReportSentence(
            text=self._pick(phrases.LUNGS_CLEAR),
            section="findings",
            region=_union(boxes),
            regions=tuple(boxes),
        )

    def _edema(self) -> list[ReportSentence]:
        items = self.groups.get("Edema", [])
        if not items:
            return []
        doubted = "Edema" in self.doubted
        text = _fill(
            self._pick(phrases.EDEMA_MAYBE if doubted else phrases.EDEMA), items[0]
        )
        return [_about(text, "findings", "uncertain" if doubted else "present", items)]

    def _atelectasis(self) -> list[ReportSentence]:
        items = self.groups.get("Atelectasis", [])
        if len(items) == 2:
            text = self._pick(phrases.ATELECTASIS_BOTH)
            return [_about(text, "findings", "present", items)]
        sure = {
            "band": phrases.ATELECTASIS_BAND,
            "volume_loss": phrases.ATELECTASIS_LOSS,
        }
        return [
            self._one(item, sure[item.kind], phrases.ATELECTASIS_MAYBE)
            for item in items
        ]

    def _pleura(self) -> list[ReportSentence]:
        sentences: list[ReportSentence] = []
        effusions = self.groups.get("Pleural Effusion", [])
        if len(effusions) == 2:
            sentences.append(self._two_effusions(effusions))
        for item in effusions if len(effusions) == 1 else []:
            sure: tuple[str, ...] = phrases.EFFUSION_ONE
            if item.severity == "small":
                sure += phrases.EFFUSION_BLUNT
            sentences.append(self._one(item, sure, phrases.EFFUSION_MAYBE))
        for item in self.groups.get("Pneumothorax", []):
            sure = phrases.PNEUMOTHORAX_ONE
            if item.zone == "apical":
                sure += phrases.PNEUMOTHORAX_APICAL
            sentences.append(self._one(item, sure, phrases.PNEUMOTHORAX_MAYBE))
        missing = [
            n for n in ("Pneumothorax", "Pleural Effusion") if n not in self.groups
        ]
        self.rng.shuffle(missing)
        if missing and self.rng.random() < 0.88:
            sentences += self._absent(missing)
        return sentences

    def _two_effusions(self, items: Sequence[Finding]) -> ReportSentence:
        by_side = {item.side: item for item in items}
        right, left = by_side["right"], by_side["left"]
        if right.severity == left.severity:
            text = _fill(self._pick(phrases.EFFUSION_BOTH), right)
        else:
            rank = ("small", "moderate", "large")
            right_larger = rank.index(right.severity) > rank.index(left.severity)
            text = self._pick(phrases.EFFUSION_UNEQUAL).format(
                size_right=right.severity,
                size_left=left.severity,
                larger="right" if right_larger else "left",
                smaller="left" if right_larger else "right",
            )
        return _about(text, "findings", "present", items)

    def _heart(self) -> list[ReportSentence]:
        items = self.groups.get("Cardiomegaly", [])
        if items:
            sure = phrases.HEART_LARGE[items[0].severity]
            sentences = [self._one(items[0], sure, phrases.HEART_MAYBE)]
            if self.rng.random() < 0.5:
                sentences.append(
                    self._plain(phrases.MEDIASTINUM_NORMAL, "findings", "mediastinum")
                )
            return sentences
        absent: tuple[str, ...] = ("Cardiomegaly",)
        if self.rng.random() < 0.4:
            return [
                self._plain(
                    phrases.HEART_AND_MEDIASTINUM_NORMAL,
                    "findings",
                    "heart",
                    names=absent,
                )
            ]
        sentences = [
            self._plain(phrases.HEART_NORMAL, "findings", "heart", names=absent)
        ]
        if self.rng.random() < 0.6:
            sentences.append(
                self._plain(phrases.MEDIASTINUM_NORMAL, "findings", "mediastinum")
            )
        return sentences

    def _bones(self) -> list[ReportSentence]:
        sentences = []
        for trait in self.phantom.traits:
            if self.rng.random() < 0.6:
                place = phrases.TRAIT_REGIONS[trait]
                sentences.append(self._plain(phrases.TRAITS[trait], "findings", place))
        if not sentences and self.rng.random() < 0.6:
            sentences.append(self._plain(phrases.BONES_NORMAL, "findings", "bones"))
        if self.rng.random() < 0.12 and not self.groups:
            sentences.append(
                self._plain(phrases.DIAPHRAGM_NORMAL, "findings", "abdomen")
            )
        return sentences

    def _absent(self, names: Sequence[str]) -> list[ReportSentence]:
        if not names:
            return []
        anatomy = self.phantom.anatomy
        text = self._pick(phrases.ABSENT_FRAMES).format(
            list=_or([phrases.ABSENT[name] for name in names])
        )
        place = {"Pleural Effusion": "costophrenic", "Pneumothorax": "apex"}.get(
            names[0], "lung"
        )
        boxes = tuple(anatomy[f"{side}_{place}"] for side in ("right", "left"))
        return [
            ReportSentence(
                text=text,
                section="findings",
                state="absent",
                names=tuple(names),
                region=_union(boxes),
                regions=boxes,
            )
        ]

    def _summary(self, name: str) -> list[ReportSentence]:
        items, doubted = self.groups[name], name in self.doubted
        state: State = "uncertain" if doubted else "present"
        if name == "Edema":
            items = items[:1]
        if len(items) == 2 and name in phrases.IMPRESSION_BOTH:
            text = self._pick(phrases.IMPRESSION_BOTH[name])
            return [_about(text, "impression", state, items)]
        sentences = []
        for item in items:
            key = item.kind if name == "Lung Lesion" else name
            text = (
                phrases.IMPRESSION_MAYBE[key]
                if doubted
                else self._pick(phrases.IMPRESSION[key])
            )
            about = self.groups[name] if name == "Edema" else [item]
            sentences.append(_about(_fill(text, item), "impression", state, about))
        return sentences


def _about(
    text: str, section: Section, state: State, items: Sequence[Finding]
) -> ReportSentence:
    boxes = tuple(item.box for item in items)
    return ReportSentence(
        text=text,
        section=section,
        finding=items[0],
        state=state,
        region=_union(boxes),
        names=tuple(dict.fromkeys(item.name for item in items)),
        regions=boxes,
    )


def _size(finding: Finding) -> str:
    if finding.name in ("Pleural Effusion", "Pneumothorax", "Lung Lesion"):
        return "small" if finding.severity == "subtle" else finding.severity
    return "mild" if finding.severity == "subtle" else finding.severity


def _fill(template: str, finding: Finding) -> str:
    words = {
        "size": _size(finding),
        "side": finding.side or "",
        "zone": finding.zone or "",
        "cm": f"{finding.size_cm:.1f}" if finding.size_cm else "",
    }
    words |= {key.capitalize(): value.capitalize() for key, value in words.items()}
    return template.format(**words)


def _or(items: Sequence[str]) -> str:
    if len(items) < 3:
        return " or ".join(items)
    return f"{', '.join(items[:-1])}, or {items[-1]}"


def _union(boxes: Sequence[Box]) -> Box:
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return min(x0), min(y0), max(x1), max(y1)
