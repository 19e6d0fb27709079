"""JSON files that name their format and its version."""

import json
from pathlib import Path
from typing import Any

from capture.errors import InputError, VersionError


def read_document(path: Path, fmt: str, version: int) -> dict[str, Any]:
    """Read a JSON object whose `format` and `version` are these.

    Raises:
        InputError: The file cannot be read, or is something else.
        VersionError: It was written in another version of the format.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(path, f"cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InputError(path, f"is not JSON: {error}") from error
    if not isinstance(data, dict) or data.get("format") != fmt:
        raise InputError(path, f"is not a {fmt} file")
    if data.get("version") != version:
        raise VersionError(path, fmt, data.get("version"), version)
    return data
