"""The command `train`: pretrain a model, and measure one."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from capture.errors import RadgazeError

_HELP = """usage: {prog} COMMAND [options]

Pretrain image-text models on chest X-rays, reports and gaze, and measure them.

commands:
  run        pretrain a model on a data set
  evaluate   measure a trained model on a split of a data set

{prog} COMMAND --help shows the options of a command
"""


def main(argv: Sequence[str] | None = None, prog: str = "train") -> int:
    """Run a command; 0 when it finished, 1 when it failed, 2 on wrong use.

    The summary goes to stdout as one JSON line, everything else to stderr.
    """
    args = list(sys.argv[1:] if argv is None else argv)
    commands = {"run": _run, "evaluate": _evaluate}
    if not args or args[0] in ("-h", "--help"):
        print(_HELP.format(prog=prog), file=sys.stdout if args else sys.stderr, end="")
        return 0 if args else 2
    if args[0] not in commands:
        known = ", ".join(commands)
        print(f"{prog}: no command {args[0]!r}; known: {known}", file=sys.stderr)
        return 2
    try:
        return commands[args[0]](args[1:], f"{prog} {args[0]}")
    except RadgazeError as error:
        print(f"{prog} {args[0]}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        advice = "; go on with --resume" if args[0] == "run" else ""
        print(f"{prog} {args[0]}: stopped{advice}", file=sys.stderr)
        return 130


def _run(args: Sequence[str], prog: str) -> int:
    import tyro

    from training.config import TrainConfig

    @dataclass(frozen=True, kw_only=True)
    class Run(TrainConfig):
        dataset: tyro.conf.Positional[Path]
        """Folder that `curate` wrote."""

    Run.__doc__ = "Pretrain a model on a data set."
    given = tyro.cli(Run, args=list(args), prog=prog)
    config = TrainConfig(**{f.name: getattr(given, f.name) for f in fields(given)})
    from training.loop import fit  # after parsing: --help must not load torch

    summary = fit(config)
    if os.environ.get("RANK", "0") == "0":  # one of several processes speaks
        print(json.dumps(summary))
    return 0


def _evaluate(args: Sequence[str], _: str) -> int:
    from training.evaluation.cli import main as evaluate

    return evaluate(list(args))


if __name__ == "__main__":
    sys.exit(main())
