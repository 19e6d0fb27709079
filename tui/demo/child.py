"""Run a command as a child process: follow its progress, keep its last words."""

import json
import os
import shlex
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from capture.errors import RadgazeError

_LAST_LINES = 15
_GRACE_S = 20.0


class StageFailedError(RadgazeError):
    """A command of the chain ended with an error."""

    def __init__(self, command: str, code: int, last_lines: Sequence[str]) -> None:
        self.command, self.code, self.last_lines = command, code, list(last_lines)
        said = "\n".join(f"  | {line}" for line in last_lines) or "  | (nothing)"
        super().__init__(f"exit code {code} of: {command}\n{said}")


def shown(words: Sequence[str]) -> str:
    """Spell a command as a person would type it."""
    return shlex.join(["radgaze", *words])


def run_child(
    words: Sequence[str],
    on_progress: Callable[[str], None],
    *,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    on_start: "Callable[[subprocess.Popen[str]], None] | None" = None,
) -> list[str]:
    """Run one `radgaze` command to its end.

    Args:
        words: Command and options, without `radgaze`.
        on_progress: Told how far it is, in a few words, now and then.
        folder: Where it runs: relative paths in `words` begin there.
        environment: Added to this process's own.
        on_start: Told of the process.

    Returns:
        The last lines that it wrote.

    Raises:
        StageFailedError: It ended with another code than 0.
    """
    last: deque[str] = deque(maxlen=_LAST_LINES)
    with subprocess.Popen(
        [sys.executable, "-m", "tui.cli", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as child:
        if on_start:
            on_start(child)
        try:
            for line in child.stdout or ():
                _hear(line.rstrip(), last, on_progress)
            code = child.wait()
        except BaseException:
            _end(child)
            raise
    if code:
        raise StageFailedError(shown(words), code, last)
    return list(last)


def run_at_once(
    commands: Sequence[Sequence[str]],
    on_progress: Callable[[str], None],
    *,
    folder: Path,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run several `radgaze` commands side by side; see `run_child`.

    Raises:
        StageFailedError: One of them failed; the others were ended.
    """
    running: list[subprocess.Popen[str]] = []
    with ThreadPoolExecutor(len(commands)) as pool:
        waiting = [
            pool.submit(
                run_child,
                words,
                on_progress,
                folder=folder,
                environment=environment,
                on_start=running.append,
            )
            for words in commands
        ]
        try:
            for done in as_completed(waiting):
                done.result()
        except BaseException:
            for child in running:
                child.terminate()
            raise


def _hear(line: str, last: "deque[str]", on_progress: Callable[[str], None]) -> None:
    try:
        told = json.loads(line) if line.startswith("{") else None
    except ValueError:
        told = None
    if isinstance(told, dict) and "stage" in told and "done" in told:
        of = f" of {told['total']}" if told.get("total") else ""
        on_progress(f"{told['stage']} {told['done']}{of}")
    elif line.strip():
        last.append(line)


def _end(child: "subprocess.Popen[str]") -> None:
    """Let an interrupted child close its files, but do not wait for ever."""
    child.terminate()
    try:
        child.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        child.kill()
