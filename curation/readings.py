"""From one recorded session to its readings: events, mapping, report, quality."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from capture.errors import DiskFullError, InputError, RadgazeError
from capture.geometry import px_to_deg
from capture.images import LoadedImage, load_image, resized_uint8
from capture.session import SessionInfo, SessionStudy
from capture.studies import Study, read_annotations
from curation.alignment import make_policy, overlaps, windows
from curation.config import CurateConfig
from curation.dictation import dictation
from curation.events import detect_events, is_seen
from curation.gaze_mapping import Showing, Timeline, fixations_on, timeline, to_image_px
from curation.privacy import is_pseudonym
from curation.quality import measure, reasons_to_reject
from curation.recordings import Recording
from curation.report_tables import (
    ReportText,
    labels_of,
    mention_table,
    read_report,
    region_table,
)
from curation.schema import Reading

Content = tuple[int, str]
"""Size in bytes and sha256 of an image file: what a study is recognized by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A reading, or a whole session, that is not in the data set."""

    session: str
    image_id: str
    """Empty where it is the session."""
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Accepted:
    """A reading that goes into the data set, and what is worth knowing about it."""

    session: str
    reading: Reading
    content: Content
    """Of its image file."""
    truncated: bool
    notes: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Screened:
    """A session's gaze with its events and views: computed once for all its images."""

    recording: Recording
    labels: NDArray[np.int8]
    views: Timeline


def session_readings(
    recording: Recording, studies: Mapping[Content, Study], config: CurateConfig
) -> Iterator[Accepted | Rejected]:
    """Turn a session into readings, one an image that was shown.

    Args:
        recording: From `recordings.read_recording`.
        studies: Study of each image file, by content.
        config: How to do it.

    Raises:
        InputError: The session holds something else than pseudonyms, no dictation
            though sentences are to be timed, or a display event that cannot be.
    """
    check_pseudonyms(recording.info, recording.folder)
    if config.speech and recording.audio is None:
        raise InputError(
            recording.folder,
            "the recording holds no audio stream, so no sentence can be timed",
            "take its images and gaze alone with --no-speech",
        )
    gaze = recording.gaze
    labels = detect_events(
        gaze.time_s, px_to_deg(gaze.xy_px, recording.info.screen), config.events
    )
    try:
        views = timeline(recording.display, float(gaze.time_s[-1]))
    except ValueError as error:
        raise InputError(recording.folder, f"display event: {error}") from error
    screened = _Screened(recording=recording, labels=labels, views=views)
    described = {study.image_id: study for study in recording.info.studies}
    for number, showing in enumerate(views.showings):
        try:
            study = described.get(showing.image_id)
            yield _reading(screened, number, _matched(study, studies), config)
        except DiskFullError:
            raise
        except RadgazeError as error:
            yield Rejected(
                session=recording.info.session_id,
                image_id=showing.image_id,
                reasons=(reason_of(error),),
            )


def unread_reading(
    study: Study, described: SessionStudy, image: LoadedImage, config: CurateConfig
) -> Reading:
    """Make a row of an image and its report, without gaze.

    Raises:
        InputError: The report or the annotations cannot be read.
    """
    return _base(study, described, image, config).reading


def reason_of(error: RadgazeError) -> str:
    """Say what was wrong without the path, which may hold a name."""
    return error.found if isinstance(error, InputError) else str(error)


def check_pseudonyms(info: SessionInfo, folder: Path) -> None:
    """Refuse a session whose ids are not pseudonyms; the message does not quote them.

    Raises:
        InputError: An id has not the form of a pseudonym.
    """
    ids = [("reader", info.reader_id)]
    for study in info.studies:
        ids += [
            ("image", study.image_id),
            ("study", study.study_id),
            ("patient", study.patient_id),
        ]
    bad = sorted({kind for kind, value in ids if not is_pseudonym(kind, value)})
    if bad:
        raise InputError(
            folder,
            f"session.json holds a {', '.join(bad)} id that is no pseudonym",
            "record with radgaze capture, or replace the ids by pseudonyms",
        )


def _matched(
    described: SessionStudy | None, studies: Mapping[Content, Study]
) -> tuple[SessionStudy, Study]:
    if described is None:
        raise InputError("", "the image is not among the studies of session.json")
    study = studies.get((described.file_bytes, described.file_sha256))
    if study is None:
        raise InputError("", "its image file is in no study list (compared by content)")
    return described, study


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Base:
    """What a row has whether or not somebody read the image."""

    reading: Reading
    report: ReportText | None


