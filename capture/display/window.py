"""The reading window: shows an image, follows the reader, logs what flips showed."""

import os
import sys
from collections import deque
from collections.abc import Callable

import pygame
from pygame.event import Event as Input

from capture.display.events import (
    CAUSES,
    Blank,
    Cause,
    Event,
    ImageHidden,
    ImageShown,
    Note,
    ViewChanged,
)
from capture.display.input import InputReader, input_events
from capture.display.picture import Picture
from capture.display.state import DisplayState, Shown
from capture.display.view import Action, ActionKind, ViewState, apply_action
from capture.errors import RadgazeError
from capture.images import LoadedImage

Publish = Callable[[Event, float], None]
"""Takes an event and the LSL time of the flip that it is about."""

_GRAYS = [(gray, gray, gray) for gray in range(256)]
_BLACK, _RED = (0, 0, 0), (255, 0, 0)
ALARM_PX = 6
"""Height of the red bar at the top of the screen."""


class DisplayError(RadgazeError):
    """The reading window cannot be opened."""


class ReadingWindow:
    """A real window that shows one image at a time.

    All methods but `post_action` belong to one thread, on some systems the main one.
    """

    def __init__(
        self,
        *,
        width_px: int,
        height_px: int,
        fullscreen: bool,
        display: DisplayState,
        publish: Publish,
        clock: Callable[[], float],
        title: str = "radgaze",
    ) -> None:
        """Open the window and show it black.

        Args:
            width_px: Width of the window, or of the monitor when full screen.
            height_px: Height of the window, or of the monitor when full screen.
            fullscreen: Take the whole monitor.
            display: Is told what every flip showed.
            publish: Is given every event; its stamp is taken right after the flip.
            clock: LSL clock, seconds.
            title: Of the window.

        Raises:
            DisplayError: No window of that size can be opened.
        """
        self._display, self._publish, self._clock = display, publish, clock
        self._title = title
        self._surface = _open(width_px, height_px, fullscreen, title)
        points = pygame.display.get_window_size()
        self._px_per_point = width_px / points[0], height_px / points[1]
        self._input = InputReader(self._px_per_point)
        self._waiting: deque[Input] = deque()
        self._picture: Picture | None = None
        self._shown: Shown | None = None
        self._default: ViewState | None = None
        self._alarm = ""
        self._flip()

    def show(self, index: int, image_id: str, loaded: LoadedImage) -> None:
        """Show an image, fitted and in its own gray window, in place of the last one.

        Args:
            index: Row of the study list, from 0.
            image_id: Pseudonym of the image.
            loaded: Its pixels.
        """
        width_px, height_px = self._surface.get_size()
        state = ViewState.fit(
            screen_width_px=width_px,
            screen_height_px=height_px,
            image_width_px=loaded.width_px,
            image_height_px=loaded.height_px,
            window_center=loaded.window_center,
            window_width=loaded.window_width,
            invert=loaded.invert,
        )
        before = self._shown
        self._picture, self._default = Picture(loaded), state
        self._draw(state)
        flip_s = self._flip()
        if before is not None:
            self._publish(ImageHidden(image_id=before.image_id), flip_s)
        self._shown = Shown(index, image_id, state, flip_s, flip_s)
        self._display.set(self._shown)
        event = ImageShown.of(
            state, image_id=image_id, index=index, pixel_sha256=loaded.pixel_sha256
        )
        self._publish(event, flip_s)

    def hide(self) -> None:
        """Show black in place of the image."""
        if self._shown is None:
            return
        hidden = ImageHidden(image_id=self._shown.image_id)
        self._picture = self._shown = self._default = None
        self._display.set(None)
        flip_s = self._flip()
        self._publish(hidden, flip_s)
        self._publish(Blank(), flip_s)

    def tick(self, timeout_ms: int = 8) -> ActionKind | None:
        """Take input, show what it changes, and return what is not the window's to do.

        Args:
            timeout_ms: How long to wait for input when there is none.

        Returns:
            next, previous or stop, as soon as the reader asks for it; input after it
            is left for the next tick.
        """
        if not self._waiting:
            first = pygame.event.wait(timeout_ms)
            if first.type != pygame.NOEVENT:
                self._waiting.append(first)
        self._waiting.extend(pygame.event.get())
        state, cause = self._current(), None
        command: ActionKind | None = None
        while self._waiting and command is None:
            event = self._waiting.popleft()
            if event.type in (pygame.WINDOWEXPOSED, pygame.VIDEOEXPOSE):
                pygame.display.flip()
            action = self._input.action(event)
            if action is None:
                continue
            if action.kind in ("next", "previous", "stop"):
                command = action.kind
                continue
            if cause is not None and CAUSES[action.kind] != cause:
                self._change(state, cause)
            cause = CAUSES[action.kind]
            if state is not None and self._default is not None:
                state = apply_action(state, action, self._default)
        if cause is not None:
            self._change(state, cause)
        self._display.set_mouse_px(self._input.mouse_px)
        return command

    def post_action(self, action: Action) -> None:
        """Play the mouse or keys that do `action`; may be called from any thread."""
        for event in input_events(action, self._px_per_point):
            pygame.event.post(event)

    def set_alarm(self, text: str) -> None:
        """Warn by a red bar and in the window's title; empty takes the warning away.

        The bar is for full screen, where there is no title; the stream tells of it.
        """
        if text == self._alarm:
            return
        self._alarm = text
        pygame.display.set_caption(f"{self._title}: {text}" if text else self._title)
        if (state := self._current()) is not None:
            self._draw(state)
        self._publish(
            Note(text=f"alarm: {text}" if text else "alarm over"), self._flip()
        )

    def screenshot(self) -> pygame.Surface:
        """Return a copy of what the window shows."""
        return self._surface.copy()

    def close(self) -> None:
        """Close the window."""
        self._display.set(None)
        self._display.set_mouse_px(None)
        pygame.display.quit()

    def _current(self) -> ViewState | None:
        return None if self._shown is None else self._shown.state

    def _change(self, state: ViewState | None, cause: Cause) -> None:
        before = self._shown
        if state is None or before is None or state == before.state:
            return
        self._draw(state)
        flip_s = self._flip()
        shown = Shown(before.index, before.image_id, state, before.shown_at_s, flip_s)
        self._shown = shown
        self._display.set(shown)
        event = ViewChanged.of(state, image_id=shown.image_id, cause=cause)
        self._publish(event, flip_s)

    def _draw(self, state: ViewState) -> None:
        if self._picture is None:
            return
        gray, corner = self._picture.render(state)
        height, width = gray.shape
        patch = pygame.image.frombuffer(gray.tobytes(), (width, height), "P")
        patch.set_palette(_GRAYS)
        self._surface.fill(_BLACK)
        self._surface.blit(patch, corner)

    def _flip(self) -> float:
        if self._picture is None:
            self._surface.fill(_BLACK)
        if self._alarm:
            self._surface.fill(_RED, (0, 0, self._surface.get_width(), ALARM_PX))
        pygame.display.flip()
        return self._clock()


