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
    """How long before a sentence the eyes reached the region that it is about.

    Returns:
        (k,) seconds from the first fixation inside a marked region, at most five
        seconds before the sentence about it and before its end, to its start.
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
        x, y, onset_s = looks["x"][:, None], looks["y"][:, None], looks["onset_s"]
        inside = (x >= box[0]) & (x <= box[2]) & (y >= box[1]) & (y <= box[3])
        near = (onset_s[:, None] >= start_s - _LOOK_BACK_S) & (onset_s[:, None] < end_s)
        arrival_s = np.where(inside & near, onset_s[:, None], np.inf)
        first_s = arrival_s.min(axis=0, initial=np.inf)
        leads.append((start_s - first_s)[np.isfinite(first_s)])
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
        str(stream.header["name"]): len(stream.stamps_s)
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
    timed = dataset.ragged("sentences", "has_time")[0]
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
        ("readings accepted", f"{len(dataset):,}"),
        ("readings rejected", f"{len(rejected):,}{_reasons(rejected)}"),
        ("fixations", f"{counts.get('fixations', 0):,}"),
        ("sentences", f"{len(timed):,}, {_percent(timed)} found in the audio"),
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
