import hashlib
import warnings

import cv2
import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    ExplicitVRLittleEndian,
    JPEGExtended12Bit,
    RLELossless,
    generate_uid,
)

from capture.errors import InputError
from capture.images import (
    file_bytes,
    file_sha256,
    load_image,
    pixel_sha256,
    resized_uint8,
    to_display,
)

PATIENT = "Nobody^Knows"


@pytest.fixture
def make_dicom(tmp_path):
    """Write a valid 12-bit CR; each keyword replaces one element."""

    def make(pixels=None, *, syntax=ExplicitVRLittleEndian, drop=(), **elements):
        if pixels is None:
            pixels = np.arange(4096, dtype=np.uint16).reshape(64, 64)
        image = Dataset()
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image.SOPClassUID = ComputedRadiographyImageStorage
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = (
            generate_uid()
        )
        image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
        image.PatientName, image.PatientID = PATIENT, "4711"
        image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
        image.Rows, image.Columns = pixels.shape[:2]
        image.BitsAllocated = 8 * pixels.dtype.itemsize
        image.BitsStored = min(12, image.BitsAllocated)
        image.HighBit = image.BitsStored - 1
        image.PixelRepresentation = int(pixels.dtype.kind == "i")
        image.PixelData = pixels.tobytes()
        for name, value in elements.items():
            setattr(image, name, value)
        for name in drop:
            delattr(image, name)
        if syntax == RLELossless:
            image.compress(syntax)
        image.file_meta.TransferSyntaxUID = syntax
        path = tmp_path / "image.dcm"
        image.save_as(path, enforce_file_format=True)
        return path

    return make


def lut_item(first, values, bits):
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(values), first, bits])
    item.add_new("LUTData", "US", list(values))
    return item


def opened(loaded):
    return to_display(loaded, loaded.window_center, loaded.window_width, loaded.invert)


def reference(path):
    """What pydicom's own functions give, on floats, scaled to 0 … 255."""
    image = pydicom.dcmread(path)
    values = apply_voi_lut(apply_modality_lut(image.pixel_array, image), image)
    if "VOILUTSequence" in image:
        low, high = 0, 2 ** image.VOILUTSequence[0].LUTDescriptor[2] - 1
    else:
        slope = float(image.get("RescaleSlope", 1))
        low = float(image.get("RescaleIntercept", 0))
        if image.PixelRepresentation:
            low -= slope * 2 ** (image.BitsStored - 1)
        high = low + slope * (2**image.BitsStored - 1)
    gray = (values.astype(float) - low) / (high - low)
    return 255 * (
        1 - gray if image.PhotometricInterpretation == "MONOCHROME1" else gray
    )


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize("rescale", [{}, {"RescaleSlope": 2, "RescaleIntercept": -9}])
def test_every_window_function_gives_what_pydicom_gives(
    make_dicom, photometric, function, rescale
):
    path = make_dicom(
        PhotometricInterpretation=photometric,
        VOILUTFunction=function,
        WindowCenter=[1800.5, 30],
        WindowWidth=[1100, 40],
        **rescale,
    )

    actual = opened(load_image(path))

    np.testing.assert_allclose(actual, reference(path), atol=0.5 + 1e-9)


def test_signed_pixels_are_shown_as_pydicom_shows_them(make_dicom):
    pixels = np.arange(-2048, 2048, dtype=np.int16).reshape(64, 64)
    path = make_dicom(pixels, WindowCenter=40, WindowWidth=1500)

    actual = opened(load_image(path))

    np.testing.assert_allclose(actual, reference(path), atol=0.5 + 1e-9)


def test_the_voi_lut_goes_before_the_window(make_dicom):
    curve = (np.linspace(0, 1, 3000) ** 2 * 1023).astype(int)
    path = make_dicom(
        VOILUTSequence=[lut_item(500, curve.tolist(), 10)],
        WindowCenter=100,
        WindowWidth=10,
    )

    loaded = load_image(path)

    np.testing.assert_allclose(opened(loaded), reference(path), atol=0.5 + 1e-9)
    assert (loaded.window_center, loaded.window_width) == (1999.5, 2999)


def test_another_window_stretches_the_voi_lut(make_dicom):
    path = make_dicom(VOILUTSequence=[lut_item(0, range(0, 4096, 16), 12)])
    loaded = load_image(path)  # 256 entries from 0: center 127.5, width 255

    wide = to_display(loaded, 2047.5, 4095, False)

    assert wide[0, 0] == 0
    assert wide[-1, -1] == opened(loaded).max() == 254
    assert abs(int(wide[32, 0]) - 127) <= 1


def test_a_modality_lut_comes_first(make_dicom):
    item = lut_item(0, range(4095, -1, -1), 12)
    item.ModalityLUTType = "US"
    path = make_dicom(ModalityLUTSequence=[item], WindowCenter=2048, WindowWidth=4096)

    actual = opened(load_image(path))

    assert (actual[0, 0], actual[-1, -1]) == (255, 0)


