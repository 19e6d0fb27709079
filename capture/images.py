"""DICOM, PNG or JPEG → the pixels that are shown, and what was done to them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from capture.errors import InputError
from capture.grayscale import Grayscale

Gray = NDArray[np.uint8]
Stored = NDArray[Any]

_READ_BYTES = 1 << 20
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_COPY_AGAIN = "copy the file again from where it came"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadedImage:
    """A decoded radiograph at full depth."""

    pixels: Stored
    """(h, w) stored values, 8 or 16 bit, as the file holds them."""
    gray: Grayscale
    """How the stored values become gray."""
    pixel_sha256: str
    """Hash of the stored values with their shape and type."""
    bits_stored: int
    """Bits that carry the value."""
    photometric: str
    """MONOCHROME1 or MONOCHROME2."""
    encoding: str
    """Name of the DICOM transfer syntax, or PNG, or JPEG."""
    decoder: str
    """Program and version that decoded it; decoders may differ by one gray value."""

    @property
    def width_px(self) -> int:
        """Width of the original image."""
        return int(self.pixels.shape[1])

    @property
    def height_px(self) -> int:
        """Height of the original image."""
        return int(self.pixels.shape[0])

    @property
    def window_center(self) -> float:
        """Center of the window in which the image opens."""
        return self.gray.window_center

    @property
    def window_width(self) -> float:
        """Width of the window in which the image opens."""
        return self.gray.window_width

    @property
    def invert(self) -> bool:
        """Whether low values are white when the image opens."""
        return self.gray.invert


def load_image(path: Path) -> LoadedImage:
    """Decode one radiograph.

    Args:
        path: A DICOM, PNG or JPEG file; the content decides, not the name.

    Returns:
        Stored pixels at full depth, and how they become gray. A PNG or JPEG with three
        equal channels counts as gray.

    Raises:
        InputError: The file is missing, truncated, in color, has several frames, or no
            installed decoder reads it; the message quotes nothing of its header.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            start = file.read(len(_PNG))
        if start == _PNG or start.startswith(_JPEG):
            return _load_raster(path)
        return _load_dicom(path)
    except FileNotFoundError:
        raise InputError(path, "does not exist", "check the path") from None
    except (IsADirectoryError, PermissionError):
        raise InputError(path, "cannot be opened", "check its permissions") from None


def to_display(loaded: LoadedImage, center: float, width: float, invert: bool) -> Gray:
    """Return the whole image as gray, in one window.

    Args:
        loaded: The image.
        center: Center of the window, in the unit after the modality transform.
        width: Width of the window.
        invert: Whether low values are white; `loaded.invert` is how the file wants it.

    Returns:
        (h, w) gray, 0 to 255.

    Raises:
        ValueError: `width` is not above 0.
    """
    return apply_table(
        loaded.pixels, loaded.gray, loaded.gray.table(center, width, invert)
    )


def apply_table(stored: Stored, gray: Grayscale, table: Gray) -> Gray:
    """Look stored values up in a table made by `Grayscale.table`.

    Args:
        stored: (h, w) stored values, also after a resize.
        gray: What the table was made from.
        table: (2^bits,) gray of every stored value.

    Returns:
        (h, w) gray, 0 to 255.
    """
    if stored.dtype == np.uint8:
        return cv2.LUT(np.ascontiguousarray(stored), table).astype(np.uint8, copy=False)
    if gray.first_stored:
        # the bits of a signed value, read as unsigned, index a rotated table
        table = np.roll(table, gray.first_stored)
        stored = np.ascontiguousarray(stored).view(f"u{stored.dtype.itemsize}")
    return table.take(stored)


def resized_uint8(loaded: LoadedImage, size: int) -> tuple[Gray, tuple[float, ...]]:
    """Letterbox an image into a square, in the window in which it opens.

    The image shrinks before the window is applied: five times faster than after, and
    the same but for steep windows.

    Args:
        loaded: The image.
        size: Side of the square, in pixels.

    Returns:
        (size, size) gray with black bars, and (left, top, width, height) of the image
        inside it, in its pixels.

    Raises:
        ValueError: `size` is below 1.
    """
    if size < 1:
        raise ValueError(f"size must be at least 1 px, got {size}")
    scale = size / max(loaded.width_px, loaded.height_px)
    width = max(1, round(loaded.width_px * scale))
    height = max(1, round(loaded.height_px * scale))
    left, top = (size - width) // 2, (size - height) // 2
    shrunk = resize_stored(_without_padding(loaded), width, height)
    table = loaded.gray.table(loaded.window_center, loaded.window_width, loaded.invert)
    square = np.zeros((size, size), dtype=np.uint8)
    square[top : top + height, left : left + width] = apply_table(
        shrunk, loaded.gray, table
    )
    return square, (float(left), float(top), float(width), float(height))


