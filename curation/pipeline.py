"""From session folders to a data set.

Every session is worked on alone: its gaze is put on one clock, cut into fixations,
mapped to the image through the view of that moment, and related to the sentences of the
report that were found in the audio. What comes out is kept as a part, so that an
interrupted run goes on where it stopped. At the end the parts are joined, sorted by
reading, so that the data set does not depend on the number of workers.
"""

import multiprocessing
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from capture.errors import DiskFullError, InputError, RadgazeError
from capture.images import file_bytes
from capture.progress import Progress
from capture.pseudonyms import KEY_VARIABLE, load_or_make_key, pseudonym
from capture.session import read_session
from capture.studies import Study, read_studies
from curation.alignment import make_policy
from curation.config import CurateConfig
from curation.dataset import DatasetWriter, check_target
from curation.parts import Outcome, PartFolder, SessionJob, UnreadJob, read_part
from curation.recordings import find_sessions

UNREAD_PER_PART = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What came of a run."""

    dataset: str
    readings: int
    sessions: int
    unread: int
    rejected: tuple[dict[str, Any], ...]
    """Session, image and reasons of what is not in the data set."""
    resumed: int
    """Parts that an earlier, interrupted run had left."""


class WorkerLostError(RadgazeError):
    """A worker process ended without an answer."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        super().__init__(
            f"one of {workers} worker processes was killed, most often for lack of "
            "memory; what was finished is kept: run it again with fewer --workers"
        )


def curate(config: CurateConfig) -> Summary:
    """Make a data set of all sessions.

    Raises:
        InputError: There is no session or study list, a session is there twice, or
            nothing can be accepted; then nothing is written.
        DiskFullError: No space is left; an earlier data set stays, and so do the
            parts of this run.
    """
    check_target(config.out)
    folders = find_sessions(config.sessions)
    studies = _read_lists(config)
    parts = PartFolder(config.out, config)
    jobs = _session_jobs(folders, studies, parts)
    with Progress("curate", len(folders), config.progress) as progress:
        outcomes = _work(jobs, config, progress)
    if config.unread:
        outcomes += _unread(studies, outcomes, parts, config)
    rejected = _by_session([entry for o in outcomes for entry in o.rejected])
    index = sorted((i, n, row) for n, o in enumerate(outcomes) for row, i in _rows(o))
    if not index:
        parts.remove()
        raise InputError(config.out, _nothing(rejected), "nothing was written")
    _assemble(config, outcomes, index, rejected)
    parts.remove()
    return Summary(
        dataset=str(config.out),
        readings=len(index),
        sessions=len(folders),
        unread=sum(identity.startswith("unread-") for identity, _, _ in index),
        rejected=tuple(rejected),
        resumed=sum(outcome.resumed for outcome in outcomes),
    )


def _read_lists(config: CurateConfig) -> tuple[Study, ...]:
    paths = config.studies or tuple(_near(config.sessions))
    if not paths:
        raise InputError(
            config.sessions[0],
            "no studies.csv in, beside or above it",
            "name the study list, which has the images and reports, with --studies",
        )
    return tuple(study for path in paths for study in read_studies(path))


def _near(roots: Sequence[Path]) -> Iterator[Path]:
    """Look for study lists where the simulation and a capture put them."""
    seen: set[Path] = set()
    for root in roots:
        here = root.resolve()
        for folder in (here, *list(here.parents)[:4]):
            for path in (folder / "studies.csv", folder / "studies" / "studies.csv"):
                if path.is_file() and path not in seen:
                    seen.add(path)
                    yield path
                    break
            else:
                continue
            break


def _session_jobs(
    folders: Sequence[Path], studies: Sequence[Study], parts: PartFolder
) -> list[SessionJob]:
    """Give every session the studies whose image files have the size of one of its."""
    by_size: dict[int, list[Study]] = {}
    for study in studies:
        by_size.setdefault(file_bytes(study.image), []).append(study)
    seen: dict[str, Path] = {}
    jobs = []
    for folder in folders:
        try:
            info = read_session(folder)
        except RadgazeError:
            jobs.append(SessionJob(folder, (), parts))  # its turn says what is wrong
            continue
        if info.session_id in seen:
            raise InputError(
                folder, f"is the same session as {seen[info.session_id]}", "name one"
            )
        seen[info.session_id] = folder
        sizes = sorted({described.file_bytes for described in info.studies})
        nearby = tuple(study for size in sizes for study in by_size.get(size, ()))
        jobs.append(SessionJob(folder, nearby, parts))
    return jobs


