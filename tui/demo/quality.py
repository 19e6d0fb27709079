"""How good the recordings are, in numbers that need no truth."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capture.session import RECORDING_FILE, read_session
from capture.simulation.truth import TRUTH_FILE, read_truth
from capture.xdf import read_streams
from curation.dataset import Dataset

Floats = NDArray[np.float64]

_LOOK_BACK_S = 5.0
"""The eyes are not looked for in a region longer than this before the voice."""


def voice_leads_s(dataset: Dataset) -> Floats:
    """How long before a sentence the eyes came to the region that it is about.

    The eyes come when they enter a marked region and leave it for no more than one
    fixation. Counted is the last time before the sentence about the region began, or
    else the first while it lasted.

    Returns:
        (k,) seconds from then to the start of the sentence; negative after it.
    """
    leads = []
    for row in np.flatnonzero(dataset.mask("has_gaze") & dataset.mask("has_regions")):
        reading = dataset.reading(int(row))
        regions, looks = reading.table("regions"), reading.table("fixations")
        sentences = reading.table("sentences")
        told = regions["sentence"] >= 0
        box = np.stack([regions[c][told] for c in ("x0", "y0", "x1", "y1")])
        which = regions["sentence"][told]
        timed = sentences["has_time"][which]
        box, which = box[:, timed], which[timed]
        start_s, end_s = sentences["start_s"][which], sentences["end_s"][which]
        x, y, onset_s = (looks[c][:, None] for c in ("x", "y", "onset_s"))
        inside = (x >= box[0]) & (x <= box[2]) & (y >= box[1]) & (y <= box[3])
        before = (
            np.pad(inside, ((2, 0), (0, 0)))[:-2]
            | np.pad(inside, ((1, 0), (0, 0)))[:-1]
        )
        came = inside & ~before & (onset_s >= start_s - _LOOK_BACK_S)
        early = np.where(came & (onset_s <= start_s), onset_s, -np.inf).max(
            axis=0, initial=-np.inf
        )
        late = np.where(came & (onset_s > start_s) & (onset_s < end_s), onset_s, np.inf)
        came_s = np.where(np.isfinite(early), early, late.min(axis=0, initial=np.inf))
        leads.append((start_s - came_s)[np.isfinite(came_s)])
    return np.concatenate(leads) if leads else np.zeros(0)


def samples_lost(folder: Path) -> dict[str, dict[str, int]]:
    """Samples that a live session pushed, recorded and lost, by stream.

    Returns:
        Stream name to `pushed`, `recorded` and `lost`; empty when the session did not
        write down what it pushed.
    """
    if not (folder / TRUTH_FILE).is_file():
        return {}
    pushed = read_truth(folder).get("samples_pushed", {})
    recorded = {
        stream.name: len(stream.stamps_s)
        for stream in read_streams(folder / RECORDING_FILE)
    }
    return {
        name: {
            "pushed": int(count),
            "recorded": recorded.get(name, 0),
            "lost": int(count) - recorded.get(name, 0),
        }
        for name, count in pushed.items()
    }


def quality_table(dataset: Dataset, sessions: list[Path]) -> list[tuple[str, str]]:
    """Counts of what was recorded and what came of it, name and value."""
    document = dataset.document
    counts, rejected = document.get("counts", {}), document.get("rejected", [])
    infos = [read_session(folder) for folder in sessions]
    size_mb = sum((f / RECORDING_FILE).stat().st_size for f in sessions) / 1e6
    timed, offsets = dataset.ragged("sentences", "has_time")
    dictated = np.repeat(dataset.mask("has_audio"), np.diff(offsets))
    gazed = dataset.mask("has_gaze")
    minutes = np.nansum(dataset.column("quality/duration_s")[gazed]) / 60
    patients = {
        name: len(split["patients"]) for name, split in document["splits"].items()
    }
    return [
        ("sessions", f"{len(sessions)} by {len({i.reader_id for i in infos})} readers"),
        ("images shown", f"{sum(i.end.images_read for i in infos):,}"),
        ("recordings", f"{size_mb:,.0f} MB of XDF"),
        ("time under gaze", f"{minutes:,.0f} min"),
        ("readings rejected", f"{len(rejected):,}{_reasons(rejected)}"),
        (
            "rows of the data set",
            f"{len(dataset):,}, {int(gazed.sum()):,} with gaze, the others with image "
            "and report alone",
        ),
        ("fixations", f"{counts.get('fixations', 0):,}"),
        (
            "sentences",
            f"{len(timed):,}, of {int(dictated.sum()):,} with audio "
            f"{_percent(timed[dictated])} found in it",
        ),
        ("regions", f"{counts.get('regions', 0):,}"),
        (
            "patients in train, validation, test",
            ", ".join(str(patients.get(s, 0)) for s in ("train", "validation", "test")),
        ),
    ]


def _reasons(rejected: list[dict[str, Any]]) -> str:
    reasons = sorted({str(r) for entry in rejected for r in entry.get("reasons", ())})
    return f" ({'; '.join(reasons[:3])})" if reasons else ""


def _percent(flags: NDArray[np.bool_]) -> str:
    return f"{100 * float(np.mean(flags)):.1f} %" if len(flags) else "none"
