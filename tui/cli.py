"""`radgaze`: the one command that the stage commands hang under."""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from capture.errors import RadgazeError

_HELP = """\
usage: radgaze [-h] [--version] [--folder DIR] [COMMAND ...]

Record how radiologists look while they dictate, and pretrain image-text models on it.
Without a command the desk opens: sessions, data sets and runs under a folder, this
one unless --folder names another.

commands:
  capture   record readings; simulate studies and readers; check and repair
  curate    make data sets of sessions
  train     pretrain on a data set; evaluate a run
  demo      the whole chain on this machine, without any hardware

radgaze COMMAND --help tells more.
"""

_STAGES = {
    "capture": "capture.cli",
    "curate": "curation.cli",
    "train": "training.cli",
    "demo": "tui.demo.cli",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; 0 done, 1 failed, 2 wrong use, 130 interrupted."""
    words = list(sys.argv[1:] if argv is None else argv)
    name = words[0] if words else "--folder"
    try:
        if name in _STAGES:
            return _command(_STAGES[name])(words[1:], f"radgaze {name}")
        if name == "--folder":
            return _desk(words[1:] or ["."])
        return _answer(name)
    except RadgazeError as error:
        print(f"radgaze {name}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"radgaze {name}: interrupted", file=sys.stderr)
        return 130


def _command(module: str) -> Callable[[list[str], str], int]:
    command: Callable[[list[str], str], int] = import_module(module).main
    return command


def _desk(words: list[str]) -> int:
    folder = Path(words[0])
    if len(words) > 1 or not folder.is_dir():
        found = f"no such folder: {folder}" if len(words) == 1 else "one folder at most"
        print(f"radgaze --folder: {found}", file=sys.stderr)
        return 2
    from tui.app import Desk  # textual

    Desk(folder).run()
    return 0


def _answer(word: str) -> int:
    if word in ("-h", "--help", "help"):
        print(_HELP, end="")
        return 0
    if word in ("-V", "--version"):
        from importlib.metadata import version

        print(f"radgaze {version('radgaze')}")
        return 0
    print(
        f"radgaze: no command named {word!r}; known: {', '.join(_STAGES)}",
        file=sys.stderr,
    )
    return 2


if __name__ == "__main__":
    raise SystemExit(main())
