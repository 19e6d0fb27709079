"""From session folders to a data set.

Every session is worked on alone: its gaze is put on one clock, cut into fixations,
mapped to the image through the view of that moment, and related to the sentences of the
report that were found in the audio. What comes out is kept as a part, so that an
interrupted run goes on where it stopped. At the end the parts are joined, sorted by
reading, so that the data set does not depend on the number of workers.
"""

import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from capture.errors import DiskFullError, InputError, RadgazeError
from capture.images import file_bytes
from capture.progress import Progress
from capture.pseudonyms import KEY_VARIABLE, load_or_make_key, pseudonym
from capture.session import SessionInfo, read_session
from capture.studies import Study, read_studies
from curation.alignment import make_policy
from curation.config import CurateConfig
from curation.dataset import DatasetWriter, check_target
from curation.disk import exclusive
from curation.parts import (
    HashJob,
    Outcome,
    PartFolder,
    SessionJob,
    UnreadJob,
    read_part,
)
from curation.readings import Content
from curation.recordings import find_sessions
from curation.workers import completed

STUDIES_PER_JOB = 64
T = TypeVar("T")


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


def curate(config: CurateConfig) -> Summary:
    """Make a data set of all sessions.

    Raises:
        InputError: There is no session or study list, a session is there twice,
            nothing can be accepted, or another run writes there; then nothing is
            written.
        DiskFullError: No space is left; an earlier data set stays, and so do the
            parts of this run.
    """
    check_target(config.out)
    folders = find_sessions(config.sessions)
    studies = _read_lists(config)
    target = replace(config, out=config.out.resolve())
    with exclusive(target.out):
        summary = _curate(folders, studies, target)
    return replace(summary, dataset=str(config.out))


def _curate(
    folders: Sequence[Path], studies: Sequence[Study], config: CurateConfig
) -> Summary:
    parts = PartFolder(config.out, config)
    infos = _read_infos(folders)
    contents = _contents(studies, list(infos.values()), config)
    jobs = _session_jobs(folders, infos, contents, parts)
    with Progress("curate", len(folders), config.progress) as progress:
        outcomes = _work(jobs, config, progress)
    if config.unread:
        outcomes += _unread(contents, outcomes, parts, config)
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


def _read_infos(folders: Sequence[Path]) -> dict[Path, SessionInfo]:
    """Read the descriptions; the turn of a session without one says what is wrong."""
    infos: dict[Path, SessionInfo] = {}
    seen: dict[str, Path] = {}
    for folder in folders:
        with suppress(RadgazeError):
            infos[folder] = read_session(folder)
    for folder, info in infos.items():
        if info.session_id in seen:
            raise InputError(
                folder, f"is the same session as {seen[info.session_id]}", "name one"
            )
        seen[info.session_id] = folder
    return infos


def _contents(
    studies: Sequence[Study], infos: Sequence[SessionInfo], config: CurateConfig
) -> dict[Content, Study]:
    """Hash the image files that may matter, each once; of equal ones the first counts.

    A file that has not the size of any image that was read needs no hash, unless
    studies that nobody read are wanted too.
    """
    sizes = {described.file_bytes for info in infos for described in info.studies}
    todo = [s for s in studies if config.unread or file_bytes(s.image) in sizes]
    jobs = [HashJob(chunk) for chunk in _chunks(todo)]
    hashed: dict[int, list[Content]] = {}
    with Progress("compare images", len(todo), config.progress) as progress:
        for number, contents in completed(jobs, config.workers):
            hashed[number] = contents
            progress.update(len(contents))
    found: dict[Content, Study] = {}
    for number, job in enumerate(jobs):
        for content, study in zip(hashed[number], job.studies, strict=True):
            found.setdefault(content, study)
    return found


def _chunks(items: Sequence[T]) -> list[tuple[T, ...]]:
    step = STUDIES_PER_JOB
    return [tuple(items[at : at + step]) for at in range(0, len(items), step)]


def _session_jobs(
    folders: Sequence[Path],
    infos: Mapping[Path, SessionInfo],
    contents: Mapping[Content, Study],
    parts: PartFolder,
) -> list[SessionJob]:
    """Give every session the studies of its images."""
    jobs = []
    for folder in folders:
        described = infos[folder].studies if folder in infos else ()
        wanted = [(s.file_bytes, s.file_sha256) for s in described]
        own = {content: contents[content] for content in wanted if content in contents}
        jobs.append(SessionJob(folder, own, parts))
    return jobs


def _work(
    jobs: Sequence[SessionJob] | Sequence[UnreadJob],
    config: CurateConfig,
    progress: Progress,
) -> list[Outcome]:
    """Run jobs and return their outcomes in the order of the jobs."""
    outcomes: dict[int, Outcome] = {}
    for number, outcome in completed(jobs, config.workers):
        if outcome.disk_full:
            raise DiskFullError(config.out)
        outcomes[number] = outcome
        progress.update(message=f"{len(outcome.rows)} readings")
    return [outcomes[number] for number in range(len(jobs))]


def _unread(
    contents: Mapping[Content, Study],
    outcomes: Sequence[Outcome],
    parts: PartFolder,
    config: CurateConfig,
) -> list[Outcome]:
    """Add the studies of which no reading was accepted, in the order of their rows."""
    key = load_or_make_key()
    _check_key(outcomes, key, config)
    read = {image for o in outcomes for image in o.images}
    rows = {
        pseudonym("image", content[1], key): content
        for content in contents
        if content[1] not in read
    }
    chunks = _chunks([rows[image_id] for image_id in sorted(rows)])
    jobs = [UnreadJob({c: contents[c] for c in chunk}, key, parts) for chunk in chunks]
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
    current, reader = -1, None
    with (
        DatasetWriter(
            config.out,
            image_size=config.image_size,
            readings_per_shard=config.readings_per_shard,
        ) as writer,
        Progress("write data set", len(index), config.progress) as progress,
    ):
        for _, number, row in index:  # the rows of a part follow each other
            if number != current or reader is None:
                current, reader = number, read_part(outcomes[number])
            writer.add(reader.reading(row))
            progress.update()
        writer.finish(
            split_seed=config.seed,
            split_shares=config.split_shares,
            config=recorded_config(config),
            policy={"name": config.policy, **asdict(make_policy(config.policy))},
            created_by=_versions(),
            accepted=[accepted[i] for i in sorted(accepted)],
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
