"""The part of a data set that one job makes; it is kept until the data set is whole."""

import hashlib
import json
import platform
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import capture
import curation
from capture.errors import DiskFullError, InputError, RadgazeError
from capture.images import file_bytes, load_image
from capture.pseudonyms import pseudonym
from capture.session import RECORDING_FILE, SESSION_FILE, describe_study, read_session
from capture.studies import Study
from curation.config import CurateConfig
from curation.disk import disk_full, file_sha256, write_json
from curation.privacy import session_name
from curation.readings import (
    Accepted,
    Content,
    Rejected,
    reason_of,
    session_readings,
    unread_reading,
)
from curation.recordings import read_recording
from curation.schema import Reading
from curation.shard import ShardReader, ShardWriter

SHAPES_NO_PART = {
    *("sessions", "out", "studies", "unread", "workers", "progress"),
    *("readings_per_shard", "split_shares"),
}
"""Fields of the configuration with which a part stays as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a job made, small enough to travel between processes."""

    shard: Path
    """Its readings; not there where it made none."""
    rows: tuple[str, ...] = ()
    """Ids of the readings, in the order of the shard."""
    images: tuple[str, ...] = ()
    """SHA-256 of the image files of its readings."""
    accepted: tuple[dict[str, Any], ...] = ()
    rejected: tuple[dict[str, Any], ...] = ()
    resumed: bool = False
    disk_full: bool = False


