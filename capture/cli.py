"""radgaze capture: run, simulate, simulate-studies, check and repair."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from capture.config import CaptureConfig, CheckConfig, VoiceEngine
from capture.errors import RadgazeError
from capture.progress import ProgressMode

INTERRUPTED = 130


@dataclass(frozen=True, kw_only=True)
class Output:
    """How a command says what it does and what came of it."""

    json: bool = False
    """Print the result as one JSON object."""
    progress: ProgressMode = "auto"
    """Progress on stderr."""


@dataclass(frozen=True, kw_only=True)
class Run(Output, CaptureConfig):
    """Let a reader read a list of studies, and record it.

    The wheel zooms, left drag moves, right drag changes the gray levels; I inverts,
    F fits, 1 is one to one, R resets; space or right is the next image, left the one
    before, Esc ends the session.
    """

    studies: tyro.conf.Positional[Path]
    """CSV file that lists the studies in reading order."""


@dataclass(frozen=True, kw_only=True)
class Simulate(Output):
    """Write sessions of simulated readers, many times faster than life."""

    studies: tyro.conf.Positional[Path]
    """Study list that simulate-studies wrote."""
    out: Path = Path("sessions")
    """Folder of all sessions."""
    readers: int = 3
    """How many people share the studies."""
    images_per_session: int = 10
    """Most images a session."""
    readings_per_study: int = 1
    """How many of the readers read each study."""
    seed: int = 0
    """Fixes readers, order and all that happens."""
    rate_hz: float = 250.0
    """Samples a second of the simulated eye tracker."""
    voice: VoiceEngine = "espeak"
    """What makes the sound of the dictation."""
    max_image_s: float | None = None
    """Longest time on an image; by default a whole report."""
    workers: int = 1
    """Processes."""
    key_file: Path | None = None
    """Key of the pseudonyms; by default the one in the user's own folder."""


@dataclass(frozen=True, kw_only=True)
class SimulateStudies(Output):
    """Write a study list of phantom chest X-rays with reports and annotations."""

    out: Path = Path("studies")
    """Folder of the studies; the list becomes OUT/studies.csv."""
    n: int = 40
    """How many studies."""
    seed: int = 0
    """Fixes every pixel and word."""
    height_px: int | None = None
    """Height of the images; by default that of real ones."""
    workers: int = 1
    """Processes."""


@dataclass(frozen=True, kw_only=True)
class Check(CheckConfig):
    """Say which streams are there and which files of a list cannot be read."""

    studies: tyro.conf.Positional[Path | None] = None
    """CSV file whose images are all opened; every one that fails is listed."""
    json: bool = False
    """Print the result as one JSON object."""
    progress: ProgressMode = "auto"
    """Progress on stderr."""


@dataclass(frozen=True, kw_only=True)
class Repair(Output):
    """Make a recording whole that was cut off by a crash or a full disk."""

    recording: tyro.conf.Positional[Path]
    """XDF file, or the session folder that holds it."""


Command = (
    Annotated[Run, tyro.conf.subcommand("run")]
    | Annotated[Simulate, tyro.conf.subcommand("simulate")]
    | Annotated[SimulateStudies, tyro.conf.subcommand("simulate-studies")]
    | Annotated[Check, tyro.conf.subcommand("check")]
    | Annotated[Repair, tyro.conf.subcommand("repair")]
)


def main(argv: Sequence[str] | None = None, prog: str = "radgaze capture") -> int:
    """Run one capture command.

    The result goes to stdout, everything else to stderr.

    Args:
        argv: Arguments after `prog`; None takes them from the process.
        prog: What the user typed before them.

    Returns:
        0 done, 1 failed, 2 wrong use, 130 interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    name = f"{prog} {words[0]}" if words else prog
    try:
        command = tyro.cli(
            Command,
            args=words,
            prog=prog,
            description=__doc__,
            config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
        )
        return _RUN[type(command)](command)
    except RadgazeError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except SystemExit as stop:  # tyro's own way to end, after --help and on wrong use
        return stop.code if isinstance(stop.code, int) else 2


def _run(command: Run) -> int:
    from capture.reading import run_session

    result = run_session(command, progress=command.progress)
    if command.json:
        print(json.dumps(asdict(result), default=str))
    else:
        print(result.folder)
    return INTERRUPTED if result.interrupted else 0


def _simulate(command: Simulate) -> int:
    from capture.simulation.simulate import simulate_sessions

    options = _options(command)
    folders = simulate_sessions(options.pop("studies"), options.pop("out"), **options)
    _print_paths(command, "sessions", folders)
    return 0


def _simulate_studies(command: SimulateStudies) -> int:
    from capture.simulation.studies import write_studies_folder

    options = _options(command)
    path = write_studies_folder(options.pop("out"), **options)
    _print_paths(command, "studies", [path])
    return 0


def _check(command: Check) -> int:
    from capture.check import check

    found = check(command, progress=command.progress)
    print(json.dumps(found.to_dict()) if command.json else found.to_table())
    return 1 if found.problems else 0


def _repair(command: Repair) -> int:
    from capture.session import RECORDING_FILE
    from capture.xdf import repair

    path = command.recording
    path = path / RECORDING_FILE if path.is_dir() else path
    report = repair(path)
    if command.json:
        print(json.dumps({"recording": str(path), **asdict(report)}, default=str))
    else:
        print(path)
    return 0


_RUN: dict[type, Callable[[Any], int]] = {
    Run: _run,
    Simulate: _simulate,
    SimulateStudies: _simulate_studies,
    Check: _check,
    Repair: _repair,
}


def _options(command: Output) -> dict[str, Any]:
    # shallow, unlike asdict: fields are handed on as they are
    names = command.__dataclass_fields__
    return {name: getattr(command, name) for name in names if name != "json"}


def _print_paths(command: Output, name: str, paths: Sequence[Path]) -> None:
    if command.json:
        print(json.dumps({name: [str(path) for path in paths]}))
    else:
        print(*paths, sep="\n")
