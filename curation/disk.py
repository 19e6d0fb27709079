"""Write so that a full disk is told as such and never leaves half a file."""

import contextlib
import errno
import hashlib
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from capture.errors import DiskFullError, InputError

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def disk_full(path: Path) -> Iterator[None]:
    """Turn a full disk into an error that says so.

    Raises:
        DiskFullError: No space is left, a quota is used up, or a file is too large.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise DiskFullError(path) from error
        raise


class Sink(io.FileIO):
    """A file that HDF5 can always write to; `check` says whether it truly could.

    When a write fails, HDF5 cannot even close its file, and in the end it crashes the
    program. So the first failure is kept, and what follows goes nowhere.
    """

    error: OSError | None = None

    def write(self, data: Any) -> int:
        """Write all of `data`, or note why not."""
        rest = memoryview(data).cast("B")
        size = len(rest)
        try:
            while len(rest) and self.error is None:
                rest = rest[super().write(rest) or 0 :]
        except OSError as error:
            self.error = error
        return size

    def truncate(self, size: int | None = None) -> int:
        """Set the length, or note why not."""
        try:
            return super().truncate(size) if self.error is None else 0
        except OSError as error:
            self.error = error
            return 0

    def check(self) -> None:
        """Raise what went wrong.

        Raises:
            OSError: The first write that failed.
        """
        if self.error is not None:
            raise self.error


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Keep others from writing the same folder; the system lets go when we end.

    Raises:
        InputError: Another program is writing it.
    """
    path = folder.with_name(f".{folder.name}.lock")
    if sys.platform == "win32":
        yield
        return
    import fcntl

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        free = False
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = os.fstat(file.fileno()).st_nlink > 0  # else just removed by another
        if not free:
            raise InputError(
                folder,
                "another run is writing this data set",
                "wait until it has ended, or choose another --out",
            )
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def file_sha256(path: Path) -> str:
    """Hash a file without loading it whole.

    Raises:
        InputError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise InputError(path, f"cannot be read: {why}", "check the path") from error


def write_json(path: Path, document: object) -> None:
    """Write JSON beside and rename, so that the file is never half there."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", encoding="utf-8") as file:
        json.dump(document, file, indent=1, ensure_ascii=False, allow_nan=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
