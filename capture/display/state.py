"""What is on the screen right now, for trackers that run beside the window."""

import threading
from dataclasses import dataclass

from capture.display.view import ViewState


@dataclass(frozen=True, slots=True)
class Shown:
    """One image in one view, as the last flip put it on the screen."""

    index: int
    """Row of the study list, from 0."""
    image_id: str
    """Pseudonym of the image."""
    state: ViewState
    """Where and how it is shown."""
    shown_at_s: float
    """LSL time of the flip that first showed this image."""
    flip_s: float
    """LSL time of the flip that showed this view."""


class DisplayState:
    """Hands what is shown from the window's thread to any other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shown: Shown | None = None
        self._mouse_px: tuple[float, float] | None = None

    def snapshot(self) -> Shown | None:
        """Return what is shown; None before, between and after images."""
        with self._lock:
            return self._shown

    def set(self, shown: Shown | None) -> None:
        """Note what the last flip showed; only the window calls this."""
        with self._lock:
            self._shown = shown

    def mouse_px(self) -> tuple[float, float] | None:
        """Return the mouse in screen pixels; None while it is outside the window."""
        with self._lock:
            return self._mouse_px

    def set_mouse_px(self, xy_px: tuple[float, float] | None) -> None:
        """Note where the mouse is; only the window calls this."""
        with self._lock:
            self._mouse_px = xy_px
