"""One row of a data set, the columns it is stored in, and what must hold for it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = NDArray[Any]
"""(n,) values of one column; text is an object array of str."""
Table = Mapping[str, Column]
"""Column name to values, all of one length."""

SHARD_FORMAT, SHARD_VERSION = "radgaze-shard", 1
TEXT = "str"
"""Type of a text column in `TABLES`."""

IDS = ("reading_id", "image_id", "study_id", "patient_id", "reader_id")
TEXTS = ("findings", "impression", "report")
MASKS = (
    "has_gaze",
    "has_report",
    "has_findings",
    "has_impression",
    "has_audio",
    "has_labels",
    "has_regions",
    "has_reader",
)
QUALITY = (
    "valid_share",
    "gaze_rate_hz",
    "duration_s",
    "largest_gap_s",
    "on_image_share",
    "timed_sentence_share",
    "truncated",
)
"""Numbers on how good a reading's recording is; NaN where there is no gaze."""
TABLES: dict[str, dict[str, str]] = {
    "sentences": {
        "text": TEXT,
        "section": "<i1",
        "char_start": "<i4",
        "char_end": "<i4",
        "has_time": "?",
        "start_s": "<f8",
        "end_s": "<f8",
        "method": TEXT,
        "score": "<f4",
    },
    "words": {"text": TEXT, "sentence": "<i4", "start_s": "<f8", "end_s": "<f8"},
    "fixations": {
        "x": "<f4",
        "y": "<f4",
        "onset_s": "<f8",
        "duration_s": "<f8",
        "sigma_x": "<f4",
        "sigma_y": "<f4",
    },
    "sentence_fixations": {"sentence": "<i4", "fixation": "<i4", "overlap_s": "<f4"},
    "mentions": {"sentence": "<i4", "finding": "<i1", "state": "<i1", "side": "<i1"},
    "regions": {
        "finding": "<i1",
        "side": "<i1",
        "x0": "<f4",
        "y0": "<f4",
        "x1": "<f4",
        "y1": "<f4",
        "sentence": "<i4",
    },
}
"""Ragged tables: a row of the data set owns any number of their rows."""

SECTIONS = ("findings", "impression", "other")
SIDES = (None, "left", "right", "both", "midline")
STATES = {"present": 1, "absent": 0, "uncertain": -1}
NOT_STATED = -2
LABELS_NONE, LABELS_FROM_RULES, LABELS_FROM_ANNOTATIONS = 0, 1, 2
METHODS = ("forced", "forced_merged", "grammar", "asr", "imported", "none")
FINDING_COUNT = 14


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reading:
    """One image, read once by one reader, or an image and report that nobody read."""

    reading_id: str
    """Unique in the data set; rows are sorted by it."""
    image_id: str
    study_id: str
    patient_id: str
    reader_id: str = ""
    """Empty where nobody read the image with an eye tracker."""
    image: NDArray[np.uint8]
    """(s, s) gray levels, letterboxed with 0."""
    placement: tuple[float, float, float, float]
    """Left, top, width and height of the original inside the square, shard pixels."""
    image_size_px: tuple[int, int]
    """Width and height of the original image."""
    report: str | None = None
    """The whole report; None where there is none."""
    findings: str | None = None
    """Text of the findings section."""
    impression: str | None = None
    """Text of the impression section."""
    has_gaze: bool = False
    has_audio: bool = False
    has_regions: bool = False
    """Regions were marked; an empty table then says that there is nothing to mark."""
    tables: Mapping[str, Table] = field(default_factory=dict)
    """Ragged tables by name, see `TABLES`; what is left out is empty."""
    labels: NDArray[np.int8] = field(
        default_factory=lambda: np.full(FINDING_COUNT, NOT_STATED, np.int8)
    )
    """(14,) 1 present, 0 absent, -1 uncertain, -2 not stated."""
    label_source: int = LABELS_NONE
    """0 none, 1 rules applied to the report, 2 annotations."""
    quality: Mapping[str, float] = field(default_factory=dict)
    """Values of `QUALITY`; what is left out is NaN."""

    @property
    def masks(self) -> dict[str, bool]:
        """What this reading holds, in the order of `MASKS`."""
        return {
            "has_gaze": self.has_gaze,
            "has_report": self.report is not None,
            "has_findings": self.findings is not None,
            "has_impression": self.impression is not None,
            "has_audio": self.has_audio,
            "has_labels": self.label_source != LABELS_NONE,
            "has_regions": self.has_regions,
            "has_reader": bool(self.reader_id),
        }

    def table(self, name: str) -> dict[str, Column]:
        """Return all columns of a ragged table in their stored types."""
        empty: dict[str, Column] = dict.fromkeys(TABLES[name], np.empty(0))
        return make_table(name, **self.tables.get(name, empty))


