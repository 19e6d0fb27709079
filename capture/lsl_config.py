"""Settings of Lab Streaming Layer for one machine: found at once, mixed with nobody."""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

VARIABLE = "LSLAPICFG"

_TEMPLATE = """\
[ports]
PortRange = 128
IPv6 = disable

[multicast]
ResolveScope = machine
ListenAddress = 127.0.0.1

[lab]
KnownPeers = {{127.0.0.1}}
SessionID = {session_id}

[log]
level = {log_level}
"""


def machine_only(session_id: str, *, log_level: int = -2) -> dict[str, str]:
    """Write settings for one machine and return the environment that selects them.

    They keep others' streams out of this session and find more than 16 outlets. They
    are no protection: the outlets still listen on every address of the machine, so a
    firewall has to guard what is confidential.

    Args:
        session_id: Programs see each other's streams only if this is the same.
        log_level: Of the library's own messages on stderr; -2 errors alone.

    Returns:
        Environment variables, to be set before pylsl is loaded, in this process (see
        `apply`) and in every child; valid as long as this process lives.

    Raises:
        ValueError: `session_id` has other characters than letters, digits, - and _.
    """
    if not session_id.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"not a session id: {session_id!r}")
    folder = Path(tempfile.mkdtemp(prefix="radgaze-lsl-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "lsl_api.cfg"
    path.write_text(_TEMPLATE.format(session_id=session_id, log_level=log_level))
    return {VARIABLE: str(path)}


def apply(environment: dict[str, str]) -> None:
    """Set what `machine_only` returned in this process.

    Raises:
        RuntimeError: pylsl has read its settings already.
    """
    if "pylsl" in sys.modules and os.environ.get(VARIABLE) != environment[VARIABLE]:
        raise RuntimeError("the settings of LSL must be applied before pylsl is loaded")
    os.environ.update(environment)
