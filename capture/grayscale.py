"""From stored pixel values to gray: modality transform, window or LUT, inversion."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

VoiFunction = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]
"""The three window functions of DICOM PS3.3 C.11.2.1."""
Values: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grayscale:
    """How one image's stored values become gray, and in which window it opens.

    All units after `modality` are those that the modality transform gives; the window
    is in these units too.
    """

    first_stored: int
    """The lowest value that the pixel type can hold."""
    modality: Values
    """(2^bits,) value after the modality transform, of every value it can hold."""
    window_center: float
    """Center of the window in which the image opens."""
    window_width: float
    """Width of the window in which the image opens."""
    function: VoiFunction = "LINEAR_EXACT"
    """Shape of the window."""
    lut: NDArray[np.float64] | None = None
    """(n,) gray from 0 to 1 that replaces the window's shape, or None."""
    invert: bool = False
    """Whether low values open white: MONOCHROME1, or presentation shape INVERSE."""
    padding: tuple[int, int] | None = None
    """Lowest and highest stored value that mean "no image here": shown black."""

    def table(self, center: float, width: float, invert: bool) -> NDArray[np.uint8]:
        """Return the gray of every value that a pixel can hold.

        Args:
            center: Center of the window.
            width: Width of the window.
            invert: Whether low values are white.

        Returns:
            (2^bits,) gray, 0 to 255; entry i is for the stored value
            `first_stored + i`.

        Raises:
            ValueError: `width` is not above 0.
        """
        if not width > 0:
            raise ValueError(f"a gray window must be above 0 wide, got {width}")
        gray = self._gray(center, width)
        gray = 1 - gray if invert else gray
        table = np.floor(gray * 255 + 0.5).astype(np.uint8)
        if self.padding is not None:
            lowest, highest = self.padding
            start = max(lowest - self.first_stored, 0)
            table[start : highest - self.first_stored + 1] = 0
        return table

    def _gray(self, center: float, width: float) -> Values:
        if self.lut is None:
            return window_gray(self.modality, center, width, self.function)
        # the table's own span is its window: another window stretches the table
        step = (len(self.lut) - 1) / width
        at = (self.modality - center) * step + (len(self.lut) - 1) / 2
        at = np.clip(np.rint(at), 0, len(self.lut) - 1).astype(np.intp)
        gray: Values = self.lut[at]
        return gray


def window_gray(
    values: Values, center: float, width: float, function: VoiFunction
) -> Values:
    """Apply a gray window.

    Args:
        values: Any shape, after the modality transform.
        center: Window center c.
        width: Window width w; LINEAR takes 1 at least, the others anything above 0.
        function: LINEAR uses c - 0.5 and w - 1, LINEAR_EXACT c and w as they are,
            SIGMOID the logistic curve with slope 4 / w.

    Returns:
        Gray from 0 to 1, of the same shape.

    Raises:
        ValueError: The width is too small for the function.

    Source:
        DICOM PS3.3 C.11.2.1.2.1 and C.11.2.1.3.
    """
    if not width > 0 or (function == "LINEAR" and width < 1):
        raise ValueError(f"window width {width} is too small for {function}")
    if function == "SIGMOID":
        # far from the center the curve is flat to the last bit of a double
        exponent = np.clip(-4 * (values - center) / width, -700, 700)
        gray: Values = 1 / (1 + np.exp(exponent))
        return gray
    if function == "LINEAR":
        center, width = center - 0.5, width - 1
    if width == 0:
        return (values > center).astype(np.float64)
    return np.clip((values - center) / width + 0.5, 0.0, 1.0)
