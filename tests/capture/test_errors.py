import errno
import pickle
from pathlib import Path

import pytest

from capture.errors import (
    ConfigError,
    DiskFullError,
    InputError,
    MissingExtraError,
    RadgazeError,
    UnknownNameError,
    VersionError,
    writing,
)

ERRORS = [
    (ConfigError("rate must be above 0, got -1"), "rate must be above 0, got -1"),
    (
        UnknownNameError("tracker", "mous", ["mouse", "lsl"]),
        "no tracker named 'mous'; known: lsl, mouse",
    ),
    (InputError("a.csv", "is empty"), "a.csv: is empty"),
    (InputError("a.csv", "is empty", "add rows"), "a.csv: is empty; add rows"),
    (
        VersionError("a.h5", "radgaze-shard", 2, 1),
        "a.h5: holds radgaze-shard version 2, this program reads version 1; write it "
        "again with the command that made it",
    ),
    (
        MissingExtraError("a synthetic voice", "simulation-voice"),
        "a synthetic voice needs an optional package; install it with: "
        "pip install 'radgaze[simulation-voice]'",
    ),
]


@pytest.mark.parametrize(("error", "text"), ERRORS)
def test_an_error_says_what_was_found_and_what_to_do(error, text):
    assert str(error) == text
    assert isinstance(error, RadgazeError)


@pytest.mark.parametrize(("error", "text"), ERRORS)
def test_an_error_of_a_worker_process_arrives_as_it_was(error, text):
    again = pickle.loads(pickle.dumps(error))

    assert type(again) is type(error)
    assert str(again) == text
    assert vars(again) == vars(error)


def test_a_write_that_fails_says_where_and_what_to_do(tmp_path):
    (tmp_path / "file").touch()

    place = tmp_path / "file" / "x"
    with pytest.raises(InputError, match="Not a directory"), writing(place):
        place.write_text("")
    with pytest.raises(DiskFullError), writing("a.xdf"):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_wrong_use_and_failure_have_their_own_exit_codes():
    assert ConfigError("x").exit_code == 2
    assert UnknownNameError("a", "b", []).exit_code == 2
    assert InputError("a", "b").exit_code == 1
    assert DiskFullError("a").exit_code == 1


def test_the_parts_of_an_error_stay_readable():
    assert InputError("a.csv", "is empty").path == Path("a.csv")
    assert VersionError("a", "f", 2, 1).known == 1
    assert "no space left" in str(DiskFullError("a.xdf"))
