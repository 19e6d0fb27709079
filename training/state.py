"""How far a run is, and whether a folder may take it."""

import math
from dataclasses import dataclass, fields
from typing import Any

from capture.errors import ConfigError, InputError, writing
from training.checkpoint import read_json, write_json
from training.config import TrainConfig, config_from_json

_MAY_CHANGE = {"resume", "max_steps", "progress", "threads", "device", "out", "dataset"}
"""Settings that a resumed run may have different from the stopped one."""


@dataclass(slots=True)
class State:
    """How far a run is; saved with every checkpoint."""

    step: int = 0
    best_loss: float = math.inf
    best_epoch: int = -1
    last_loss: float = math.inf

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values; a loss that never was becomes null."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {k: None if v == math.inf else v for k, v in values.items()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "State":
        """Rebuild what `to_json` returned."""
        known: dict[str, Any] = {
            k: math.inf if v is None else v for k, v in values.items()
        }
        return cls(**known)


def check_folder(config: TrainConfig) -> None:
    """Refuse a run folder that is in use, or a resumed run with other settings.

    Raises:
        InputError: The folder holds something, or no run to resume.
        ConfigError: The settings differ from those of the run to resume.
    """
    folder, path = config.out, config.out / "config.json"
    if not config.resume:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(
                folder, "is not empty", "go on with --resume, or choose another --out"
            )
        return
    stopped = config_from_json(read_json(path), path)
    changed = sorted(
        item.name
        for item in fields(TrainConfig)
        if item.name not in _MAY_CHANGE
        and getattr(stopped, item.name) != getattr(config, item.name)
    )
    if changed:
        raise ConfigError(
            f"cannot resume {folder} with other settings than it was started with: "
            f"{', '.join(changed)}; leave them as they are, or choose another --out"
        )


def begin_folder(config: TrainConfig) -> None:
    """Make the run folder and write its settings.

    Raises:
        DiskFullError: No space is left.
        InputError: It cannot be made.
    """
    with writing(config.out):
        config.out.mkdir(parents=True, exist_ok=True)
    write_json(config.out / "config.json", config.to_json())
