"""The command as a user meets it."""

import json
import subprocess
import sys
import time

import pytest

from curation.cli import main


@pytest.fixture
def arguments(simulated, tmp_path):
    out = tmp_path / "out"
    sessions = str(simulated / "sessions")
    return [
        *("run", sessions, "--out", str(out), "--image-size", "32"),
        *("--no-speech", "--progress", "none"),
    ]


def test_run_verify_and_inspect_work_together(arguments, tmp_path, capsys):
    out = str(tmp_path / "out")

    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["readings"] == 4

    assert main(["verify", out, "--progress", "none"]) == 0
    assert capsys.readouterr().out.endswith(": valid\n")

    assert main(["inspect", out, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["readings"], shown["image_size"]) == (4, 32)
    assert sum(split["readings"] for split in shown["splits"].values()) == 4

    assert main(["inspect", out]) == 0
    assert "Cardiomegaly" in capsys.readouterr().out


def test_rejected_readings_are_printed_with_their_reasons(arguments, capsys):
    code = main([*arguments, "--quality.min-fixations", "100000"])

    said = capsys.readouterr()
    assert code == 1
    assert said.out == ""
    assert "4 rejected" in said.err
    assert "Traceback" not in said.err


def test_damage_is_listed_and_fails(make_dataset, capsys):
    folder = make_dataset(4)
    with (folder / "shard-00000.h5").open("ab") as file:
        file.write(b"x")

    assert main(["verify", str(folder), "--progress", "none"]) == 1

    said = capsys.readouterr()
    assert "shard-00000.h5: sha256 differs" in said.out
    assert "problems" in said.err


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        ([], 2, "usage"),
        (["sort"], 2, "no command named 'sort'"),
        (["run"], 2, "--out"),
        (["run", "--out", "x"], 2, "no sessions given"),
        (["run", "nowhere", "--out", "x"], 1, "nowhere: is not a folder"),
        (["run", "nowhere", "--out", "x", "--workers", "0"], 2, "workers must be"),
        (["run", "nowhere", "--out", "x", "--policy", "none"], 2, "--policy"),
        (["verify", "nowhere"], 1, "nowhere: is not a data set"),
        (["inspect", "nowhere"], 1, "make one with: curate run"),
    ],
)
def test_wrong_use_is_told_without_a_traceback(argv, code, said, capsys):
    assert main(argv) == code

    shown = capsys.readouterr()
    assert said in shown.err + shown.out
    assert "Traceback" not in shown.err


@pytest.mark.parametrize("argv", [["--help"], ["run", "--help"], ["verify", "--help"]])
def test_help_is_fast_and_loads_nothing_heavy(argv):
    code = (
        "import sys\nfrom curation.cli import main\n"
        f"assert main({argv!r}) == 0\n"
        "heavy = {'torch', 'h5py', 'cv2', 'pygame', 'pylsl', 'scipy', 'pandas'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    start_s = time.monotonic()

    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)

    assert time.monotonic() - start_s < 3  # 0.2 s on an idle machine


def test_inspect_counts_the_rejected_by_reason(make_dataset, capsys):
    folder = make_dataset(2)
    path = folder / "dataset.json"
    document = json.loads(path.read_text())
    rejected = [
        {
            "session": "s",
            "image_id": "i",
            "reasons": [f"valid_share 0.{n} is below 0.5"],
        }
        for n in (1, 23)
    ]
    rejected[0]["reasons"].append("its image file is in no study list")
    path.write_text(json.dumps(document | {"rejected": rejected}))

    assert main(["inspect", str(folder), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["rejected"] == 2
    assert list(shown["rejected_for"].items()) == [
        ("valid_share … is below …", 2),
        ("its image file is in no study list", 1),
    ]

    assert main(["inspect", str(folder)]) == 0
    assert "is below" in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_is_told_without_a_traceback(
    arguments, tmp_path, capsys
):
    (tmp_path / "file").write_text("")

    code = main([*arguments, "--out", str(tmp_path / "file" / "below" / "out")])

    assert code == 1
    assert "file" in capsys.readouterr().err
