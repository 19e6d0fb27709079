"""Run a command as a child process: follow its progress, keep its last words."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import nullcontext, suppress
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
) -> list[str]:
    """Run one `radgaze` command to its end.

    Args:
        words: Command and options, without `radgaze`.
        on_progress: Told how far it is, in a few words, now and then.
        folder: Where it runs: relative paths in `words` begin there.
        environment: Added to this process's own.

    Returns:
        The last lines that it wrote.

    Raises:
        StageFailedError: It ended with another code than 0.
    """
    (last,) = run_at_once([words], on_progress, folder=folder, environment=environment)
    return last


def run_at_once(
    commands: Sequence[Sequence[str]],
    on_progress: Callable[[str], None],
    *,
    folder: Path,
    environment: Mapping[str, str] | None = None,
) -> list[list[str]]:
    """Run several `radgaze` commands side by side; see `run_child`.

    None of them, nor what they started, outlives the call.

    Raises:
        StageFailedError: One of them failed; the others were ended.
    """
    children = [_start(words, folder, environment or {}) for words in commands]
    with ThreadPoolExecutor(len(children)) as pool:
        try:
            waiting = [
                pool.submit(_follow, child, words, on_progress)
                for child, words in zip(children, commands, strict=True)
            ]
            for done in as_completed(waiting):
                done.result()
            return [done.result() for done in waiting]
        finally:
            _end(children)


def _start(
    words: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tui.cli", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
        text=True,
        encoding="utf-8",
        errors="replace",
        # of a group of its own: a terminal's interrupt comes once, from here
        start_new_session=True,
    )


def _follow(
    child: "subprocess.Popen[str]",
    words: Sequence[str],
    on_progress: Callable[[str], None],
) -> list[str]:
    last: deque[str] = deque(maxlen=_LAST_LINES)
    with child.stdout or nullcontext(()) as lines:
        for line in lines:
            _hear(line.rstrip(), last, on_progress)
    if code := child.wait():
        raise StageFailedError(shown(words), code, last)
    return list(last)


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


def _end(children: "Sequence[subprocess.Popen[str]]") -> None:
    """Let children close their files, but do not wait for ever."""
    running = [child for child in children if child.poll() is None]
    for child in running:
        _signal(child, signal.SIGINT)
    before_s = time.monotonic() + _GRACE_S
    for child in running:
        try:
            child.wait(max(0.0, before_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            _signal(child, signal.SIGKILL)
            child.wait()


def _signal(child: "subprocess.Popen[str]", number: signal.Signals) -> None:
    """Signal a child and the workers that it started, as a terminal does."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, number)
