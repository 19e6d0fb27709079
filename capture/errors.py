"""Deliberate errors: what was found, what was expected, where, and what to do next."""

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class RadgazeError(Exception):
    """Base of all deliberate errors; the command line prints it without a traceback."""

    exit_code = 1
    """What the command line returns: 1 failed, 2 wrong use."""

    def __reduce__(self) -> tuple[Any, ...]:
        # worker processes hand errors back; a message cannot be made from a message
        return _made_again, (type(self), self.args, self.__dict__)


class ConfigError(RadgazeError):
    """An option has a value that cannot work."""

    exit_code = 2


class UnknownNameError(ConfigError):
    """A name is not in the table it was looked up in."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, sorted(known)
        super().__init__(f"no {kind} named {name!r}; known: {', '.join(self.known)}")


class InputError(RadgazeError):
    """A file or folder that was given cannot be used."""

    def __init__(self, path: Path | str, found: str, remedy: str = "") -> None:
        self.path, self.found, self.remedy = Path(path), found, remedy
        super().__init__(f"{path}: {found}" + (f"; {remedy}" if remedy else ""))


class VersionError(InputError):
    """A file was written in a version of its format that this program cannot read."""

    def __init__(self, path: Path | str, fmt: str, found: object, known: int) -> None:
        self.format, self.version, self.known = fmt, found, known
        super().__init__(
            path,
            f"holds {fmt} version {found!r}, this program reads version {known}",
            "write it again with the command that made it",
        )


class DiskFullError(RadgazeError):
    """Writing stopped because no space is left; what was complete stays valid."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        super().__init__(
            f"{path}: no space left on the disk; what was already complete is kept: "
            "free some space and run the same command again"
        )


class MissingExtraError(RadgazeError):
    """An optional package is needed and is not installed."""

    def __init__(self, purpose: str, extra: str, instead: str = "") -> None:
        self.purpose, self.extra, self.instead = purpose, extra, instead
        super().__init__(
            f"{purpose} needs an optional package; install it with: "
            f"pip install 'radgaze[{extra}]'"
            + (f", or do without it: {instead}" if instead else "")
        )


def _made_again(
    kind: type[RadgazeError], args: tuple[Any, ...], parts: dict[str, Any]
) -> RadgazeError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(parts)
    return error


@contextmanager
def writing(path: Path | str) -> Iterator[None]:
    """Let a write that fails say which path it was and what can be done.

    Raises:
        DiskFullError: No space is left, or none that this user or file may take.
        InputError: Nothing can be written there.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DiskFullError(path) from error
        why = error.strerror or type(error).__name__
        remedy = "choose another folder, or check the disk and its permissions"
        raise InputError(path, f"cannot be written: {why}", remedy) from error
