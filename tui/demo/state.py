"""What the demo has done so far, kept in summary.json so that it can go on later."""

import json
import platform
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from capture.errors import InputError, VersionError

FORMAT, VERSION = "radgaze-demo", 1
SUMMARY_FILE = "summary.json"

_PACKAGES = ("radgaze", "torch", "transformers", "numpy", "pylsl", "pygame", "h5py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What decides a demo's content; a demo only goes on with the same."""

    seed: int = 0
    """Fixes images, readers, splits, initial weights and order."""
    quick: bool = False
    """A few small studies and steps: shows that the chain runs, learns nothing."""


@dataclass(slots=True, kw_only=True)
class State:
    """A demo folder and the stages that are complete in it."""

    folder: Path
    """Where everything goes."""
    options: Options
    """What it was begun with."""
    stages: list[dict[str, Any]] = field(default_factory=list)
    """Name, title, seconds and commands of each complete stage."""
    spent: dict[str, float] = field(default_factory=dict)
    """Seconds of attempts at a stage that were interrupted or failed."""
    figures: dict[str, Any] = field(default_factory=dict)
    """The results; empty until the last stage."""

    def is_complete(self, name: str) -> bool:
        """Tell whether a stage was finished before."""
        return any(stage["name"] == name for stage in self.stages)

    def save(self, state: str = "unfinished") -> None:
        """Write summary.json beside and rename it into place."""
        document = {
            "format": FORMAT,
            "version": VERSION,
            "state": state,
            "seed": self.options.seed,
            "options": asdict(self.options),
            **self.figures,
            "stages": self.stages,
            "interrupted_seconds": self.spent,
            "seconds": round(sum(stage["seconds"] for stage in self.stages), 1),
            "versions": versions(),
        }
        part = self.folder / f".{SUMMARY_FILE}.part"
        text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
        part.write_text(text + "\n", encoding="utf-8")
        part.replace(self.folder / SUMMARY_FILE)


def open_state(folder: Path, options: Options) -> State:
    """Begin a demo in a new or empty folder, or go on with an unfinished one.

    Raises:
        InputError: The folder holds something else, or a demo with other options.
        VersionError: Its demo was written in another version.
    """
    path = folder / SUMMARY_FILE
    if not path.is_file():
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(folder, "is not a demo and not empty", "choose another")
        folder.mkdir(parents=True, exist_ok=True)
        state = State(folder=folder, options=options)
        state.save()
        return state
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(path, f"cannot be read: {error}", "remove it") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InputError(folder, "is not a demo and not empty", "choose another")
    if document.get("version") != VERSION:
        raise VersionError(path, FORMAT, document.get("version"), VERSION)
    if document.get("options") != asdict(options):
        raise InputError(
            folder,
            f"holds another demo, made with {document.get('options')}",
            "use the same options, or choose another --out",
        )
    return State(
        folder=folder,
        options=options,
        stages=document.get("stages", []),
        spent=document.get("interrupted_seconds", {}),
    )


def versions() -> dict[str, str]:
    """Versions of what takes part, for whoever repeats the demo."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