def _base(
    study: Study, described: SessionStudy, image: LoadedImage, config: CurateConfig
) -> _Base:
    report = read_report(study.report, blank=config.scrub) if study.report else None
    marks = read_annotations(study.annotations) if study.annotations else None
    labels, source = labels_of(marks, report)
    pixels, placement = resized_uint8(image, config.image_size)
    left, top, width, height = placement
    tables = {}
    if marks is not None:
        tables["regions"] = region_table(marks.regions, report)
    if report is not None:
        silent = dictation(report, None, 0.0, 0.0)
        tables |= {"mentions": mention_table(report), "sentences": silent.sentences}
    reading = Reading(
        reading_id=f"unread-{described.image_id}",
        image_id=described.image_id,
        study_id=described.study_id,
        patient_id=described.patient_id,
        image=pixels,
        placement=(left, top, width, height),
        image_size_px=(image.width_px, image.height_px),
        report=report.text if report else None,
        findings=report.section("findings") if report else None,
        impression=report.section("impression") if report else None,
        has_regions=marks is not None,
        tables=tables,
        labels=labels,
        label_source=source,
    )
    return _Base(reading=reading, report=report)


def _reading(
    screened: _Screened,
    number: int,
    matched: tuple[SessionStudy, Study],
    config: CurateConfig,
) -> Accepted | Rejected:
    recording, showing = screened.recording, screened.views.showings[number]
    fixations = fixations_on(
        number,
        recording.gaze.time_s,
        recording.gaze.xy_px,
        screened.labels,
        screened.views,
        recording.info.screen,
        recording.gaze.period_s,
    )
    quality = _quality(screened, showing)
    session = recording.info.session_id
    count = len(fixations["x"])
    reasons = reasons_to_reject(quality, count, config.quality)
    if reasons:  # before the image is decoded and the speech aligned
        return Rejected(
            session=session, image_id=showing.image_id, reasons=tuple(reasons)
        )
    described, study = matched
    image = load_image(study.image)
    if (image.width_px, image.height_px) != (showing.width_px, showing.height_px):
        raise InputError("", "the image file has another size than what was shown")
    base = _base(study, described, image, config)
    tables = {**base.reading.tables, "fixations": fixations}
    doubts: tuple[str, ...] = ()
    if base.report is not None:
        spoken, doubts = _spoken(base.report, screened, showing, fixations, config)
        tables |= spoken
        has_time = tables["sentences"]["has_time"]
        quality["timed_sentence_share"] = float(has_time.mean()) if len(has_time) else 0
    reasons = reasons_to_reject(quality, count, config.quality)
    if not config.accept_unverified:
        reasons += [f"dictation and report may differ: {doubt}" for doubt in doubts]
    if reasons:
        return Rejected(
            session=session, image_id=showing.image_id, reasons=tuple(reasons)
        )
    reading = replace(
        base.reading,
        reading_id=f"{session}-{number:04d}",
        reader_id=recording.info.reader_id,
        has_gaze=True,
        has_audio=_has_audio(recording, showing),
        tables=tables,
        quality=quality,
    )
    return Accepted(
        session=session,
        reading=reading,
        content=(described.file_bytes, described.file_sha256),
        truncated=showing.cut,
        notes=recording.notes,
    )


def _spoken(
    report: ReportText,
    screened: _Screened,
    showing: Showing,
    fixations: Mapping[str, NDArray[np.float64]],
    config: CurateConfig,
) -> tuple[dict[str, dict[str, NDArray[np.float64]]], tuple[str, ...]]:
    audio = screened.recording.audio if config.speech else None
    said = dictation(report, audio, showing.shown_s, showing.hidden_s, seed=config.seed)
    spans_s = windows(
        make_policy(config.policy),
        said.sentences["start_s"],
        said.sentences["end_s"],
        said.first_mention_s,
        said.last_mention_s,
    )
    pairs = overlaps(spans_s, fixations["onset_s"], fixations["duration_s"])
    tables = {
        "sentences": said.sentences,
        "words": said.words,
        "sentence_fixations": pairs,
    }
    return tables, said.doubts


def _quality(screened: _Screened, showing: Showing) -> dict[str, float]:
    gaze = screened.recording.gaze
    first, last = np.searchsorted(gaze.time_s, [showing.shown_s, showing.hidden_s])
    time_s, xy_px = gaze.time_s[first:last], gaze.xy_px[first:last]
    image_px = to_image_px(xy_px, screened.views.view_at(time_s), screened.views)
    size_px = np.array([showing.width_px, showing.height_px])
    with np.errstate(invalid="ignore"):
        inside = (image_px >= 0) & (image_px <= size_px)
    quality = measure(
        time_s,
        is_seen(xy_px),
        inside[:, 0] & inside[:, 1],
        showing.shown_s,
        showing.hidden_s,
        gaze.period_s,
    )
    return quality | {"truncated": float(showing.cut)}


def _has_audio(recording: Recording, showing: Showing) -> bool:
    if recording.audio is None:
        return False
    stamps_s = recording.audio.stamps_s
    first, last = np.searchsorted(stamps_s, [showing.shown_s, showing.hidden_s])
    return bool(last > first)
