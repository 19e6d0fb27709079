"""What holds for the project as a whole: light imports, and a wheel that runs."""

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {"pygame", "pylsl", "torch", "transformers", "textual", "pocketsphinx"}
GROUND_FLOOR = {"capture.errors", "capture.geometry", "capture.progress"}


def loaded_by(statement):
    code = f"import sys; {statement}; print(*sys.modules)"
    run = [sys.executable, "-c", code]
    return set(subprocess.check_output(run, text=True).split())


@pytest.mark.parametrize(
    "module",
    [
        "capture",
        "capture.cli",
        "capture.config",
        "capture.session",
        "capture.streams",
        "curation",
        "curation.cli",
        "curation.config",
        "training",
        "training.cli",
        "training.config",
        "tui",
        "tui.cli",
    ],
)
def test_importing_a_stage_stays_light(module):
    assert not HEAVY & loaded_by(f"import {module}")


@pytest.mark.parametrize("module", sorted(GROUND_FLOOR))
def test_ground_floor_loads_only_numpy_besides_the_standard_library(module):
    third_party = {
        name.split(".")[0]
        for name in loaded_by(f"import {module}") - loaded_by("import numpy")
        if name.split(".")[0] not in sys.stdlib_module_names
    }

    assert third_party <= {"capture", "numpy"}


def test_curation_does_not_load_the_window_or_the_models():
    assert not (HEAVY - {"pocketsphinx"}) & loaded_by("import curation.pipeline")


def test_training_does_not_load_the_window_or_the_streams():
    assert not {"pygame", "pylsl", "textual"} & loaded_by("import training.loop")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (path,) = out.glob("radgaze-*.whl")
    return path


def test_wheel_holds_exactly_the_four_packages(wheel):
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}

    packages = {top for top in tops if not top.endswith(".dist-info")}
    assert packages == {"capture", "curation", "training", "tui"}


@pytest.fixture(scope="session")
def bare_environment(wheel, tmp_path_factory):
    """A new environment with the wheel and its dependencies, away from the checkout.

    The dependencies come from this environment through a path file; path files inside
    that folder are not read, so the editable install of the checkout stays unseen.
    """
    home = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    site = next(home.glob("lib/python*/site-packages"), home / "Lib/site-packages")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    python = home / "bin" / "python"
    subprocess.run(
        [*install[:3], "--python", str(python), *install[3:], str(wheel)],
        check=True,
        capture_output=True,
    )
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return home


@pytest.mark.parametrize("command", ["radgaze", "curate", "train"])
def test_the_wheel_runs_from_a_bare_environment(bare_environment, tmp_path, command):
    where = "import capture, tui; print(capture.__file__, tui.__file__)"
    files = subprocess.check_output(
        [bare_environment / "bin" / "python", "-c", where], text=True, cwd=tmp_path
    )
    done = subprocess.run(
        [bare_environment / "bin" / command, "--help"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )

    assert all(str(bare_environment) in path for path in files.split())
    assert done.returncode == 0, done.stderr
    assert "usage" in done.stdout.lower()


@pytest.mark.parametrize("command", ["tui.cli", "curation.cli", "training.cli"])
def test_help_answers_without_loading_the_heavy_libraries(command):
    code = (
        f"import sys; from {command} import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print('LOADED', *sys.modules)"
    )

    text = subprocess.check_output([sys.executable, "-c", code], text=True)

    assert not HEAVY & set(text.rsplit("LOADED", 1)[1].split())