def _work(
    jobs: Sequence[SessionJob] | Sequence[UnreadJob],
    config: CurateConfig,
    progress: Progress,
) -> list[Outcome]:
    """Run jobs and return their outcomes in the order of the jobs."""
    outcomes: dict[int, Outcome] = {}
    for number, outcome in _completed(jobs, config.workers):
        if outcome.disk_full:
            raise DiskFullError(config.out)
        outcomes[number] = outcome
        progress.update(message=f"{len(outcome.rows)} readings")
    return [outcomes[number] for number in range(len(jobs))]


def _completed(
    jobs: Sequence[Callable[[], Outcome]], workers: int
) -> Iterator[tuple[int, Outcome]]:
    if workers == 1 or len(jobs) < 2:
        yield from ((number, job()) for number, job in enumerate(jobs))
        return
    context = multiprocessing.get_context("spawn")
    with (
        _one_thread_each(),
        ProcessPoolExecutor(min(workers, len(jobs)), mp_context=context) as pool,
    ):
        futures = {pool.submit(job): number for number, job in enumerate(jobs)}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise WorkerLostError(workers) from error
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes share the cores already; children inherit the environment."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("OMP_NUM_THREADS")
        else:
            os.environ["OMP_NUM_THREADS"] = before


def _unread(
    studies: Sequence[Study],
    outcomes: Sequence[Outcome],
    parts: PartFolder,
    config: CurateConfig,
) -> list[Outcome]:
    """Add the studies of which no reading was accepted."""
    key = load_or_make_key()
    read = frozenset(image for o in outcomes for image in o.images)
    _check_key(outcomes, key, config)
    chunks = [
        tuple(studies[first : first + UNREAD_PER_PART])
        for first in range(0, len(studies), UNREAD_PER_PART)
    ]
    jobs = [UnreadJob(chunk, read, key, parts) for chunk in chunks]
    with Progress("curate unread studies", len(jobs), config.progress) as progress:
        return _work(jobs, config, progress)


def _check_key(outcomes: Sequence[Outcome], key: bytes, config: CurateConfig) -> None:
    """With another key a patient would have two names, and could be in two splits."""
    for outcome in outcomes:
        for sha256, accepted in zip(outcome.images, outcome.accepted, strict=True):
            if pseudonym("image", sha256, key) != accepted["image_id"]:
                raise InputError(
                    config.sessions[0],
                    f"session {accepted['session']} was recorded with another key of "
                    "pseudonyms than the one here",
                    f"name the key's file in {KEY_VARIABLE}, or leave --unread out",
                )


def _rows(outcome: Outcome) -> Iterator[tuple[int, str]]:
    yield from enumerate(outcome.rows)


def _assemble(
    config: CurateConfig,
    outcomes: Sequence[Outcome],
    index: Sequence[tuple[str, int, int]],
    rejected: Sequence[dict[str, Any]],
) -> None:
    accepted = {a["reading_id"]: a for o in outcomes for a in o.accepted}
    current, reader, seen = -1, None, set()
    with DatasetWriter(
        config.out,
        image_size=config.image_size,
        readings_per_shard=config.readings_per_shard,
    ) as writer:
        for identity, number, row in index:
            if identity in seen:
                continue  # one image file that two study lists name
            seen.add(identity)
            if number != current or reader is None:
                current, reader = number, read_part(outcomes[number])
            writer.add(reader.reading(row))
        writer.finish(
            split_seed=config.seed,
            split_shares=config.split_shares,
            config=recorded_config(config),
            policy={"name": config.policy, **asdict(make_policy(config.policy))},
            created_by=_versions(),
            accepted=[accepted[i] for i in sorted(seen & set(accepted))],
            rejected=list(rejected),
        )


def recorded_config(config: CurateConfig) -> dict[str, Any]:
    """Return what shaped the data set: no paths, and not how fast it was made."""
    values = asdict(config)
    for name in ("sessions", "out", "studies", "workers", "progress"):
        del values[name]
    return values


def _by_session(rejected: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rejected, key=lambda r: (r["session"], r["image_id"], r["reasons"]))


def _nothing(rejected: Sequence[dict[str, Any]]) -> str:
    reasons = sorted({reason for entry in rejected for reason in entry["reasons"]})
    first = "; ".join(reasons[:3]) or "no image was shown"
    return f"no reading was accepted, {len(rejected)} rejected: {first}"


def _versions() -> dict[str, str]:
    names = ("radgaze", "numpy", "h5py", "opencv-python-headless")
    return {name: version(name) for name in names} | {
        "python": platform.python_version()
    }
