"""Progress on stderr: a bar on a terminal, one JSON object a line for a program."""

import json
import sys
import time
from typing import Literal, TextIO

ProgressMode = Literal["auto", "bar", "json", "none"]
"""auto: a bar where stderr is a terminal, else a line now and then."""

_BAR_WIDTH = 28
_REDRAW_S = 0.1
_LINE_S = 10.0


class Progress:
    """Says how far a long command is: `update` as often as you like, it throttles."""

    def __init__(
        self,
        stage: str,
        total: int | None = None,
        mode: ProgressMode = "auto",
        stream: TextIO | None = None,
    ) -> None:
        self.stage, self.total, self.done = stage, total, 0
        self.stream = stream or sys.stderr
        self.mode = mode
        self._live = mode == "bar" or (mode == "auto" and self.stream.isatty())
        self._start_s = time.monotonic()
        self._last_s = float("-inf")

    def update(self, advance: int = 1, message: str = "", **fields: object) -> None:
        """Count `advance` more steps done; `fields` travel in the JSON line."""
        self.done += advance
        if self.mode == "none":
            return
        now_s = time.monotonic()
        last = self.total is not None and self.done >= self.total
        if self.mode == "json":
            self._write_json("progress", message, fields)
        elif last or now_s - self._last_s >= (_REDRAW_S if self._live else _LINE_S):
            self._last_s = now_s
            text = self._text(message, now_s - self._start_s)
            self.stream.write(f"\r{text}\x1b[K" if self._live else f"{text}\n")
            self.stream.flush()

    def close(self, message: str = "") -> None:
        """End the bar's line and say what came of it."""
        if self.mode == "json":
            self._write_json("done", message, {})
        elif self.mode != "none":
            self.stream.write("\n" if self._live else "")
            if message:
                self.stream.write(f"{self.stage}: {message}\n")
            self.stream.flush()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write_json(self, event: str, message: str, fields: dict[str, object]) -> None:
        line = {
            "event": event,
            "stage": self.stage,
            "done": self.done,
            "total": self.total,
            "elapsed_s": round(time.monotonic() - self._start_s, 3),
        }
        line |= {"message": message} if message else {}
        self.stream.write(json.dumps(line | fields) + "\n")
        self.stream.flush()

    def _text(self, message: str, elapsed_s: float) -> str:
        if self.total is None:
            return f"{self.stage}: {self.done} done, {elapsed_s:.0f} s  {message}"
        share = min(1.0, self.done / max(self.total, 1))
        bar = "#" * round(share * _BAR_WIDTH)
        left_s = elapsed_s / self.done * (self.total - self.done) if self.done else 0
        return (
            f"{self.stage} [{bar:<{_BAR_WIDTH}}] {self.done}/{self.total}"
            f"  {elapsed_s:.0f} s, {max(left_s, 0):.0f} s left  {message}"
        )
