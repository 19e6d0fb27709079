"""What lies under a folder: sessions, data sets and runs, with their key figures."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from capture.errors import InputError, RadgazeError
from capture.session import SESSION_FILE, read_session
from curation.dataset import read_document
from training.config import FORMAT as RUN_FORMAT

_HIDDEN = (".", "__")
_MOST_FOLDERS = 20_000
"""Folders looked into at most: a desk opened on a home folder must still open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One session, data set or run."""

    kind: Literal["session", "data set", "run"]
    """What it is."""
    name: str
    """Its folder, relative to where the search began."""
    figures: str
    """The numbers worth knowing at a glance."""
    details: tuple[tuple[str, str], ...]
    """Name and value of what else is known."""
    problem: str = ""
    """Why it could not be read; empty when it could."""


def find_entries(root: Path) -> list[Entry]:
    """List what lies under a folder, sorted by kind and name.

    What cannot be read is listed with its problem, so that it is not overlooked.
    """
    found = [_entry(kind, folder, root) for kind, folder in _search(root)]
    order = ("session", "data set", "run")
    return sorted(found, key=lambda entry: (order.index(entry.kind), entry.name))


def _search(
    root: Path,
) -> Iterator[tuple[Literal["session", "data set", "run"], Path]]:
    for seen, (folder, folders, files) in enumerate(os.walk(root)):
        folders[:] = sorted(f for f in folders if not f.startswith(_HIDDEN))
        if seen >= _MOST_FOLDERS:
            return
        if SESSION_FILE in files:
            folders.clear()
            yield "session", Path(folder)
        elif "dataset.json" in files:
            folders.clear()
            yield "data set", Path(folder)
        elif "config.json" in files and _is_run(Path(folder)):
            folders.clear()
            yield "run", Path(folder)


def _entry(
    kind: Literal["session", "data set", "run"], folder: Path, root: Path
) -> Entry:
    name = str(folder.relative_to(root)) if folder != root else folder.resolve().name
    describe = {"session": _session, "data set": _dataset, "run": _run}[kind]
    try:
        figures, details = describe(folder)
    except RadgazeError as error:
        return Entry(
            kind=kind, name=name, figures="cannot be read", details=(),
            problem=str(error),
        )  # fmt: skip
    told = tuple((key, str(value)) for key, value in details.items())
    return Entry(kind=kind, name=name, figures=figures, details=told)


def _session(folder: Path) -> tuple[str, dict[str, Any]]:
    info = read_session(folder)
    recording = folder / "recording.xdf"
    size_mb = recording.stat().st_size / 1e6 if recording.is_file() else 0.0
    figures = (
        f"{info.end.images_read} of {len(info.studies)} images, {info.end.state}, "
        f"{info.tracker.name} at {info.tracker.nominal_rate_hz:.0f} Hz"
    )
    return figures, {
        "session": info.session_id,
        "reader": info.reader_id,
        "simulated": "yes" if info.simulated else "no",
        "recording": f"{size_mb:.1f} MB" if size_mb else "is not there",
        "screen": f"{info.screen.width_px} x {info.screen.height_px} px, "
        f"seen from {info.screen.distance_mm:.0f} mm",
        "validation": json.dumps(info.validation) if info.validation else "none",
        "streams": ", ".join(stream.name for stream in info.streams),
    }


def _dataset(folder: Path) -> tuple[str, dict[str, Any]]:
    _, document = read_document(folder)
    counts, splits = document.get("counts", {}), document["splits"]
    patients = sum(len(split["patients"]) for split in splits.values())
    figures = (
        f"{document.get('readings', 0)} readings of {patients} patients, "
        f"{counts.get('has_gaze', 0)} with gaze"
    )
    details = {
        f"split {name}": f"{split['readings']} readings, {len(split['patients'])} "
        "patients"
        for name, split in splits.items()
    }
    sizes = {key.replace("_", " "): value for key, value in counts.items()}
    rejected = {"rejected": len(document.get("rejected", ()))}
    return figures, details | sizes | rejected


def _run(folder: Path) -> tuple[str, dict[str, Any]]:
    config = _read_json(folder / "config.json")
    steps = _last_metrics(folder / "metrics.jsonl")
    results = {
        path.stem: _headline(_read_json(path))
        for path in sorted((folder / "evaluation").glob("*.json"))
    }
    told = [f"{name} {value}" for name, value in results.items()]
    step = steps.get("step")
    progress = f"step {step}" if step is not None else "not begun"
    figures = ", ".join([str(config.get("objective", "?")), progress, *told])
    keys = ("objective", "vision", "text", "epochs", "batch_size", "learning_rate",
            "gaze_fraction", "seed", "dataset")  # fmt: skip
    last = {f"last {key}": value for key, value in steps.items() if key != "step"}
    return figures, {key: config.get(key) for key in keys} | last | results


def _headline(result: Mapping[str, Any]) -> str:
    found = result.get("results", {})
    for key in ("macro_auroc", "precision_at_1", "pointing_game"):
        number = found.get(key, {}).get("value")
        if number is not None:
            return f"{number:.3f} (chance {found.get('chance', 0):.3f})"
    return "no figure"


def _last_metrics(path: Path) -> dict[str, Any]:
    """The last whole line; a run that is being written may end in half a one."""
    if not path.is_file():
        return {}
    for line in reversed(path.read_text(encoding="utf-8").splitlines()):
        try:
            values = json.loads(line)
        except ValueError:
            continue
        if isinstance(values, dict):
            return values
    return {}


def _is_run(folder: Path) -> bool:
    try:
        return _read_json(folder / "config.json").get("format") == RUN_FORMAT
    except InputError:
        return False


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(path, f"cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise InputError(path, "holds no JSON object")
    return values
