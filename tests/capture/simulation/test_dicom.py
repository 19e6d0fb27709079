"""The file is read back with pydicom and held against the CR IOD's required parts."""

import numpy as np
import pydicom
import pytest
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from capture.images import load_image
from capture.images import to_display as show
from capture.simulation.dicom import write_dicom
from capture.simulation.phantom import make_phantom, to_display

TYPE_1 = """
    SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID Modality
    SamplesPerPixel PhotometricInterpretation Rows Columns BitsAllocated BitsStored
    HighBit PixelRepresentation PixelData
"""
TYPE_2 = """
    PatientName PatientID PatientBirthDate PatientSex StudyDate StudyTime
    ReferringPhysicianName StudyID AccessionNumber SeriesNumber Laterality
    Manufacturer BodyPartExamined ViewPosition InstanceNumber PatientOrientation
"""


@pytest.fixture
def write(tmp_path):
    def write(seed, **options):
        phantom = make_phantom(seed, height_px=120)
        path = tmp_path / f"{seed}.dcm"
        write_dicom(phantom, path, seed=seed, **options)
        return phantom, path

    return write


@pytest.mark.parametrize("seed", range(8))
def test_every_required_attribute_is_there(write, seed):
    _, path = write(seed)

    dataset = pydicom.dcmread(path)

    assert all(dataset.get(name) not in (None, "") for name in TYPE_1.split())
    assert all(name in dataset for name in TYPE_2.split())
    assert dataset.SOPClassUID == "1.2.840.10008.5.1.4.1.1.1"
    assert dataset.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert dataset.SOPInstanceUID == dataset.file_meta.MediaStorageSOPInstanceUID
    assert dataset.HighBit == dataset.BitsStored - 1


@pytest.mark.parametrize("seed", range(8))
def test_every_value_is_one_that_the_standard_allows(write, seed, monkeypatch):
    _, path = write(seed)
    monkeypatch.setattr(
        pydicom.config.settings, "reading_validation_mode", pydicom.config.RAISE
    )

    elements = list(pydicom.dcmread(path).iterall())

    assert len(elements) > 40
    for element in elements:
        if element.VR == "UI":
            assert str(element.value).startswith(("2.25.", "1.2.840.10008."))
            assert pydicom.uid.UID(element.value).is_valid


@pytest.mark.parametrize("seed", range(4))
def test_stored_values_come_back(write, seed):
    phantom, path = write(seed)

    dataset = pydicom.dcmread(path)

    np.testing.assert_array_equal(dataset.pixel_array, phantom.pixels)
    assert dataset.BitsStored == phantom.bits_stored
    assert dataset.PhotometricInterpretation == phantom.photometric
    assert float(dataset.ImagerPixelSpacing[0]) == pytest.approx(
        phantom.pixel_spacing_mm, rel=1e-4
    )


@pytest.mark.parametrize("seed", range(10))
def test_the_window_shows_what_the_phantom_shows(write, seed):
    phantom, path = write(seed)
    dataset = pydicom.dcmread(path)

    values = apply_voi_lut(apply_modality_lut(dataset.pixel_array, dataset), dataset)

    values = np.asarray(values, dtype=float)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        values = -values
    expected = to_display(phantom).astype(float)
    assert np.corrcoef(values.ravel(), expected.ravel())[0, 1] > 0.999


@pytest.mark.parametrize("seed", range(10))
def test_the_readers_of_the_project_show_it_the_same_way(write, seed):
    phantom, path = write(seed)

    loaded = load_image(path)

    shown = show(loaded, loaded.window_center, loaded.window_width, loaded.invert)
    difference = shown.astype(int) - to_display(phantom).astype(int)
    assert np.abs(difference).max() <= 2


def test_the_same_seed_gives_the_same_bytes(write):
    _, path = write(5)
    first = path.read_bytes()

    write(5)

    assert path.read_bytes() == first
    assert [p.name for p in path.parent.iterdir()] == ["5.dcm"]


def test_another_seed_is_another_object(write):
    (_, one), (_, two) = write(1), write(2)

    uids = [pydicom.dcmread(path).SOPInstanceUID for path in (one, two)]
    assert uids[0] != uids[1]


def test_the_patient_is_clearly_invented(write):
    _, path = write(5, patient_number=42, accession="S0000007")

    dataset = pydicom.dcmread(path)

    assert str(dataset.PatientName) == "PHANTOM^0042"
    assert dataset.PatientID == "SIM000042"
    assert dataset.AccessionNumber == "S0000007"
    assert dataset.InstitutionName == "Simulated Hospital"


def test_machines_differ(write):
    datasets = [pydicom.dcmread(write(seed)[1]) for seed in range(24)]

    assert {d.PhotometricInterpretation for d in datasets} == {
        "MONOCHROME1",
        "MONOCHROME2",
    }
    assert {d.PresentationLUTShape for d in datasets} == {"IDENTITY", "INVERSE"}
    assert len({d.BitsStored for d in datasets}) >= 3
    assert {"RescaleSlope" in d for d in datasets} == {True, False}
    assert {"PixelSpacing" in d for d in datasets} == {True, False}