def choose_driver() -> str:
    """Let the window run unseen where there is no display.

    Returns:
        What to tell the user; empty where there is a display.
    """
    has_display = any(os.environ.get(v) for v in ("DISPLAY", "WAYLAND_DISPLAY"))
    if not sys.platform.startswith("linux") or has_display:
        return ""
    if not os.environ.get("SDL_VIDEODRIVER"):
        os.environ["SDL_VIDEODRIVER"] = "dummy"
    if os.environ["SDL_VIDEODRIVER"] != "dummy":
        return ""
    return "there is no display: the reading window runs unseen"


def _open(
    width_px: int, height_px: int, fullscreen: bool, title: str
) -> pygame.Surface:
    try:
        # not pygame.init(): it opens the sound card too
        pygame.display.init()
        if fullscreen:
            _check_monitor(width_px, height_px)
        pygame.display.set_caption(title)
        flags = pygame.FULLSCREEN if fullscreen else 0
        return pygame.display.set_mode((width_px, height_px), flags)
    except pygame.error as error:
        raise DisplayError(
            f"no reading window of {width_px} × {height_px} px: {error}; check the "
            "display, or run unseen with SDL_VIDEODRIVER=dummy"
        ) from error


def _check_monitor(width_px: int, height_px: int) -> None:
    sizes = pygame.display.get_desktop_sizes()
    if pygame.display.get_driver() != "dummy" and (width_px, height_px) not in sizes:
        raise DisplayError(
            f"the screen was given as {width_px} × {height_px} px, the monitors have "
            f"{', '.join(f'{w} × {h}' for w, h in sizes)}; set --width-px and "
            "--height-px, and the size in mm"
        )