@pytest.mark.parametrize(
    ("photometric", "shape", "first_gray"),
    [
        ("MONOCHROME1", "INVERSE", 255),  # both say the same inversion
        ("MONOCHROME1", "IDENTITY", 255),
        ("MONOCHROME2", "INVERSE", 255),
        ("MONOCHROME2", "IDENTITY", 0),
    ],
)
def test_inversion_is_done_once(make_dicom, photometric, shape, first_gray):
    path = make_dicom(
        PhotometricInterpretation=photometric,
        PresentationLUTShape=shape,
        WindowCenter=2048,
        WindowWidth=4096,
    )

    assert opened(load_image(path))[0, 0] == first_gray


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_and_does_not_widen_the_window(make_dicom, photometric):
    pixels = np.full((64, 64), 1000, np.uint16)
    pixels[:, 32:] = 2000
    pixels[:8] = 4095
    path = make_dicom(
        pixels, PhotometricInterpretation=photometric, PixelPaddingValue=4095
    )
    loaded = load_image(path)

    actual = opened(loaded)
    square, _ = resized_uint8(loaded, 16)

    assert not actual[:8].any()
    assert (loaded.window_center, loaded.window_width) == (1500, 1000)
    assert sorted({int(actual[20, 0]), int(actual[20, 63])}) == [0, 255]
    assert not square[:2].any()


def test_without_a_window_all_values_are_spread_over_the_grays(make_dicom):
    pixels = np.linspace(200, 700, 64 * 64).astype(np.uint16).reshape(64, 64)

    actual = opened(load_image(make_dicom(pixels)))

    assert (actual[0, 0], actual[-1, -1]) == (0, 255)


@pytest.mark.parametrize("window", [(100, 0), (100, -4), ("", "")])
def test_a_window_that_cannot_be_is_passed_over(make_dicom, window):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = make_dicom(WindowCenter=window[0], WindowWidth=window[1])

    assert load_image(path).window_width == 4095


def test_compressed_pixels_equal_the_uncompressed_ones(make_dicom):
    plain = load_image(make_dicom())
    packed = load_image(make_dicom(syntax=RLELossless))

    assert packed.pixel_sha256 == plain.pixel_sha256
    assert packed.encoding == "RLE Lossless"
    assert packed.decoder.startswith("pydicom")


@pytest.mark.parametrize("folder", ["cxr_dicom", "dicom_other_cr"])
def test_real_radiographs_look_as_pydicom_has_them(shared_data, folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in sorted((shared_data / folder).glob("*.dcm")):
            if path.name.endswith("JPLY.dcm"):
                continue
            actual = opened(load_image(path))

            np.testing.assert_allclose(actual, reference(path), atol=0.5 + 1e-9)


def test_real_12_bit_jpeg_extended_ends_in_one_clear_error(shared_data):
    path = shared_data / "dicom_other_cr" / "RG3_JPLY.dcm"

    with pytest.raises(InputError, match=r"JPEG Extended .*1\.2\.4\.51.*dcmdjpeg"):
        load_image(path)


def cut(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


@pytest.mark.parametrize(
    ("elements", "found"),
    [
        ({"NumberOfFrames": 3}, "3 frames"),
        ({"drop": ["PixelData"]}, "no pixel data"),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "not a gray"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "not a gray image"),
        ({"drop": ["Rows"]}, "lacks Rows"),
        ({"Rows": 99}, "truncated"),
        ({"BitsAllocated": 32}, "lacks BitsAllocated of 8 or 16"),
        ({"syntax": JPEGExtended12Bit}, "JPEG Extended"),
    ],
)
def test_a_dicom_that_is_no_radiograph_is_refused_without_naming_the_patient(
    make_dicom, elements, found
):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = make_dicom(**elements) if "syntax" not in elements else None
        if path is None:
            path = make_dicom()
            data = path.read_bytes()
            old, new = str(ExplicitVRLittleEndian), str(JPEGExtended12Bit)
            padded = old.encode() + b"\0"
            path.write_bytes(_replace_syntax(data, padded, new.encode()))

    with pytest.raises(InputError, match=found) as caught:
        load_image(path)

    assert PATIENT not in str(caught.value)
    assert "4711" not in str(caught.value)


def _replace_syntax(data, old, new):
    at = data.index(b"\x02\x00\x10\x00UI")
    size = int.from_bytes(data[at + 6 : at + 8], "little")
    new += b"\0" * (len(new) % 2)
    head = data[: at + 6] + len(new).to_bytes(2, "little") + new
    grown = len(new) - size
    group = data.index(b"\x02\x00\x00\x00UL") + 8
    length = int.from_bytes(data[group : group + 4], "little") + grown
    head = head[:group] + length.to_bytes(4, "little") + head[group + 4 :]
    return head + data[at + 8 + size :]


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.99])
def test_a_truncated_dicom_is_refused(make_dicom, share):
    path = cut(make_dicom(), share)

    with pytest.raises(InputError, match=r"truncated|damaged|no pixel data|lacks"):
        load_image(path)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("share", [0.1, 0.6])
