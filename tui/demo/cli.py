"""`radgaze demo`: the whole chain on this machine, without any hardware."""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from capture.errors import RadgazeError
from tui.demo.state import SUMMARY_FILE, Options


def main(argv: Sequence[str] | None = None, prog: str = "radgaze demo") -> int:
    """Run the demo; 0 done, 1 failed, 2 wrong use, 130 interrupted.

    The path of the report goes to stdout, everything else to stderr.
    """
    chosen = _parser(prog).parse_args(argv)
    for number in (signal.SIGTERM, signal.SIGHUP):  # else its children would live on
        signal.signal(number, signal.default_int_handler)
    try:
        from tui.demo.stages import run_demo

        state = run_demo(
            chosen.out,
            Options(seed=chosen.seed, quick=chosen.quick),
            workers=chosen.workers,
            say=_say,
            progress=chosen.progress,
        )
    except RadgazeError as error:
        print(f"{prog}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"{prog}: stopped; run it again to go on", file=sys.stderr)
        return 130
    report = state.folder / "report.html"
    if chosen.json:
        told = {"report": str(report), "summary": str(state.folder / SUMMARY_FILE)}
        print(json.dumps(told))
    else:
        print(report)
    return 0


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Run the whole chain on this machine, without any hardware: "
        "phantom X-rays, simulated readers over real streams, a data set, EGMA and its "
        "control without gaze, evaluation, and one HTML report. Takes some minutes; "
        "stopped, it goes on where it was.",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("runs/demo"), help="folder (runs/demo)"
    )
    parser.add_argument("--seed", type=int, default=0, help="fixes everything (0)")
    parser.add_argument(
        "--quick", action="store_true", help="a minute: shows the chain, learns nothing"
    )
    parser.add_argument("--workers", type=_positive, help="processes (one a core)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--progress", choices=("auto", "bar", "json", "none"), default="auto"
    )
    return parser


def _say(line: str) -> None:
    clear = "\r\x1b[K" if sys.stderr.isatty() else ""  # the bar's line
    print(f"{clear}{line}", file=sys.stderr, flush=True)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return number
