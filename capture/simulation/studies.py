"""Make a folder of simulated studies: films, reports, annotations and the truth."""

import json
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from capture.errors import ConfigError, InputError, writing
from capture.progress import Progress, ProgressMode
from capture.simulation.findings import PREVALENCE, check_names
from capture.studies import Annotations, Region, Study, write_annotations, write_studies

if TYPE_CHECKING:
    from capture.simulation.phantom import Phantom
    from capture.simulation.report import Report

STUDIES_FILE = "studies.csv"
RECIPE_FILE = "simulation.json"
RECIPE_FORMAT, RECIPE_VERSION = "radgaze-simulated-studies", 1
_SECOND_STUDY_SHARE = 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recipe:
    """What fixes every study of a folder, whatever their number."""

    seed: int
    height_px: int | None
    prevalence: Mapping[str, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedStudy:
    """Names and seeds of one study."""

    index: int
    study_id: str
    patient_number: int
    seed: int
    body_seed: int

    @property
    def patient_id(self) -> str:
        """The patient's identifier in the study list."""
        return f"SIM{self.patient_number:06d}"


def study_seed(seed: int, index: int) -> int:
    """Return the seed of one study's film, its report included."""
    return int(np.random.SeedSequence([seed, index]).generate_state(1, np.uint32)[0])


def plan_studies(n: int, seed: int) -> list[SimulatedStudy]:
    """Name the first `n` studies; about a tenth show the patient before once more."""
    planned: list[SimulatedStudy] = []
    for index in range(n):
        own = study_seed(seed, index)
        again = index > 0 and own % 1000 < 1000 * _SECOND_STUDY_SHARE
        planned.append(
            SimulatedStudy(
                index=index,
                study_id=f"sim-{index:05d}",
                patient_number=planned[-1].patient_number if again else index,
                seed=own,
                body_seed=planned[-1].body_seed if again else own,
            )
        )
    return planned


def write_studies_folder(
    out: Path,
    *,
    n: int,
    seed: int,
    height_px: int | None = None,
    prevalence: Mapping[str, float] | None = None,
    workers: int = 1,
    progress: ProgressMode = "none",
) -> Path:
    """Write `n` simulated studies and the list of them.

    A study depends on `seed` and its index alone: more workers, or a second run after
    an interruption, write the same bytes. Studies that are complete are kept.

    Args:
        out: Folder for images, reports, annotations, truth and `studies.csv`.
        n: How many studies.
        seed: Fixes everything.
        height_px: Height of every film; None draws usual ones, 2000 to 3000.
        prevalence: Share of films with each finding; None for the usual ones.
        workers: Processes to share the work.
        progress: How to tell how far it is.

    Returns:
        The path of `studies.csv`.

    Raises:
        DiskFullError: No space is left; what is complete is kept.
        ConfigError: `n` or `workers` is below 1, or a finding has no simulation.
        InputError: The folder holds studies that were made in another way.
    """
    if n < 1 or workers < 1:
        raise ConfigError(f"n and workers must be at least 1, got {n} and {workers}")
    check_names(tuple(prevalence or ()))
    out = Path(out)
    recipe = _Recipe(seed=seed, height_px=height_px, prevalence=prevalence)
    with writing(out):
        for folder in ("images", "reports", "annotations", "truth"):
            (out / folder).mkdir(parents=True, exist_ok=True)
        _check_recipe(out, recipe)
    planned = plan_studies(n, seed)
    views = _make_all(out, recipe, planned, workers, progress)
    studies = [_study(out, entry, views[entry.study_id]) for entry in planned]
    path = out / STUDIES_FILE
    with writing(path):
        write_studies(path, studies)
    return path


def _check_recipe(out: Path, recipe: _Recipe) -> None:
    path = out / RECIPE_FILE
    wanted = {
        "format": RECIPE_FORMAT,
        "version": RECIPE_VERSION,
        "seed": recipe.seed,
        "height_px": recipe.height_px,
        "prevalence": dict(recipe.prevalence) if recipe.prevalence else None,
    }
    if not path.exists():
        _write_json(path, wanted)
        return
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(path, f"cannot be read: {error}") from error
    if found != wanted:
        raise InputError(
            path,
            f"these studies were made with {found}, asked for now: {wanted}",
            "take another folder, or the options that the folder was made with",
        )


def _make_all(
    out: Path,
    recipe: _Recipe,
    planned: Iterable[SimulatedStudy],
    workers: int,
    mode: ProgressMode,
) -> dict[str, str]:
    """Return the view of every study, made or found."""
    entries = list(planned)
    make = partial(_make, out, recipe)
    views: dict[str, str] = {}
    with Progress("simulate-studies", len(entries), mode) as progress:
        if workers == 1:
            results: Iterable[tuple[str, str]] = map(make, entries)
            for study_id, view in results:
                views[study_id] = view
                progress.update()
        else:
            with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
                for study_id, view in pool.map(make, entries, chunksize=4):
                    views[study_id] = view
                    progress.update()
    return views


def _make(out: Path, recipe: _Recipe, entry: SimulatedStudy) -> tuple[str, str]:
    """Write one study, its truth last: a study with a truth is complete."""
    truth = out / "truth" / f"{entry.study_id}.json"
    if view := _finished(out, truth, entry):
        return entry.study_id, view
    import cv2

    from capture.simulation.dicom import write_dicom
    from capture.simulation.phantom import make_phantom
    from capture.simulation.report import make_report

    cv2.setNumThreads(1)  # the processes share the cores already
    phantom = make_phantom(
        entry.seed,
        height_px=recipe.height_px,
        body_seed=entry.body_seed,
        prevalence=recipe.prevalence,
    )
    report = make_report(phantom, entry.seed)
    study = _study(out, entry, phantom.view)
    with writing(out):
        write_dicom(
            phantom,
            study.image,
            seed=entry.seed,
            patient_number=entry.patient_number,
            accession=f"S{entry.index:07d}",
        )
        _write_text(out / "reports" / f"{entry.study_id}.txt", report.text)
        annotations = out / "annotations" / f"{entry.study_id}.json"
        write_annotations(annotations, _annotations(phantom))
        _write_json(truth, _truth(entry, phantom, report))
    return entry.study_id, phantom.view


def _annotations(phantom: "Phantom") -> Annotations:
    names = {finding.name for finding in phantom.findings}
    labels = {"No Finding": int(not names - {"Support Devices"})}
    labels |= {name: int(name in names) for name in PREVALENCE}
    regions = tuple(
        Region(finding=f.name, side=f.side, box=f.box, ellipse=f.ellipse)
        for f in phantom.findings
    )
    return Annotations(labels=labels, regions=regions)


def _truth(
    entry: SimulatedStudy, phantom: "Phantom", report: "Report"
) -> dict[str, object]:
    height, width = phantom.pixels.shape
    sentences = [
        {
            "text": s.text,
            "section": s.section,
            "state": s.state,
            "finding": s.names[0] if s.names else None,
            "findings": s.names,
            "side": s.finding.side if s.finding else None,
            "region": s.region,
            "regions": s.regions,
        }
        for s in report.sentences
    ]
    return {
        "format": "radgaze-study-truth",
        "version": 1,
        "study_id": entry.study_id,
        "patient_id": entry.patient_id,
        "seed": entry.seed,
        "view": phantom.view,
        "height_px": height,
        "width_px": width,
        "sentences": sentences,
        "findings": [asdict(finding) for finding in phantom.findings],
        "anatomy": phantom.anatomy,
        "heart_ratio": phantom.heart_ratio,
        "traits": phantom.traits,
    }


def _finished(out: Path, truth: Path, entry: SimulatedStudy) -> str | None:
    study = _study(out, entry, "PA")
    if not all(
        path.is_file()
        for path in (study.image, study.report, study.annotations)
        if path
    ):
        return None
    try:
        data = json.loads(truth.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return str(data["view"]) if data.get("seed") == entry.seed else None


def _study(out: Path, entry: SimulatedStudy, view: str) -> Study:
    return Study(
        study_id=entry.study_id,
        patient_id=entry.patient_id,
        image=out / "images" / f"{entry.study_id}.dcm",
        report=out / "reports" / f"{entry.study_id}.txt",
        annotations=out / "annotations" / f"{entry.study_id}.json",
        view=view,
    )


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    _write_text(path, json.dumps(data, indent=1, allow_nan=False) + "\n")


def _write_text(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
