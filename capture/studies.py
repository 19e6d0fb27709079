"""The list of studies to read: a CSV file, and what was marked on each image."""

import csv
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from capture.documents import read_document
from capture.errors import InputError
from capture.findings import FINDINGS

COLUMNS = ("study_id", "patient_id", "image", "report", "annotations", "view")
REQUIRED_COLUMNS = ("study_id", "patient_id", "image")
VIEWS = ("PA", "AP", "LATERAL")
SIDES = ("left", "right", "both", "midline")
ANNOTATIONS_FORMAT, ANNOTATIONS_VERSION = "radgaze-annotations", 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """One image to read, with the report and the marks that belong to it."""

    study_id: str
    """The site's own name of the study; it never reaches a session."""
    patient_id: str
    """The site's own name of the patient; it never reaches a session."""
    image: Path
    """DICOM or ordinary image file."""
    report: Path | None = None
    """UTF-8 text of the report."""
    annotations: Path | None = None
    """JSON with labels and regions, see `read_annotations`."""
    view: str | None = None
    """PA, AP or LATERAL."""
    row: int = field(default=0, compare=False)
    """Line of the study list on which it begins, from 1; 0 for one made in code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A place on the image where a finding is seen."""

    finding: str
    """One of `FINDINGS`."""
    side: str | None
    """left, right, both or midline of the patient."""
    box: tuple[float, float, float, float]
    """Left, top, right, bottom as shares of the original image."""
    ellipse: tuple[float, float, float, float] | None = None
    """Center x, center y, radius x, radius y as shares of the original image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotations:
    """What somebody marked on one image."""

    labels: Mapping[str, int]
    """Finding to 1 (present), 0 (absent) or -1 (uncertain); missing: not stated."""
    regions: tuple[Region, ...] = ()


def read_studies(path: Path) -> list[Study]:
    """Read a study list; relative paths are relative to its folder.

    Raises:
        InputError: The file, a column, a value or a file it names is missing, or a
            study is there twice; the message names row and column.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            studies = _unique(
                path, (_study(path, line, row) for line, row in _rows(path, file))
            )
    except OSError as error:
        raise InputError(path, error.strerror or "cannot be read") from error
    except UnicodeDecodeError as error:
        raise InputError(path, "is not UTF-8 text", "save it as UTF-8") from error
    except csv.Error as error:
        raise InputError(path, f"is not a CSV file: {error}") from error
    if not studies:
        raise InputError(path, "lists no studies", "add one row a study")
    return studies


def write_studies(path: Path, studies: Iterable[Study]) -> None:
    """Write a study list that `read_studies` reads, with paths relative to it."""
    path = Path(path)
    beside = path.with_name(f".{path.name}.tmp")
    with beside.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        rows.writeheader()
        rows.writerows(_row(study, path.parent) for study in studies)
    beside.replace(path)


def read_annotations(path: Path) -> Annotations:
    """Read the labels and regions of one image.

    Raises:
        InputError: Not such a file, or a finding, side, label or box cannot be.
        VersionError: It was written in another version of the format.
    """
    path = Path(path)
    data = read_document(path, ANNOTATIONS_FORMAT, ANNOTATIONS_VERSION)
    labels = data.get("labels") or {}
    for finding, label in labels.items():
        if finding not in FINDINGS or label not in (1, 0, -1):
            raise InputError(
                path,
                f"label {finding!r}: {label!r} cannot be",
                f"labels are 1, 0 or -1 of: {', '.join(FINDINGS)}",
            )
    regions = tuple(
        _region(path, i, r) for i, r in enumerate(data.get("regions") or ())
    )
    return Annotations(labels=labels, regions=regions)


def write_annotations(path: Path, annotations: Annotations) -> None:
    """Write what `read_annotations` reads."""
    path = Path(path)
    data = {
        "format": ANNOTATIONS_FORMAT,
        "version": ANNOTATIONS_VERSION,
        "labels": dict(annotations.labels),
        "regions": [
            {"finding": r.finding, "side": r.side, "box": r.box, "ellipse": r.ellipse}
            for r in annotations.regions
        ],
    }
    beside = path.with_name(f".{path.name}.tmp")
    beside.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)


