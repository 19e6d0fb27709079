"""One image in one view → the gray that fills the screen."""

import math

import numpy as np
from numpy.typing import NDArray

from capture.display.view import ViewState
from capture.images import LoadedImage, Stored, apply_table, resize_stored

Patch = tuple[NDArray[np.uint8], tuple[int, int]]
"""(h, w) gray, and the screen x, y of its top-left corner, which may be off screen."""


class Picture:
    """Renders an image; what has not changed since the last time is kept."""

    def __init__(self, loaded: LoadedImage) -> None:
        self.loaded = loaded
        self._levels: list[Stored] = [loaded.pixels]
        self._place: tuple[float, ...] = ()
        self._stored: Stored = loaded.pixels
        self._corner = (0, 0)
        self._shade: tuple[float, float, bool] | None = None
        self._table = np.zeros(0, dtype=np.uint8)

    def render(self, state: ViewState) -> Patch:
        """Return the part of the image that the screen shows.

        Edges are rounded to whole screen pixels, so a point is at most half a screen
        pixel from where the view has it.
        """
        place = (state.zoom, state.center_x, state.center_y, *_sizes(state))
        if place != self._place:
            level = self._level(state.scale)
            self._stored, self._corner = _visible(level, state)
            self._place = place
        shade = (state.window_center, state.window_width, state.invert)
        if shade != self._shade:
            self._table, self._shade = self.loaded.gray.table(*shade), shade
        return apply_table(self._stored, self.loaded.gray, self._table), self._corner

    def _level(self, scale: float) -> Stored:
        """Return the image, halved while it still has more pixels than the screen.

        Shrinking 2500 × 3000 px anew for every step of a pan would take 20 ms.
        """
        depth = max(0, math.floor(-math.log2(scale)))
        while len(self._levels) <= depth and min(self._levels[-1].shape) > 1:
            height, width = self._levels[-1].shape
            half = resize_stored(self._levels[-1], (width + 1) // 2, (height + 1) // 2)
            self._levels.append(half)
        return self._levels[min(depth, len(self._levels) - 1)]


def _sizes(state: ViewState) -> tuple[int, ...]:
    return state.screen_width_px, state.screen_height_px


def _visible(level: Stored, state: ViewState) -> tuple[Stored, tuple[int, int]]:
    view = state.view
    height, width = level.shape
    scale_x = view.scale_x * state.image_width_px / width
    scale_y = view.scale_y * state.image_height_px / height
    x0, x1 = _span(view.left_px, scale_x, width, state.screen_width_px)
    y0, y1 = _span(view.top_px, scale_y, height, state.screen_height_px)
    left, right = _edges(view.left_px, scale_x, x0, x1)
    top, bottom = _edges(view.top_px, scale_y, y0, y1)
    part = resize_stored(level[y0:y1, x0:x1], right - left, bottom - top)
    return part, (left, top)


def _span(
    edge_px: float, scale: float, image_px: int, screen_px: int
) -> tuple[int, int]:
    """Return the first and last+1 image pixel that the screen shows, at least one."""
    first = min(max(math.floor(-edge_px / scale), 0), image_px - 1)
    end = max(min(math.ceil((screen_px - edge_px) / scale), image_px), first + 1)
    return first, end


def _edges(edge_px: float, scale: float, first: int, end: int) -> tuple[int, int]:
    start_px = round(edge_px + first * scale)
    return start_px, max(round(edge_px + end * scale), start_px + 1)
