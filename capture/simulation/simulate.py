"""Sessions of simulated readers over a study list, faster than real time."""

import hashlib
import json
import shutil
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from capture.config import VoiceEngine, check_max_image_s
from capture.display.view import ViewState
from capture.errors import ConfigError, InputError
from capture.geometry import Screen
from capture.progress import Progress, ProgressMode
from capture.pseudonyms import load_or_make_key, pseudonym
from capture.session import (
    RECORDING_FILE,
    SESSION_FILE,
    SessionEnd,
    SessionInfo,
    SessionStream,
    SessionStudy,
    TrackerInfo,
    describe_study,
    new_session_folder,
    write_session,
)
from capture.simulation.playback import PlannedImage, SessionPlayer
from capture.simulation.profile import ReaderProfile
from capture.simulation.reader import plan_reading
from capture.simulation.truth import (
    TRUTH_FILE,
    read_study_truth,
    read_truth,
    truth_path,
    write_truth,
)
from capture.simulation.voice import speak
from capture.studies import Study, read_studies


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """One session to write; everything its bytes depend on, and where they go."""

    out: Path
    session_id: str
    reader_id: str
    reader: ReaderProfile
    numbers: tuple[int, ...]
    """Rows of the study list."""
    studies: tuple[Study, ...]
    truths: tuple[Path, ...]
    seed: int
    place: tuple[int, int]
    """Number of the reader and of the reader's session."""
    rate_hz: float
    voice: VoiceEngine
    max_image_s: float | None
    screen: Screen
    key: bytes

    @property
    def folder(self) -> Path:
        return self.out / self.reader_id / self.session_id

    @property
    def fingerprint(self) -> str:
        """Hash of the settings, to tell whether a finished session is this one."""
        told = (
            self.session_id, self.reader_id, repr(self.reader), self.seed, self.place,
            [study.study_id for study in self.studies], self.rate_hz, self.voice,
            self.max_image_s, repr(self.screen),
        )  # fmt: skip
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def simulate_sessions(
    studies: Path,
    out: Path,
    *,
    readers: int = 3,
    images_per_session: int = 10,
    readings_per_study: int = 1,
    seed: int = 0,
    rate_hz: float = 250.0,
    voice: VoiceEngine = "espeak",
    max_image_s: float | None = None,
    screen: Screen | None = None,
    workers: int = 1,
    key_file: Path | None = None,
    progress: ProgressMode = "auto",
) -> list[Path]:
    """Let simulated readers read every study of a list that the simulator made.

    Writes `out/READER/SESSION/` with recording.xdf, session.json and
    simulation_truth.json. The same arguments and key give the same bytes, whatever the
    number of workers. Finished sessions are kept, unfinished ones made anew.

    Args:
        studies: Study list with a `truth` folder beside it.
        out: Root of the sessions.
        readers: How many people share the studies.
        images_per_session: Most images a session.
        readings_per_study: How many of the readers read each study.
        seed: Fixes readers, order and all that happens.
        rate_hz: Samples a second of the simulated eye tracker.
        voice: What makes the dictation's sound.
        max_image_s: Longest time on an image; None for as long as the report takes.
        screen: What the readers sit in front of; None for the usual one.
        workers: Processes.
        key_file: Key of the pseudonyms; None for the user's own.
        progress: How to say how far it is.

    Returns:
        The session folders, by reader and number.

    Raises:
        ConfigError: A number cannot be.
        InputError: A study, its image or its truth is missing, or a folder holds
            another session.
        MissingExtraError: `voice` is espeak and it is not installed.
    """
    _check(readers, images_per_session, readings_per_study, rate_hz, workers)
    check_max_image_s(max_image_s)
    if voice == "espeak":
        speak((), engine=voice)  # says at once if the package is missing
    make_job = partial(
        _Job,
        out=Path(out),
        seed=seed,
        rate_hz=float(rate_hz),
        voice=voice,
        max_image_s=max_image_s,
        screen=screen or Screen(),
        key=load_or_make_key(key_file),
    )
    rows = read_studies(studies)
    shares = _shares(len(rows), readers, readings_per_study, seed)
    jobs = []
    for number, share in enumerate(shares):
        reader = ReaderProfile.drawn(f"simulated reader {number}", seed, number)
        for k, start in enumerate(range(0, len(share), images_per_session)):
            chosen = share[start : start + images_per_session]
            jobs.append(
                make_job(
                    session_id=f"simulated-{seed}-r{number:02d}-s{k:03d}",
                    reader_id=pseudonym(
                        "reader", f"{seed}/{reader.name}", make_job.keywords["key"]
                    ),
                    reader=reader,
                    numbers=tuple(chosen),
                    studies=tuple(rows[i] for i in chosen),
                    truths=tuple(truth_path(studies, rows[i].study_id) for i in chosen),
                    place=(number, k),
                )
            )
    _run([job for job in jobs if not _finished(job)], workers, progress)
    return [job.folder for job in jobs]


