"""Make the sample data anew: phantom studies, two sessions, and a data set of them.

    python sample_data/make.py

Everything comes from the public commands and the seeds below. The same versions of
Python and of the packages on the same kind of processor give the same bytes; on another
one single pixels differ by a gray level. The voice needs eSpeak, which the extra
simulation-voice installs.
"""

import argparse
import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

from capture.cli import main as capture
from capture.pseudonyms import KEY_VARIABLE
from curation.cli import main as curate

HERE = Path(__file__).parent
SEED = 3
READERS_SEED = 10  # with it one reader zooms and pans, another changes gray levels
SPLIT_SEED = 6  # with it two of the four patients are in train
PARTS = ("studies", "sessions", "dataset")

STUDIES = ("--n", "4", "--seed", str(SEED), "--height-px", "384")
SESSIONS = (
    "--readers", "2", "--images-per-session", "2", "--seed",
    str(READERS_SEED), "--rate-hz", "120", "--max-image-s", "14",
)  # fmt: skip
DATASET = (
    "--image-size", "128", "--split-shares", "0.5", "0.25", "0.25",
    "--seed", str(SPLIT_SEED),
)  # fmt: skip


def write_key(folder: Path) -> Path:
    """Write the key of the sample's pseudonyms, which hides nobody, into a folder."""
    path = folder / "pseudonym.key"
    path.touch(mode=0o600)
    path.write_text(hashlib.sha256(f"radgaze sample {SEED}".encode()).hexdigest())
    return path


def curate_words(root: Path, out: Path) -> tuple[str, ...]:
    """Return the words after `curate` that make a data set of sessions and studies."""
    studies = str(root / "studies" / "studies.csv")
    sessions = str(root / "sessions")
    return ("run", sessions, "--out", str(out), "--studies", studies, *DATASET)


def make(out: Path) -> None:
    """Write studies, sessions and dataset into a folder that has none of them.

    Raises:
        SystemExit: A command failed; it has said why.
    """
    studies = out / "studies" / "studies.csv"
    quiet = ("--progress", "none")
    with tempfile.TemporaryDirectory() as place:
        os.environ[KEY_VARIABLE] = str(write_key(Path(place)))
        steps = (
            (capture, ("simulate-studies", "--out", str(studies.parent), *STUDIES)),
            (capture, ("simulate", str(studies), "--out", str(out / "sessions"),
                       *SESSIONS)),
            (curate, curate_words(out, out / "dataset")),
            (curate, ("verify", str(out / "dataset"))),
        )  # fmt: skip
        for command, words in steps:
            if status := command((*words, *quiet)):
                sys.exit(status)


def main() -> None:
    """Make everything beside its place, then put it there."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=HERE, help="folder (this one)")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".making-") as place:
        made = Path(place)
        make(made)
        for part in PARTS:
            shutil.rmtree(out / part, ignore_errors=True)
            (made / part).replace(out / part)


if __name__ == "__main__":
    main()
