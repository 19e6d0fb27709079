"""Names that cannot be traced back without the key: HMAC-SHA256 of the real ones."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Literal, get_args

from capture.errors import InputError

Kind = Literal["reader", "patient", "study", "image"]

KEY_VARIABLE = "RADGAZE_KEY_FILE"
KEY_BYTES = 32


def default_key_path() -> Path:
    """Return where the key lies: `$RADGAZE_KEY_FILE`, else the user's own folder."""
    if path := os.environ.get(KEY_VARIABLE):
        return Path(path)
    return Path.home() / ".config" / "radgaze" / "pseudonym.key"


def load_or_make_key(path: Path | None = None) -> bytes:
    """Read the secret key, making it on first use, readable by its owner alone.

    The same key gives the same pseudonyms, so one site keeps one key; losing it means
    that a patient of an old session is not recognized in a new one.

    Args:
        path: File of the key; None for `default_key_path`.

    Returns:
        32 bytes.

    Raises:
        InputError: The file is not such a key, or others may read it.
    """
    path = Path(path) if path is not None else default_key_path()
    try:
        if not path.exists():
            _make_key(path)
        text = path.read_text(encoding="ascii").strip()
        mode = path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(path, f"the pseudonym key cannot be read: {error}") from error
    if os.name == "posix" and mode & 0o077:
        raise InputError(
            path, "others may read the pseudonym key", f"run: chmod 600 {path}"
        )
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise InputError(
            path,
            f"is not a pseudonym key of {2 * KEY_BYTES} hexadecimal digits",
            f"restore it from a backup, or name another file in {KEY_VARIABLE}",
        )
    return key


def pseudonym(kind: Kind, value: str, key: bytes) -> str:
    """Return the name under which `value` is known in sessions, e.g. reader-0f3a….

    Args:
        kind: What it names; equal values of two kinds get unrelated names.
        value: The real identifier; an image's is the SHA-256 of its file.
        key: From `load_or_make_key`.

    Raises:
        ValueError: `kind` is unknown or `value` is empty.
    """
    if kind not in get_args(Kind) or not value:
        raise ValueError(f"no pseudonym for {kind!r} of {len(value)} characters")
    message = f"{kind}\0{value}".encode()
    return f"{kind}-{hmac.new(key, message, hashlib.sha256).hexdigest()[:12]}"


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(KEY_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        # a link, unlike a rename, never replaces the key of a program that was faster
        os.link(beside, path)
    except FileExistsError:
        pass
    finally:
        beside.unlink()