def _check(
    readers: int, images: int, readings: int, rate_hz: float, workers: int
) -> None:
    for name, value in (
        ("readers", readers),
        ("images_per_session", images),
        ("readings_per_study", readings),
        ("workers", workers),
    ):
        if value < 1:
            raise ConfigError(f"{name} must be at least 1, got {value}")
    if readings > readers:
        raise ConfigError(
            f"readings_per_study must be at most readers ({readers}), got {readings}"
        )
    if not 30 <= rate_hz <= 2000:
        raise ConfigError(f"rate_hz must be 30 to 2000, got {rate_hz}")


def _shares(count: int, readers: int, readings: int, seed: int) -> list[list[int]]:
    """Deal the studies out to the readers, in an order of its own for each."""
    order = np.random.default_rng([seed, 0xDEA1]).permutation(count).tolist()
    shares: list[list[int]] = [[] for _ in range(readers)]
    for turn in range(readings):
        for position, row in enumerate(order):
            shares[(position + turn) % readers].append(row)
    return shares


def _finished(job: _Job) -> bool:
    """Tell whether the session is there already; clear away half of one."""
    if not job.folder.exists():
        return False
    if not (job.folder / SESSION_FILE).exists():
        shutil.rmtree(job.folder)
        return False
    if read_truth(job.folder).get("fingerprint") != job.fingerprint:
        raise InputError(
            job.folder,
            "holds a session that was simulated with other settings",
            "choose another folder for the sessions",
        )
    return True


def _run(jobs: Sequence[_Job], workers: int, mode: ProgressMode) -> None:
    images = sum(len(job.studies) for job in jobs)
    with Progress("simulate sessions", images, mode) as progress:
        for count in _results(jobs, min(workers, len(jobs))):
            progress.update(count)


def _results(jobs: Sequence[_Job], workers: int) -> Iterable[int]:
    if workers < 2:
        yield from map(_write_session, jobs)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(_write_session, job) for job in jobs]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:
            for future in waiting:
                future.cancel()


def _write_session(job: _Job) -> int:
    """Write one session beside its place and move it there when it is whole."""
    beside = job.folder.with_name(f".{job.session_id}.part")
    shutil.rmtree(beside, ignore_errors=True)
    folder = new_session_folder(
        job.out / job.reader_id / beside.name, "making", job.session_id
    )
    player = SessionPlayer(
        folder / RECORDING_FILE,
        session_id=job.session_id,
        reader=job.reader,
        screen=job.screen,
        rate_hz=job.rate_hz,
        seed=(job.seed, *job.place),
    )
    described = []
    try:
        for index in range(len(job.studies)):
            study, image = _plan_image(job, index)
            described.append(study)
            player.read(image)
    except BaseException:
        player.abandon()
        raise
    player.close()
    write_truth(
        folder / TRUTH_FILE, player.truth(job.seed) | {"fingerprint": job.fingerprint}
    )
    write_session(folder, _info(job, player, described))
    folder.replace(job.folder)
    shutil.rmtree(beside)
    return len(job.studies)


def _plan_image(job: _Job, index: int) -> tuple[SessionStudy, PlannedImage]:
    from capture.images import load_image  # decoders cost 0.3 s to load

    study = job.studies[index]
    truth = read_study_truth(job.truths[index])
    loaded = load_image(study.image)
    described = describe_study(
        study,
        job.key,
        pixel_sha256=loaded.pixel_sha256,
        width_px=loaded.width_px,
        height_px=loaded.height_px,
    )
    seed = (job.seed, *job.place, job.numbers[index])
    speech = speak(
        [sentence.text for sentence in truth.sentences],
        engine=job.voice,
        voice=job.reader.voice,
        words_per_minute=job.reader.words_per_minute,
        seed=int(np.random.SeedSequence(seed).generate_state(1)[0]),
    )
    plan = plan_reading(truth, speech, job.reader, seed, max_s=job.max_image_s)
    default = ViewState.fit(
        screen_width_px=job.screen.width_px,
        screen_height_px=job.screen.height_px,
        image_width_px=loaded.width_px,
        image_height_px=loaded.height_px,
        window_center=loaded.window_center,
        window_width=loaded.window_width,
        invert=loaded.invert,
    )
    return described, PlannedImage(
        index, described.image_id, loaded.pixel_sha256, default, plan, tuple(speech)
    )


def _info(
    job: _Job, player: SessionPlayer, studies: Sequence[SessionStudy]
) -> SessionInfo:
    x_deg, y_deg = job.reader.offset_deg
    return SessionInfo(
        session_id=job.session_id,
        reader_id=job.reader_id,
        simulated=True,
        screen=job.screen,
        tracker=TrackerInfo(
            name="simulated",
            nominal_rate_hz=job.rate_hz,
            accuracy_deg=round(float(np.hypot(x_deg, y_deg)), 3),
        ),
        studies=tuple(studies),
        streams=tuple(
            SessionStream(name=spec.name, type=spec.type, role=spec.role)
            for spec in player.specs
        ),
        end=SessionEnd(state="complete", images_read=len(studies)),
    )
