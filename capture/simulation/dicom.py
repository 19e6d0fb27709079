"""Write a simulated film as a DICOM object of the class Computed Radiography."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from pydicom.config import RAISE, settings
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ComputedRadiographyImageStorage, ExplicitVRLittleEndian

from capture.simulation.phantom import Phantom

_IMPLEMENTATION = UID("2.25.276394112839465027118360245013398712544")
_MODELS = ("SimCR 10", "SimCR 20", "Phantom Plate")


def write_dicom(
    phantom: Phantom,
    path: Path,
    *,
    seed: int,
    patient_number: int | None = None,
    accession: str = "",
) -> None:
    """Write an uncompressed CR image; the same phantom and seed give the same bytes.

    Patient and institution are invented, and say so, so that tools which must not let
    them through have something to find.

    Args:
        phantom: The film.
        path: File to write; replaced only by a complete one.
        seed: Fixes identifiers and the attributes that vary between machines.
        patient_number: Number in the invented patient's name; None takes the seed's.
        accession: Accession number.

    Source:
        DICOM PS3.3 (NEMA, 2024), A.2 Computed Radiography Image IOD.
    """
    rng = np.random.default_rng([seed, 77])
    number = seed % 10000 if patient_number is None else patient_number
    dataset = FileDataset(
        str(path), {}, file_meta=_file_meta(rng), preamble=b"\0" * 128
    )
    dataset.SOPClassUID = ComputedRadiographyImageStorage
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID
    _add_patient_and_study(dataset, rng, number, accession)
    _add_series(dataset, phantom, rng)
    _add_pixels(dataset, phantom, rng)
    buffer = io.BytesIO()
    with _strict():
        dataset.save_as(buffer, enforce_file_format=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    beside.write_bytes(buffer.getbuffer())
    beside.replace(path)


@contextmanager
def _strict() -> Iterator[None]:
    """Let pydicom refuse values that the standard does not allow."""
    before = settings.writing_validation_mode
    settings.writing_validation_mode = RAISE
    try:
        yield
    finally:
        settings.writing_validation_mode = before


def _uid(rng: np.random.Generator) -> UID:
    """Make a UUID-derived UID from the seeded generator instead of the clock."""
    high, low = (int(part) for part in rng.integers(0, 2**63, 2))
    number = (high << 64) | low
    number = number & ~(0xF << 76) | (4 << 76)  # version 4
    number = number & ~(0x3 << 62) | (2 << 62)  # RFC 4122 variant
    return UID(f"2.25.{number}")


def _file_meta(rng: np.random.Generator) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    meta.MediaStorageSOPInstanceUID = _uid(rng)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = _IMPLEMENTATION
    meta.ImplementationVersionName = "RADGAZE_SIM"
    return meta


def _add_patient_and_study(
    dataset: Dataset, rng: np.random.Generator, number: int, accession: str
) -> None:
    who = np.random.default_rng([number, 78])  # one patient, one birth date
    birth_year = int(who.integers(1935, 2003))
    date = _date(int(rng.integers(2015, 2025)), rng)
    time = _time(rng)
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.PatientName = f"PHANTOM^{number:04d}"
    dataset.PatientID = f"SIM{number:06d}"
    dataset.PatientBirthDate = _date(birth_year, who)
    dataset.PatientSex = str(who.choice(("F", "M", "O"), p=(0.49, 0.49, 0.02)))
    dataset.PatientAge = f"{int(date[:4]) - birth_year:03d}Y"
    dataset.StudyInstanceUID = _uid(rng)
    dataset.StudyID = str(int(rng.integers(1, 10**6)))
    dataset.StudyDate = dataset.SeriesDate = date
    dataset.AcquisitionDate = dataset.ContentDate = date
    dataset.StudyTime = dataset.SeriesTime = time
    dataset.AcquisitionTime = dataset.ContentTime = time
    dataset.AccessionNumber = accession or f"S{int(rng.integers(10**7)):07d}"
    dataset.ReferringPhysicianName = "INVENTED^REFERRER"
    dataset.StudyDescription = "Simulated chest radiograph"
    dataset.InstitutionName = "Simulated Hospital"


def _date(year: int, rng: np.random.Generator) -> str:
    return f"{year}{int(rng.integers(1, 13)):02d}{int(rng.integers(1, 29)):02d}"


def _time(rng: np.random.Generator) -> str:
    hour, minute, second = rng.integers(7, 20), rng.integers(60), rng.integers(60)
    return f"{int(hour):02d}{int(minute):02d}{int(second):02d}"


def _add_series(dataset: Dataset, phantom: Phantom, rng: np.random.Generator) -> None:
    dataset.Modality = "CR"
    dataset.SeriesInstanceUID = _uid(rng)
    dataset.SeriesNumber = 1
    dataset.SeriesDescription = f"Chest {phantom.view}"
    dataset.Laterality = ""
    dataset.BodyPartExamined = "CHEST"
    dataset.ViewPosition = phantom.view
    dataset.Manufacturer = "radgaze simulation"
    dataset.ManufacturerModelName = str(rng.choice(_MODELS))
    dataset.DeviceSerialNumber = "0"
    dataset.SoftwareVersions = "1"
    dataset.KVP = str(int(rng.integers(11, 14)) * 10 if phantom.view == "PA" else 90)
    dataset.PlateType = "phosphor"
    dataset.DistanceSourceToDetector = "1800" if phantom.view == "PA" else "1100"
    dataset.InstanceNumber = 1
    # rows run to the patient's left, columns to the feet, from either side of the body
    dataset.PatientOrientation = ["L", "F"]
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.ImageComments = "Simulated; no real person"
    dataset.BurnedInAnnotation = "NO"
    dataset.LossyImageCompression = "00"


def _add_pixels(dataset: Dataset, phantom: Phantom, rng: np.random.Generator) -> None:
    spacing = [f"{phantom.pixel_spacing_mm:.5g}"] * 2
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = phantom.photometric
    dataset.Rows, dataset.Columns = phantom.pixels.shape
    dataset.BitsAllocated = 16
    dataset.BitsStored = phantom.bits_stored
    dataset.HighBit = phantom.bits_stored - 1
    dataset.PixelRepresentation = 0
    dataset.ImagerPixelSpacing = spacing
    if rng.random() < 0.5:
        dataset.PixelSpacing = spacing
        dataset.PixelSpacingCalibrationType = "GEOMETRY"
        dataset.PixelSpacingCalibrationDescription = "At the detector"
    slope, intercept = 1.0, 0.0
    if rng.random() < 0.4:
        if rng.random() < 0.3:
            slope, intercept = 0.5, -256.0
        dataset.RescaleIntercept = f"{intercept:g}"
        dataset.RescaleSlope = f"{slope:g}"
        dataset.RescaleType = "US"
    center = phantom.window_center * slope + intercept
    width = phantom.window_width * slope
    dataset.WindowCenter = f"{center:.10g}"
    dataset.WindowWidth = f"{width:.10g}"
    if rng.random() < 0.5:
        dataset.VOILUTFunction = "LINEAR"
    inverse = phantom.photometric == "MONOCHROME1"
    dataset.PresentationLUTShape = "INVERSE" if inverse else "IDENTITY"
    dataset.PixelData = phantom.pixels.astype("<u2").tobytes()