class PartFolder:
    """Hidden folder beside the data set that keeps parts across runs."""

    def __init__(self, out: Path, config: CurateConfig) -> None:
        self.folder = out.with_name(f".{out.name}.parts")
        self.config = config

    def key(self, contents: Sequence[str]) -> str:
        """Name a part by all that shapes it: inputs, settings and program."""
        values = asdict(self.config)
        settings = {name: values[name] for name in values.keys() - SHAPES_NO_PART}
        text = json.dumps([program(), settings, list(contents)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    def load(self, key: str) -> Outcome | None:
        """Return the part an earlier run finished, if it is whole."""
        try:
            values = json.loads((self.folder / f"{key}.json").read_text("utf-8"))
        except (OSError, ValueError):
            return None
        shard = self.folder / f"{key}.h5"
        if values["rows"] and not shard.is_file():
            return None
        values = {name: tuple(entries) for name, entries in values.items()}
        for entry in values["rejected"]:
            entry["reasons"] = tuple(entry["reasons"])
        return Outcome(shard=shard, resumed=True, **values)

    def save(self, key: str, results: Sequence[Accepted | Rejected]) -> Outcome:
        """Write the readings, then the summary that makes the part valid.

        Raises:
            DiskFullError: No space is left.
        """
        with disk_full(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        shard = self.folder / f"{key}.h5"
        accepted = [result for result in results if isinstance(result, Accepted)]
        if accepted:
            write_shard(shard, [a.reading for a in accepted], self.config.image_size)
        outcome = Outcome(
            shard=shard,
            rows=tuple(a.reading.reading_id for a in accepted),
            images=tuple(a.content[1] for a in accepted),
            accepted=tuple(_describe(a) for a in accepted if a.session),
            rejected=tuple(asdict(r) for r in results if isinstance(r, Rejected)),
        )
        values = asdict(outcome)
        for name in ("shard", "resumed", "disk_full"):
            del values[name]
        with disk_full(self.folder):
            write_json(self.folder / f"{key}.json", values)
        return outcome

    def remove(self) -> None:
        """Delete all parts."""
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class SessionJob:
    """Curates one session; called in a worker process."""

    folder: Path
    studies: Mapping[Content, Study]
    """Those of its images, as far as a study list has them."""
    parts: PartFolder

    def __call__(self) -> Outcome:
        """Return the part, from an earlier run if it is there."""
        try:
            return self._run()
        except DiskFullError:
            return Outcome(shard=self.parts.folder, disk_full=True)
        except RadgazeError as error:
            rejected = Rejected(
                session=self._name(),
                image_id="",
                reasons=(reason_of(error),),
            )
            return Outcome(shard=self.parts.folder, rejected=(asdict(rejected),))

    def _name(self) -> str:
        with suppress(RadgazeError):
            return read_session(self.folder).session_id
        return session_name(self.folder.name)

    def _run(self) -> Outcome:
        info = read_session(self.folder)
        recording = self.folder / RECORDING_FILE
        if not recording.is_file():
            raise InputError(recording, f"has no {RECORDING_FILE}")
        used = [self.studies.get((s.file_bytes, s.file_sha256)) for s in info.studies]
        contents = [file_sha256(self.folder / SESSION_FILE), file_sha256(recording)]
        contents += [_sidecars(study) if study else "" for study in used]
        key = self.parts.key(contents)
        earlier = self.parts.load(key)
        if earlier is not None:
            return earlier
        results = session_readings(
            read_recording(self.folder), self.studies, self.parts.config
        )
        return self.parts.save(key, list(results))


@dataclass(frozen=True, slots=True)
class UnreadJob:
    """Adds studies that nobody read; called in a worker process."""

    studies: Mapping[Content, Study]
    key: bytes
    """Of the pseudonyms."""
    parts: PartFolder

    def __call__(self) -> Outcome:
        """Return the part, from an earlier run if it is there."""
        try:
            return self._run()
        except DiskFullError:
            return Outcome(shard=self.parts.folder, disk_full=True)

    def _run(self) -> Outcome:
        salt = pseudonym("study", "unread", self.key)
        contents = [f"{c[1]} {_sidecars(study)}" for c, study in self.studies.items()]
        key = self.parts.key([salt, *contents])
        earlier = self.parts.load(key)
        if earlier is not None:
            return earlier
        return self.parts.save(key, [self._one(*i) for i in self.studies.items()])

    def _one(self, content: Content, study: Study) -> Accepted | Rejected:
        image_id = pseudonym("image", content[1], self.key)
        try:
            image = load_image(study.image)
            described = describe_study(
                study,
                self.key,
                pixel_sha256=image.pixel_sha256,
                width_px=image.width_px,
                height_px=image.height_px,
            )
            reading = unread_reading(study, described, image, self.parts.config)
        except DiskFullError:
            raise
        except RadgazeError as error:
            return Rejected(session="", image_id=image_id, reasons=(reason_of(error),))
        return Accepted(
            session="", reading=reading, content=content, truncated=False, notes={}
        )


@dataclass(frozen=True, slots=True)
class HashJob:
    """Tells image files by their content; called in a worker process."""

    studies: tuple[Study, ...]

    def __call__(self) -> list[Content]:
        """Return size and hash of each image file.

        Raises:
            InputError: A file cannot be read.
        """
        return [(file_bytes(s.image), file_sha256(s.image)) for s in self.studies]


@cache
def program() -> str:
    """Name the program by its source and what it computes with."""
    digest = hashlib.sha256(platform.python_version().encode())
    for name in ("radgaze", "numpy", "scipy", "opencv-python-headless"):
        digest.update(version(name).encode())
    for package in (capture, curation):
        for path in sorted(Path(package.__path__[0]).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def read_part(outcome: Outcome) -> ShardReader:
    """Open the readings of a part."""
    return ShardReader(outcome.shard)


def write_shard(path: Path, readings: Sequence[Reading], image_size: int) -> None:
    """Write one shard; nothing is left behind if it fails.

    Raises:
        DiskFullError: No space is left.
    """
    writer = ShardWriter(path, image_size)
    done = False
    try:
        for reading in readings:
            writer.add(reading)
        writer.close()
        done = True
    finally:
        if not done:
            writer.abort()


def _sidecars(study: Study) -> str:
    """Content of the report and the annotations, which shape the rows too."""
    files = [path for path in (study.report, study.annotations) if path is not None]
    return " ".join(file_sha256(path) for path in files)


def _describe(accepted: Accepted) -> dict[str, Any]:
    return {
        "session": accepted.session,
        "reading_id": accepted.reading.reading_id,
        "image_id": accepted.reading.image_id,
        "truncated": accepted.truncated,
        "notes": dict(accepted.notes),
    }
