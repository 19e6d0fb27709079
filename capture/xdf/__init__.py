"""XDF 1.0, the container of LabRecorder: written, read and repaired."""

from capture.xdf.chunks import Chunk, scan
from capture.xdf.headers import CleanHeader, clean_header
from capture.xdf.reader import XdfStream, read_streams
from capture.xdf.repair import Repair, repair
from capture.xdf.writer import XdfWriter

__all__ = [
    "Chunk",
    "CleanHeader",
    "Repair",
    "XdfStream",
    "XdfWriter",
    "clean_header",
    "read_streams",
    "repair",
    "scan",
]