def make_table(name: str, **columns: Sequence[Any] | Column) -> dict[str, Column]:
    """Cast columns to the stored types of the ragged table `name`.

    Raises:
        ValueError: A column is missing or unknown, or lengths differ.
    """
    types = TABLES[name]
    if set(columns) != set(types):
        raise ValueError(f"table {name} has columns {sorted(types)}, got {[*columns]}")
    table: dict[str, Column] = {}
    for column, dtype in types.items():
        values = columns[column]
        if dtype == TEXT:
            table[column] = np.empty(len(values), dtype=object)
            table[column][:] = list(values)
        else:
            table[column] = np.asarray(values, dtype=dtype)
    if len({len(values) for values in table.values()}) > 1:
        raise ValueError(f"columns of table {name} differ in length")
    return table


def problems(reading: Reading, image_size: int) -> list[str]:
    """Say what is wrong with a row, naming the group; empty when it is valid.

    The writer refuses what this finds, and `curate verify` looks again.
    """
    return [
        problem
        for check in (_ids, _image, _text, _sentences, _gaze, _findings, _quality)
        for problem in check(reading, image_size)
    ]


def _ids(r: Reading, _: int) -> Iterator[str]:
    for name in IDS[:-1]:
        if not getattr(r, name):
            yield f"ids/{name}: empty"
    if (r.has_gaze or r.has_audio) and not r.reader_id:
        yield "ids/reader_id: gaze or audio without a reader"


def _image(r: Reading, size: int) -> Iterator[str]:
    if r.image.shape != (size, size) or r.image.dtype != np.uint8:
        yield f"image: {r.image.shape} {r.image.dtype}, expected {(size, size)} uint8"
        return
    left, top, width, height = r.placement
    inside = left >= 0 and top >= 0 and left + width <= size and top + height <= size
    if not (inside and width > 0 and height > 0):
        yield f"placement: {r.placement} is not inside a square of {size} px"
        return
    if min(r.image_size_px) < 1:
        yield f"image_size_px: {r.image_size_px} is not a size"
    elif not _same_shape(r.image_size_px, (width, height)):
        yield f"placement: {width} x {height} has not the shape of {r.image_size_px}"
    border = np.ones((size, size), dtype=bool)
    border[
        int(top) : int(np.ceil(top + height)), int(left) : int(np.ceil(left + width))
    ] = False
    if r.image[border].any():
        yield "image: not 0 outside its placement"


def _same_shape(original: tuple[int, int], placed: tuple[float, float]) -> bool:
    """Both sides may have been rounded to a whole pixel, and none vanishes."""
    scale = max(placed) / max(original)
    return all(abs(o * scale - p) <= 1 for o, p in zip(original, placed, strict=True))


def _text(r: Reading, _: int) -> Iterator[str]:
    for name in TEXTS:
        text = getattr(r, name)
        if text is not None and not text.strip():
            yield f"text/{name}: empty although the mask says that it is there"
        if text is not None and "\0" in text:
            yield f"text/{name}: holds a NUL character"
        if text and r.report is None:
            yield f"text/{name}: a section without a report"


