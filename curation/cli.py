"""The command `curate`: sessions become a data set, which is checked and looked at."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tyro

from capture.errors import RadgazeError
from capture.progress import ProgressMode
from curation.config import CurateConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run(CurateConfig):
    """Turn recorded sessions into one data set."""

    sessions: tyro.conf.Positional[tuple[Path, ...]]
    """Session folders, or folders that hold some at any depth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verify:
    """Check every promise of a data set's format."""

    dataset: tyro.conf.Positional[Path]
    """Folder that curate run wrote."""
    progress: ProgressMode = "auto"
    """How progress is shown on stderr."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inspect:
    """Show what a data set holds."""

    dataset: tyro.conf.Positional[Path]
    """Folder that curate run wrote."""
    json: bool = False
    """Print one JSON object instead of tables."""
    csv: Path | None = None
    """Also write a table of all readings, one a row, to this file."""


def main(argv: Sequence[str] | None = None, prog: str = "curate") -> int:
    """Run a subcommand; 0 when it succeeded, 1 when it failed, 2 on wrong use.

    Results go to stdout, everything else to stderr.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    name = arguments[0] if arguments else ""
    if name in ("-h", "--help"):
        print(_help(prog))
        return 0
    if name not in COMMANDS:
        found = f"no command named {name!r}\n" if name else ""
        print(f"{found}{_help(prog)}", file=sys.stderr)
        return 2
    try:
        return COMMANDS[name][1](arguments[1:], f"{prog} {name}")
    except RadgazeError as error:
        print(f"{prog} {name}: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"{prog} {name}: {where}{error.strerror or error}", file=sys.stderr)
        return 1
    except SystemExit as stopped:  # --help, or an option that does not parse
        return stopped.code if isinstance(stopped.code, int) else 1
    except KeyboardInterrupt:
        print(f"{prog} {name}: stopped; run it again to go on", file=sys.stderr)
        return 130


def _run_command(argv: Sequence[str], prog: str) -> int:
    config = tyro.cli(_Run, args=list(argv), prog=prog)
    from curation.pipeline import curate  # after parsing: --help stays fast

    summary = curate(config)
    for entry in summary.rejected:
        place = " ".join(filter(None, (entry["session"], entry["image_id"])))
        reasons = "; ".join(entry["reasons"])
        print(f"{prog}: rejected {place}: {reasons}", file=sys.stderr)
    print(json.dumps(asdict(summary)))
    return 0


def _verify_command(argv: Sequence[str], prog: str) -> int:
    options = tyro.cli(_Verify, args=list(argv), prog=prog)
    from curation.verify import verify

    found = verify(options.dataset, progress=options.progress)
    for line in found:
        print(line)
    if found:
        print(f"{prog}: {options.dataset}: {len(found)} problems", file=sys.stderr)
        return 1
    print(f"{options.dataset}: valid")
    return 0


def _inspect_command(argv: Sequence[str], prog: str) -> int:
    options = tyro.cli(_Inspect, args=list(argv), prog=prog)
    from curation.inspect import inspect

    values = asdict(inspect(options.dataset))
    if options.csv is not None:
        from curation.dataset import open_dataset
        from curation.table import write_csv

        write_csv(open_dataset(options.dataset), options.csv)
    if options.json:
        print(json.dumps(values))
        return 0
    _print_tables(values)
    return 0


Command = Callable[[Sequence[str], str], int]
COMMANDS: dict[str, tuple[str, Command]] = {
    "run": ("sessions to a data set", _run_command),
    "verify": ("check a data set", _verify_command),
    "inspect": ("show what a data set holds", _inspect_command),
}
"""Name to what it does. A new command is a function and one line here."""


def _help(prog: str) -> str:
    lines = [f"  {name:<10}{text}" for name, (text, _) in COMMANDS.items()]
    return "\n".join(
        [f"usage: {prog} COMMAND …", "", *lines, "", f"{prog} COMMAND --help says more"]
    )


def _print_tables(values: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(
        f"{values['folder']}: {values['readings']} readings of {values['patients']} "
        f"patients by {values['readers']} readers, {values['image_size']} px, "
        f"{values['shards']} shards, {values['bytes'] / 1e6:.1f} MB"
    )
    table = Table("split", "patients", "readings")
    for name, split in values["splits"].items():
        table.add_row(name, str(split["patients"]), str(split["readings"]))
    console.print(table)
    table = Table("holds", "rows")
    for name, count in {**values["holds"], **values["tables"]}.items():
        table.add_row(name, str(count))
    console.print(table)
    table = Table("finding", "present", "absent", "uncertain", "not stated")
    for name, counts in values["labels"].items():
        table.add_row(name, *(str(count) for count in counts.values()))
    console.print(table)
    table = Table("quality", "median")
    for name, median in values["quality"].items():
        table.add_row(name, "–" if median is None else f"{median:.3g}")
    console.print(table)
    if values["rejected"]:
        table = Table(f"{values['rejected']} rejected, for", "times")
        for reason, count in values["rejected_for"].items():
            table.add_row(reason, str(count))
        console.print(table)


if __name__ == "__main__":
    sys.exit(main())
