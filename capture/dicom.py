"""One DICOM radiograph → stored pixels, and how they become gray."""

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.errors import InvalidDicomError
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID, ExplicitVRBigEndian, JPEGExtended12Bit

from capture.errors import InputError
from capture.grayscale import Grayscale, Values, VoiFunction

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Stored: TypeAlias = NDArray[Any]
_Window: TypeAlias = tuple[float, float, VoiFunction]

_BROKEN = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    InvalidDicomError,
)
"""What pydicom and its decoders raise for a damaged file; their text is dropped, since
it may quote the header."""

_ONE_AT_A_TIME = threading.Lock()  # how to warn is a setting of the whole program


class DicomPixels:
    """The stored pixels of a file and everything that tells how to show them."""

    def __init__(self, path: Path) -> None:
        """Decode `path`.

        Raises:
            InputError: Not a DICOM radiograph with one frame of gray that can be
                decoded here; no part of the header but its format is quoted.
        """
        with _quiet():
            header = _read(path)
            _check(path, header)
            self.transfer_syntax = _transfer_syntax(path, header)
            self.pixels, self.decoder = _decode(path, header, self.transfer_syntax)
            self.bits_stored = int(header.BitsStored)
            self.photometric = str(header.PhotometricInterpretation)
            try:
                self.gray = _grayscale(header, self.pixels)
            except _BROKEN:
                raise InputError(
                    path,
                    "its modality transform or window cannot be read",
                    "export the image again from the archive",
                ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    # warnings of pydicom quote header values, which may name the patient
    logger = logging.getLogger("pydicom")
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        disabled, logger.disabled = logger.disabled, True
        try:
            yield
        finally:
            logger.disabled = disabled


def _read(path: Path) -> "Dataset":
    try:
        header = pydicom.dcmread(path, force=True)
        known = "Rows" in header or "SOPClassUID" in header or "Modality" in header
    except FileNotFoundError:
        raise
    except _BROKEN:
        raise InputError(
            path, "its DICOM header is damaged", "copy the file again from the archive"
        ) from None
    if not known and header.preamble is not None:
        raise InputError(
            path, "is truncated or damaged", "copy the file again from the archive"
        )
    if not known:
        raise InputError(
            path, "is not a DICOM, PNG or JPEG image", "remove it from the list"
        )
    return header


def _check(path: Path, header: "Dataset") -> None:
    if "PixelData" not in header:
        raise InputError(
            path, "holds no pixel data", "export it again, with its pixels"
        )
    try:
        frames = int(header.get("NumberOfFrames") or 1)
        samples = int(header.get("SamplesPerPixel") or 1)
        allocated = int(header.get("BitsAllocated") or 0)
    except _BROKEN:
        frames, samples, allocated = 1, 1, 0
    if frames != 1:
        raise InputError(path, f"holds {frames} frames", "give one radiograph a file")
    photometric = str(header.get("PhotometricInterpretation", ""))
    if samples != 1 or photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise InputError(
            path,
            "is not a gray image: MONOCHROME1 or MONOCHROME2 expected",
            "export the radiograph itself, not a screenshot of it",
        )
    needed = ("Rows", "Columns", "BitsStored", "PixelRepresentation")
    missing = [name for name in needed if header.get(name) is None]
    if allocated not in (8, 16):
        missing.append("BitsAllocated of 8 or 16")
    if missing:
        raise InputError(
            path,
            f"its header lacks {', '.join(missing)}",
            "export the image again from the archive",
        )


def _transfer_syntax(path: Path, header: "Dataset") -> UID:
    meta = getattr(header, "file_meta", None)
    syntax = None if meta is None else meta.get("TransferSyntaxUID")
    if syntax is None:
        raise InputError(
            path, "does not name its transfer syntax", "export it as a DICOM file"
        )
    return UID(syntax)


def _decode(path: Path, header: "Dataset", syntax: UID) -> tuple[Stored, str]:
    twelve_bit = syntax == JPEGExtended12Bit and int(header.BitsStored) > 8
    try:
        plugins = get_decoder(syntax).available_plugins
    except NotImplementedError:
        plugins = ()
    if twelve_bit or (syntax.is_compressed and syntax.is_encapsulated and not plugins):
        bits = f"{header.BitsStored} bit " if twelve_bit else ""
        raise InputError(
            path,
            f"no installed decoder reads its {bits}transfer syntax {syntax.name} "
            f"({syntax})",
            "transcode it to Explicit VR Little Endian first, for example with "
            "DCMTK: dcmdjpeg IN OUT",
        )
    for plugin in plugins or ("",):
        try:
            pixels = pixel_array(header, raw=True, decoding_plugin=plugin)
        except _BROKEN:
            continue
        if pixels.shape == (header.Rows, header.Columns):
            return pixels, f"pydicom {pydicom.__version__} {plugin}".strip()
    raise InputError(
        path,
        f"its pixel data ({syntax.name}) is truncated or damaged",
        "copy the file again from the archive",
    )


def _grayscale(header: "Dataset", pixels: Stored) -> Grayscale:
    kind = np.iinfo(pixels.dtype)
    every = np.arange(kind.min, kind.max + 1, dtype=pixels.dtype)
    modality = _modality(header, every)
    inverse = str(header.get("PresentationLUTShape", "")) == "INVERSE"
    padding = _padding(header, kind.min, kind.max)
    lut = _voi_lut(header)
    window: _Window
    if lut is not None:
        table, first = lut
        width = max(len(table) - 1.0, 1.0)
        window = first + (len(table) - 1) / 2, width, "LINEAR_EXACT"
    else:
        window = _window(header) or _full_window(header, pixels, modality, padding)
    return Grayscale(
        first_stored=int(kind.min),
        modality=modality,
        window_center=window[0],
        window_width=window[1],
        function=window[2],
        lut=None if lut is None else lut[0],
        # a DX image says both for one and the same inversion
        invert=header.PhotometricInterpretation == "MONOCHROME1" or inverse,
        padding=padding,
    )


def _window(header: "Dataset") -> _Window | None:
    """Read the first window; None where there is none that can be used."""
    try:
        center = float(_first(header.WindowCenter))
        width = float(_first(header.WindowWidth))
    except (AttributeError, TypeError, ValueError, IndexError):
        return None
    function = str(header.get("VOILUTFunction") or "LINEAR").upper()
    if function not in get_args(VoiFunction):
        function = "LINEAR"
    usable = np.isfinite([center, width]).all() and width > 0
    if not usable or (function == "LINEAR" and width < 1):
        return None
    for name in get_args(VoiFunction):
        if name == function:
            return center, width, name
    return None


def _first(value: Any) -> Any:
    return value if isinstance(value, str | int | float) else value[0]


def _modality(header: "Dataset", every: Stored) -> Values:
    """Return the value after the modality transform of every stored value."""
    sequence = header.get("ModalityLUTSequence")
    if sequence:
        values, first, _ = _lut(header, sequence[0])
        entry = np.clip(every.astype(np.intp) - first, 0, len(values) - 1)
        return values.take(entry)
    slope = float(header.get("RescaleSlope") or 1)
    intercept = float(header.get("RescaleIntercept") or 0)
    return every.astype(np.float64) * slope + intercept


def _voi_lut(header: "Dataset") -> tuple[Values, int] | None:
    """Read the first VOI LUT as gray from 0 to 1, and the first value it maps."""
    sequence = header.get("VOILUTSequence")
    if not sequence:
        return None
    values, first, bits = _lut(header, sequence[0])
    # some writers understate the bits: their brightest entry is then white
    return values / max(2.0**bits - 1, values.max()), first


def _lut(header: "Dataset", item: "Dataset") -> tuple[Values, int, int]:
    """Read a table: its entries, the first value it maps, and its bits.

    pydicom's own functions refuse 12-bit modality tables and wrap around in 8-bit ones
    of more than 256 entries.
    """
    entries, first, bits = (int(value) for value in item.LUTDescriptor)
    entries = entries or 65536
    if header.PixelRepresentation and first > 0x7FFF:
        first -= 0x10000
    data = item.LUTData
    if isinstance(data, bytes):
        big_endian = header.file_meta.TransferSyntaxUID == ExplicitVRBigEndian
        whole_bytes = len(data) < 2 * entries
        kind = "u1" if whole_bytes else ">u2" if big_endian else "<u2"
        values = np.frombuffer(data, kind)
    else:
        values = np.atleast_1d(np.asarray(data))
    if len(values) < entries:
        raise ValueError("a table holds fewer entries than it says")
    return values[:entries].astype(np.float64), first, bits


def _padding(header: "Dataset", lowest: int, highest: int) -> tuple[int, int] | None:
    value = header.get("PixelPaddingValue")
    if not isinstance(value, int) or not lowest <= value <= highest:
        return None
    limit = header.get("PixelPaddingRangeLimit", value)
    limit = limit if isinstance(limit, int) else value
    return min(value, limit), max(value, limit)


def _full_window(
    header: "Dataset",
    pixels: Stored,
    modality: Values,
    padding: tuple[int, int] | None,
) -> _Window:
    """Span 8-bit values whole, and deeper ones from the darkest to the brightest."""
    first = int(np.iinfo(pixels.dtype).min)
    signed = bool(header.PixelRepresentation)
    if int(header.BitsStored) <= 8:
        low, high = (-128, 127) if signed else (0, 2 ** int(header.BitsStored) - 1)
    else:
        low, high = data_range(pixels, padding)
    ends = modality[low - first], modality[high - first]
    low_value, high_value = float(min(ends)), float(max(ends))
    return (
        (low_value + high_value) / 2,
        max(high_value - low_value, 1.0),
        "LINEAR_EXACT",
    )


def data_range(pixels: Stored, padding: tuple[int, int] | None) -> tuple[int, int]:
    """Return the lowest and highest stored value that is not padding."""
    if padding is not None:
        kept = pixels[(pixels < padding[0]) | (pixels > padding[1])]
        pixels = kept if kept.size else pixels
    return int(pixels.min()), int(pixels.max())