def _sentences(r: Reading, _: int) -> Iterator[str]:
    t, words, report = r.table("sentences"), r.table("words"), r.report or ""
    n, timed = len(t["text"]), t["has_time"]
    spans = zip(t["text"], t["char_start"], t["char_end"], strict=True)
    if any(not s or report[a:b] != s for s, a, b in spans):
        yield "sentences: text is not what its character span selects in the report"
    if np.any(np.diff(t["char_start"]) <= 0):
        yield "sentences: not in the order of the report"
    if not np.isin(t["section"], range(len(SECTIONS))).all():
        yield "sentences/section: out of range"
    if not set(t["method"]) <= set(METHODS):
        yield f"sentences/method: unknown, known are {', '.join(METHODS)}"
    times = np.column_stack([t["start_s"], t["end_s"]])
    if np.isfinite(times[timed]).sum() != 2 * timed.sum() or np.any(
        times[timed, 1] <= times[timed, 0]
    ):
        yield "sentences: has_time without a time span above 0 s"
    if not np.isnan(times[~timed]).all():
        yield "sentences: a time although has_time is false"
    yield from _indices("words/sentence", words["sentence"], n)
    if not np.all(words["end_s"] >= words["start_s"]):
        yield "words: ends before it starts, or NaN"


def _gaze(r: Reading, _: int) -> Iterator[str]:
    f, pairs = r.table("fixations"), r.table("sentence_fixations")
    if len(f["x"]) and not r.has_gaze:
        yield "fixations: there although has_gaze is false"
    if not all(np.isfinite(values).all() for values in f.values()):
        yield "fixations: not finite"
    for column in ("duration_s", "sigma_x", "sigma_y"):
        if np.any(f[column] <= 0):
            yield f"fixations/{column}: not above 0"
    if np.any(f["onset_s"] < 0) or np.any(np.diff(f["onset_s"]) < 0):
        yield "fixations/onset_s: below 0, or not in order of time"
    yield from _indices(
        "sentence_fixations/sentence",
        pairs["sentence"],
        len(r.table("sentences")["text"]),
    )
    yield from _indices("sentence_fixations/fixation", pairs["fixation"], len(f["x"]))
    if not np.all(pairs["overlap_s"] > 0):
        yield "sentence_fixations/overlap_s: not above 0"
    keys = np.column_stack([pairs["sentence"], pairs["fixation"]])
    if len(np.unique(keys, axis=0)) != len(keys):
        yield "sentence_fixations: a pair is there twice"


def _findings(r: Reading, _: int) -> Iterator[str]:
    mentions, regions = r.table("mentions"), r.table("regions")
    n = len(r.table("sentences")["text"])
    yield from _indices("mentions/sentence", mentions["sentence"], n)
    for name, table in (("mentions", mentions), ("regions", regions)):
        yield from _indices(f"{name}/finding", table["finding"], FINDING_COUNT)
        yield from _indices(f"{name}/side", table["side"], len(SIDES))
    if not np.isin(mentions["state"], list(STATES.values())).all():
        yield "mentions/state: out of range"
    if len(regions["x0"]) and not r.has_regions:
        yield "regions: there although has_regions is false"
    yield from _indices("regions/sentence", regions["sentence"] + 1, n + 1)
    for low, high in (("x0", "x1"), ("y0", "y1")):
        a, b = regions[low], regions[high]
        if not np.all((a >= 0) & (a < b) & (b <= 1)):
            yield f"regions/{low}, {high}: not a span inside the image"
    if (
        r.labels.shape != (FINDING_COUNT,)
        or not np.isin(r.labels, (1, 0, -1, -2)).all()
    ):
        yield "labels: out of range"
    elif r.label_source == LABELS_NONE and (r.labels != NOT_STATED).any():
        yield "labels: there although label_source is 0"
    if r.label_source not in range(3):
        yield "label_source: out of range"


def _quality(r: Reading, _: int) -> Iterator[str]:
    if not set(r.quality) <= set(QUALITY):
        yield f"quality: unknown column, known are {', '.join(QUALITY)}"
    for name in ("valid_share", "on_image_share", "timed_sentence_share"):
        value = r.quality.get(name, np.nan)
        if not (np.isnan(value) or 0 <= value <= 1):
            yield f"quality/{name}: {value} is not a share"
    for name in ("gaze_rate_hz", "duration_s"):
        value = r.quality.get(name, np.nan)
        if r.has_gaze and not (np.isfinite(value) and value > 0):
            yield f"quality/{name}: {value} although has_gaze is true"


def _indices(name: str, values: Column, limit: int) -> Iterator[str]:
    if np.any((values < 0) | (values >= limit)):
        yield f"{name}: index out of range, {limit} rows are there"
