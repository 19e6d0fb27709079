"""What there is to see on a simulated study, and what its reader truly did."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from capture.documents import read_document
from capture.errors import InputError, writing

Box = tuple[float, float, float, float]
"""Left, top, right, bottom as shares of the original image."""
State = Literal["present", "absent", "uncertain", "normal"]

STUDY_FORMAT, STUDY_VERSION = "radgaze-study-truth", 1
TRUTH_FORMAT, TRUTH_VERSION = "radgaze-simulation-truth", 1
TRUTH_FILE = "simulation_truth.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthSentence:
    """A sentence of the report and where on the image it is about."""

    text: str
    section: str = "findings"
    """findings or impression."""
    state: str = "normal"
    """present, absent, uncertain or normal."""
    finding: str | None = None
    """Name of the finding; None for a sentence about none."""
    region: Box | None = None
    """Where a reader must look for it; None for a sentence about the whole image."""
    regions: tuple[Box, ...] = ()
    """The places inside `region`, where there are several; empty for the whole box."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyTruth:
    """What a simulated reader needs to know of one study."""

    study_id: str
    sentences: tuple[TruthSentence, ...]
    """In the order of the report."""
    abnormal: tuple[Box, ...] = ()
    """What attracts the eyes."""
    anatomy: Mapping[str, Box] = field(default_factory=dict)
    """What a survey of the image looks over."""


def truth_path(studies_csv: Path, study_id: str) -> Path:
    """Return where the truth of a study lies, beside its study list."""
    return Path(studies_csv).parent / "truth" / f"{study_id}.json"


def read_study_truth(path: Path) -> StudyTruth:
    """Read what was drawn on a simulated image and said in its report.

    Raises:
        InputError: The file is missing, no JSON, or lacks a field.
        VersionError: It was written in another version of the format.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(
            path,
            "is missing: only studies made by the simulator can be read by it",
            "make them with: radgaze capture simulate-studies",
        )
    data = read_document(path, STUDY_FORMAT, STUDY_VERSION)
    try:
        return _study_truth(data)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(path, f"is no truth of a study: {error!r}") from error


def write_truth(path: Path, data: Mapping[str, Any]) -> None:
    """Write the truth of a session, replacing an older one in a single step."""
    path = Path(path)
    beside = path.with_name(f".{path.name}.tmp")
    whole = {"format": TRUTH_FORMAT, "version": TRUTH_VERSION} | dict(data)
    with writing(path):
        beside.write_text(json.dumps(whole, allow_nan=False) + "\n", encoding="utf-8")
        beside.replace(path)


def read_truth(folder: Path) -> dict[str, Any]:
    """Read the truth of a simulated session, for tests and reports only.

    Raises:
        InputError: The folder has none.
        VersionError: It was written in another version of the format.
    """
    return read_document(Path(folder) / TRUTH_FILE, TRUTH_FORMAT, TRUTH_VERSION)


def _study_truth(data: Mapping[str, Any]) -> StudyTruth:
    return StudyTruth(
        study_id=str(data["study_id"]),
        sentences=tuple(_sentence(entry) for entry in data["sentences"]),
        abnormal=tuple(_box(entry["box"]) for entry in data.get("findings", ())),
        anatomy={name: _box(box) for name, box in data.get("anatomy", {}).items()},
    )


def _sentence(entry: Mapping[str, Any]) -> TruthSentence:
    finding = entry.get("finding")
    region = entry.get("region")
    return TruthSentence(
        text=str(entry["text"]),
        section=str(entry.get("section", "findings")),
        state=str(entry.get("state", "normal")),
        finding=finding["name"] if isinstance(finding, Mapping) else finding,
        region=None if region is None else _box(region),
        regions=tuple(_box(box) for box in entry.get("regions") or ()),
    )


def _box(values: Any) -> Box:
    x0, y0, x1, y1 = (float(value) for value in values)
    return x0, y0, x1, y1
