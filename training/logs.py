"""What a run says of itself while it trains: metrics.jsonl and TensorBoard."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from capture.errors import writing


class RunLog:
    """Appends one JSON object a line, and the same values for TensorBoard."""

    def __init__(self, folder: Path, *, enabled: bool = True) -> None:
        self.path = folder / "metrics.jsonl"
        self.enabled = enabled
        self._board: Any = None
        if enabled:
            from torch.utils.tensorboard import SummaryWriter

            with writing(folder):
                self._board = SummaryWriter(str(folder / "tensorboard"))

    def write(
        self, split: str, step: int, epoch: int, values: Mapping[str, float]
    ) -> None:
        """Log the values of a step.

        Args:
            split: `train` or `validation`.
            step: Steps done.
            epoch: Which epoch, from 0.
            values: Numbers by name; one that is not finite is logged as null.

        Raises:
            DiskFullError: No space is left.
            InputError: Nothing can be written there.
        """
        if not self.enabled:
            return
        line: dict[str, Any] = {"split": split, "step": step, "epoch": epoch}
        with writing(self.path):
            for name, value in values.items():
                line[name] = round(value, 6) if math.isfinite(value) else None
                self._board.add_scalar(f"{split}/{name}", value, step)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

    def forget_after(self, step: int) -> None:
        """Drop the lines of steps that a resumed run will take again."""
        if not (self.enabled and self.path.exists()):
            return
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if json.loads(line)["step"] <= step]
        part = self.path.with_name(self.path.name + ".part")
        part.write_text("".join(kept), encoding="utf-8")
        part.replace(self.path)

    def close(self) -> None:
        """Flush what TensorBoard still holds."""
        if self._board is not None:
            self._board.close()


def read_metrics(run: Path, split: str) -> list[dict[str, Any]]:
    """Return the logged lines of `train` or `validation`, oldest first."""
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [line for line in map(json.loads, lines) if line["split"] == split]