def test_a_truncated_png_or_jpeg_is_refused(tmp_path, suffix, share):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)
    path = tmp_path / f"image.{suffix}"
    Image.fromarray(noise).save(path)

    with pytest.raises(InputError, match="truncated"):
        load_image(cut(path, share))


@pytest.mark.parametrize("content", [b"", b"study,patient\n1,2\n", b"\0" * 4000])
def test_a_file_that_is_no_image_is_refused(tmp_path, content):
    path = tmp_path / "notes.dcm"
    path.write_bytes(content)

    with pytest.raises(InputError, match="not a DICOM, PNG or JPEG"):
        load_image(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.png: does not exist"):
        load_image(tmp_path / "gone.png")


def test_a_folder_is_no_image(tmp_path):
    with pytest.raises(InputError, match="cannot be opened"):
        load_image(tmp_path)


def test_8_bit_png_is_shown_as_it_is(tmp_path):
    pixels = np.arange(256, dtype=np.uint8).reshape(8, 32)
    Image.fromarray(pixels).save(tmp_path / "image.png")

    loaded = load_image(tmp_path / "image.png")

    np.testing.assert_array_equal(opened(loaded), pixels)
    np.testing.assert_array_equal(
        to_display(loaded, loaded.window_center, loaded.window_width, True),
        255 - pixels,
    )


def test_16_bit_png_keeps_its_depth(tmp_path):
    pixels = np.linspace(1000, 60000, 32 * 32).astype(np.uint16).reshape(32, 32)
    cv2.imwrite(str(tmp_path / "image.png"), pixels)

    loaded = load_image(tmp_path / "image.png")

    np.testing.assert_array_equal(loaded.pixels, pixels)
    assert loaded.pixels.dtype == np.uint16
    assert (opened(loaded).min(), opened(loaded).max()) == (0, 255)


def test_gray_saved_as_color_is_gray_and_color_is_refused(tmp_path):
    gray = np.tile(np.arange(64, dtype=np.uint8)[:, None, None], (1, 64, 3))
    path = tmp_path / "image.png"
    Image.fromarray(gray).save(path)

    assert load_image(path).pixels.shape == (64, 64)

    Image.fromarray(gray * np.array([1, 2, 3], np.uint8)).save(path)
    with pytest.raises(InputError, match="color"):
        load_image(path)


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 64))
def test_the_letterbox_holds_the_whole_image_in_its_shape(width, height, size):
    loaded = in_memory(np.full((height, width), 200, np.uint8))

    square, (left, top, w, h) = resized_uint8(loaded, size)

    assert square.shape == (size, size)
    assert max(w, h) == size
    assert abs(w / size - width / max(width, height)) <= 0.5 / size + 1 / size
    inside = square[int(top) : int(top + h), int(left) : int(left + w)]
    assert (inside == 200).all()
    assert square.sum(dtype=int) == inside.sum(dtype=int)


def in_memory(pixels):
    from capture.grayscale import Grayscale
    from capture.images import LoadedImage

    return LoadedImage(
        pixels=pixels,
        gray=Grayscale(
            first_stored=0,
            modality=np.arange(256.0),
            window_center=127.5,
            window_width=255,
        ),
        pixel_sha256=pixel_sha256(pixels),
        bits_stored=8,
        photometric="MONOCHROME2",
        encoding="none",
        decoder="none",
    )


def test_shrinking_averages_areas():
    pixels = np.zeros((64, 64), np.uint8)
    pixels[::2, ::2] = 200  # every block of 2 × 2 has mean 50

    square, _ = resized_uint8(in_memory(pixels), 32)

    assert (square == 50).all()


def test_hashes_are_of_content_and_not_of_memory_order(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    pixels = np.arange(12, dtype=np.uint16).reshape(3, 4)

    assert file_sha256(path) == hashlib.sha256(b"abc").hexdigest()
    assert file_bytes(path) == 3
    assert pixel_sha256(pixels) == pixel_sha256(np.asfortranarray(pixels))
    assert pixel_sha256(pixels) == pixel_sha256(pixels.astype(">u2"))
    assert pixel_sha256(pixels) != pixel_sha256(pixels.reshape(4, 3))
    assert pixel_sha256(pixels) != pixel_sha256(pixels.astype(np.int16))


def test_a_window_without_width_is_a_callers_mistake():
    with pytest.raises(ValueError, match="above 0"):
        to_display(in_memory(np.zeros((2, 2), np.uint8)), 1, 0, False)