def _rows(path: Path, file: TextIO) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield every row that is not blank, with the line on which it begins."""
    reader = csv.reader(file, strict=True)
    columns = [name.strip() for name in next(reader, [])]
    _check_columns(path, columns)
    line = reader.line_num + 1
    for cells in reader:
        if any(cell.strip() for cell in cells[len(columns) :]):
            raise InputError(
                path,
                f"row {line} has {len(cells)} cells for {len(columns)} columns",
                "put text that holds a comma between double quotes",
            )
        if any(cell.strip() for cell in cells):
            yield line, dict(zip(columns, cells, strict=False))
        line = reader.line_num + 1


def _check_columns(path: Path, columns: list[str]) -> None:
    missing = [name for name in REQUIRED_COLUMNS if name not in columns]
    if missing:
        raise InputError(
            path,
            f"lacks column {', '.join(missing)}; found: {', '.join(columns) or 'none'}",
            f"the first line names the columns, with commas: {', '.join(COLUMNS)}",
        )


def _study(path: Path, line: int, row: Mapping[str, str]) -> Study:
    def cell(column: str) -> str:
        value = row.get(column, "").strip()
        if not value and column in REQUIRED_COLUMNS:
            raise InputError(path, f"row {line}, column {column}: empty")
        return value

    def file(column: str) -> Path | None:
        if not (value := cell(column)):
            return None
        target = path.parent / value
        if not target.is_file():
            raise InputError(path, f"row {line}, column {column}: no file {target}")
        return target

    image, view = file("image"), cell("view").upper() or None
    if view is not None and view not in VIEWS:
        raise InputError(
            path,
            f"row {line}, column view: {view!r}",
            f"known: {', '.join(VIEWS)}, or leave it empty",
        )
    if image is None:
        raise InputError(path, f"row {line}, column image: empty")
    return Study(
        study_id=cell("study_id"),
        patient_id=cell("patient_id"),
        image=image,
        report=file("report"),
        annotations=file("annotations"),
        view=view,
        row=line,
    )


def _unique(path: Path, studies: Iterable[Study]) -> list[Study]:
    unique: dict[str, Study] = {}
    for study in studies:
        if (first := unique.setdefault(study.study_id, study)) is not study:
            raise InputError(
                path,
                f"row {study.row}, column study_id: the same as in row {first.row}",
                "give every row its own study_id",
            )
    return list(unique.values())


def _row(study: Study, folder: Path) -> dict[str, str]:
    def relative(file: Path | None) -> str:
        if file is None:
            return ""
        return Path(os.path.relpath(file, folder)).as_posix()

    return {
        "study_id": study.study_id,
        "patient_id": study.patient_id,
        "image": relative(study.image),
        "report": relative(study.report),
        "annotations": relative(study.annotations),
        "view": study.view or "",
    }


def _region(path: Path, index: int, data: object) -> Region:
    if not isinstance(data, dict) or data.get("finding") not in FINDINGS:
        raise InputError(path, f"region {index}: no known finding")
    if (side := data.get("side")) is not None and side not in SIDES:
        raise InputError(path, f"region {index}: side {side!r}", f"known: {SIDES}")
    box = _four(path, f"region {index}: box", data.get("box"))
    if box[0] >= box[2] or box[1] >= box[3]:
        raise InputError(path, f"region {index}: box {box} is empty")
    ellipse = data.get("ellipse")
    if ellipse is not None:
        ellipse = _four(path, f"region {index}: ellipse", ellipse)
    return Region(finding=data["finding"], side=side, box=box, ellipse=ellipse)


def _four(path: Path, what: str, value: object) -> tuple[float, float, float, float]:
    try:
        a, b, c, d = (float(v) for v in value)  # type: ignore[attr-defined]
    except (TypeError, ValueError) as error:
        raise InputError(path, f"{what} is not four numbers: {value!r}") from error
    return a, b, c, d