def resize_stored(stored: Stored, width: int, height: int) -> Stored:
    """Resize by area averages when shrinking, linearly when magnifying."""
    shrinks = width * height < stored.shape[0] * stored.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized: Stored = cv2.resize(stored, (width, height), interpolation=how)
    return resized


def file_bytes(path: Path) -> int:
    """Return the size of a file in bytes.

    Raises:
        InputError: The file cannot be read.
    """
    try:
        return Path(path).stat().st_size
    except OSError:
        raise InputError(path, "cannot be read", "check the path") from None


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file as hex.

    Raises:
        InputError: The file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with Path(path).open("rb") as file:
            while block := file.read(_READ_BYTES):
                digest.update(block)
    except OSError:
        raise InputError(path, "cannot be read", "check the path") from None
    return digest.hexdigest()


def pixel_sha256(pixels: Stored) -> str:
    """Return the sha256 of stored pixels, with their shape and type, as hex.

    Args:
        pixels: (h, w) integers; memory order and byte order do not matter.
    """
    height, width = pixels.shape
    digest = hashlib.sha256(f"{pixels.dtype.name} {height} {width}\n".encode())
    little = pixels.dtype.newbyteorder("<")
    digest.update(np.ascontiguousarray(pixels, dtype=little).data)
    return digest.hexdigest()


def _load_dicom(path: Path) -> LoadedImage:
    from capture.dicom import DicomPixels  # 0.3 s, and PNG files do not need it

    dicom = DicomPixels(path)
    return LoadedImage(
        pixels=dicom.pixels,
        gray=dicom.gray,
        pixel_sha256=pixel_sha256(dicom.pixels),
        bits_stored=dicom.bits_stored,
        photometric=dicom.photometric,
        encoding=dicom.transfer_syntax.name,
        decoder=dicom.decoder,
    )


def _load_raster(path: Path) -> LoadedImage:
    try:
        with Image.open(path) as image:
            encoding = str(image.format)
            frames = getattr(image, "n_frames", 1)
            image.load()
            mode, pixels = image.mode, _raster_pixels(image)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        raise InputError(path, "is truncated or damaged", _COPY_AGAIN) from None
    except Image.DecompressionBombError:
        raise InputError(path, "is far larger than a radiograph") from None
    if frames != 1:
        raise InputError(path, f"holds {frames} frames", "give one radiograph a file")
    if pixels is None:
        raise InputError(
            path, f"is a color image ({mode})", "save it in gray, 8 or 16 bit"
        )
    return LoadedImage(
        pixels=pixels,
        gray=_raster_gray(pixels),
        pixel_sha256=pixel_sha256(pixels),
        bits_stored=8 * pixels.dtype.itemsize,
        photometric="MONOCHROME2",
        encoding=encoding,
        decoder=f"Pillow {PIL.__version__}",
    )


def _raster_pixels(image: Image.Image) -> Stored | None:
    """Return the gray values; None where the image has color."""
    if image.mode.startswith("I"):
        return np.asarray(image).astype(np.uint16)
    if image.mode in ("1", "L"):
        return np.array(image.convert("L"))
    if image.mode == "LA":
        return np.array(image)[..., 0]
    if image.mode in ("RGB", "RGBA", "P"):
        red, green, blue = np.moveaxis(np.asarray(image.convert("RGB")), 2, 0)
        if np.array_equal(red, green) and np.array_equal(red, blue):
            return np.array(red)
    return None


def _raster_gray(pixels: Stored) -> Grayscale:
    kind = np.iinfo(pixels.dtype)
    low, high = 0, 255
    if pixels.dtype != np.uint8:
        low, high = int(pixels.min()), int(pixels.max())
    return Grayscale(
        first_stored=0,
        modality=np.arange(kind.max + 1, dtype=np.float64),
        window_center=(low + high) / 2,
        window_width=float(max(high - low, 1)),
    )


def _without_padding(loaded: LoadedImage) -> Stored:
    """Return the pixels with padding at the value that is shown darkest."""
    if loaded.gray.padding is None:
        return loaded.pixels
    from capture.dicom import data_range

    lowest, highest = loaded.gray.padding
    is_padding = (loaded.pixels >= lowest) & (loaded.pixels <= highest)
    dark, bright = data_range(loaded.pixels, loaded.gray.padding)
    table = loaded.gray.table(loaded.window_center, loaded.window_width, loaded.invert)
    first = loaded.gray.first_stored
    if table[bright - first] < table[dark - first]:
        dark = bright
    return np.where(is_padding, np.array(dark, loaded.pixels.dtype), loaded.pixels)
