"""What the reading window shows: pure state, and what a reader's action does to it."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from capture.geometry import View

ActionKind = Literal[
    "zoom",
    "pan",
    "window",
    "invert",
    "fit",
    "one_to_one",
    "reset",
    "next",
    "previous",
    "stop",
]
"""zoom, pan and window carry amounts; the others are single key presses."""

ZOOM_PER_NOTCH = 1.25
"""How much one notch of the wheel magnifies."""
MIN_ZOOM = 0.25
"""The image is never smaller than a quarter of its fitted size."""
MAX_SCREEN_PX_PER_IMAGE_PX = 32.0
"""At the largest zoom one image pixel covers this many screen pixels."""
KEPT_PX = 64
"""A pan leaves at least this much of the image on the screen, in each direction."""
WINDOW_DRAG_PX = 500
"""A drag this long changes the width, or the center, by the default window's width."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Action:
    """One thing the reader did to the view, at one place of the screen."""

    kind: ActionKind
    """What was done."""
    x_px: float = 0.0
    """Screen x of the mouse; for a drag, where it started."""
    y_px: float = 0.0
    """Screen y of the mouse; for a drag, where it started."""
    dx: float = 0.0
    """pan, window: drag to the right in screen pixels."""
    dy: float = 0.0
    """zoom: wheel notches, positive magnifies; pan, window: drag downward in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewState:
    """Where the image is on the screen, and how its values become gray."""

    screen_width_px: int
    """Width of the drawable, in real screen pixels."""
    screen_height_px: int
    """Height of the drawable, in real screen pixels."""
    image_width_px: int
    """Width of the original image."""
    image_height_px: int
    """Height of the original image."""
    zoom: float = 1.0
    """Magnification relative to the fitted image."""
    center_x: float
    """Image x at the center of the screen, in image pixels."""
    center_y: float
    """Image y at the center of the screen, in image pixels."""
    window_center: float
    """Center of the gray window, in the unit after the modality transform."""
    window_width: float
    """Width of the gray window, in the unit after the modality transform."""
    invert: bool
    """Whether low values are shown white."""

    @classmethod
    def fit(
        cls,
        *,
        screen_width_px: int,
        screen_height_px: int,
        image_width_px: int,
        image_height_px: int,
        window_center: float,
        window_width: float,
        invert: bool = False,
    ) -> "ViewState":
        """Show the whole image, letterboxed.

        Raises:
            ValueError: A size is below 1 pixel, or the window is not above 0 wide.
        """
        sizes = (screen_width_px, screen_height_px, image_width_px, image_height_px)
        if min(sizes) < 1:
            raise ValueError(f"screen and image must be at least 1 px, got {sizes}")
        if not (math.isfinite(window_center) and 0 < window_width < math.inf):
            raise ValueError(f"no such gray window: {window_center}, {window_width}")
        return cls(
            screen_width_px=screen_width_px,
            screen_height_px=screen_height_px,
            image_width_px=image_width_px,
            image_height_px=image_height_px,
            center_x=image_width_px / 2,
            center_y=image_height_px / 2,
            window_center=window_center,
            window_width=window_width,
            invert=invert,
        )

    @property
    def fit_scale(self) -> float:
        """Screen pixels per image pixel when the image is fitted."""
        return min(
            self.screen_width_px / self.image_width_px,
            self.screen_height_px / self.image_height_px,
        )

    @property
    def scale(self) -> float:
        """Screen pixels per image pixel, the same in both directions."""
        return self.fit_scale * self.zoom

    @property
    def view(self) -> View:
        """The affine map from image pixels to screen pixels."""
        scale = self.scale
        return View(
            scale_x=scale,
            scale_y=scale,
            left_px=self.screen_width_px / 2 - self.center_x * scale,
            top_px=self.screen_height_px / 2 - self.center_y * scale,
        )


def apply_action(state: ViewState, action: Action, default: ViewState) -> ViewState:
    """Return the view after one action.

    Args:
        state: The view before.
        action: What the reader did.
        default: The view in which this image is first shown; scales the gray-window
            drag, and is what `reset` returns to.

    Returns:
        The new view; `state` itself for next, previous and stop.
    """
    match action.kind:
        case "zoom":
            factor = ZOOM_PER_NOTCH**action.dy
            return _zoom_about(state, state.zoom * factor, action.x_px, action.y_px)
        case "pan":
            return _pan(state, action.dx, action.dy)
        case "window":
            return _change_window(state, action.dx, action.dy, default)
        case "invert":
            return replace(state, invert=not state.invert)
        case "fit":
            return replace(
                state,
                zoom=1.0,
                center_x=state.image_width_px / 2,
                center_y=state.image_height_px / 2,
            )
        case "one_to_one":
            middle = state.screen_width_px / 2, state.screen_height_px / 2
            return _zoom_about(state, 1 / state.fit_scale, *middle)
        case "reset":
            return default
        case "next" | "previous" | "stop":
            return state


def _zoom_about(state: ViewState, zoom: float, x_px: float, y_px: float) -> ViewState:
    most = max(MAX_SCREEN_PX_PER_IMAGE_PX / state.fit_scale, 1.0)
    zoom = min(max(zoom, MIN_ZOOM), most)
    from_center_x = x_px - state.screen_width_px / 2
    from_center_y = y_px - state.screen_height_px / 2
    old, new = state.scale, state.fit_scale * zoom
    image_x = state.center_x + from_center_x / old
    image_y = state.center_y + from_center_y / old
    moved = replace(
        state,
        zoom=zoom,
        center_x=image_x - from_center_x / new,
        center_y=image_y - from_center_y / new,
    )
    on_image = abs(image_x / state.image_width_px - 0.5) <= 0.5 + _ROUNDING
    on_image &= abs(image_y / state.image_height_px - 0.5) <= 0.5 + _ROUNDING
    # a point of the image stays under the cursor, so the image cannot get lost
    return moved if on_image else _kept_on_screen(moved)


def _pan(state: ViewState, dx_px: float, dy_px: float) -> ViewState:
    moved = replace(
        state,
        center_x=state.center_x - dx_px / state.scale,
        center_y=state.center_y - dy_px / state.scale,
    )
    return _kept_on_screen(moved)


def _kept_on_screen(state: ViewState) -> ViewState:
    scale = state.scale
    return replace(
        state,
        center_x=_clamped_center(
            state.center_x, state.image_width_px, state.screen_width_px, scale
        ),
        center_y=_clamped_center(
            state.center_y, state.image_height_px, state.screen_height_px, scale
        ),
    )


def _clamped_center(
    center: float, image_px: int, screen_px: int, scale: float
) -> float:
    kept_px = min(KEPT_PX, image_px * scale, screen_px)
    reach = (screen_px / 2 - kept_px) / scale
    return min(max(center, -reach), image_px + reach)


def _change_window(
    state: ViewState, dx_px: float, dy_px: float, default: ViewState
) -> ViewState:
    unit = default.window_width / WINDOW_DRAG_PX
    narrowest = max(default.window_width / 1000, min(1.0, default.window_width))
    width = state.window_width + dx_px * unit
    center = state.window_center + dy_px * unit
    reach = 2 * default.window_width
    return replace(
        state,
        window_width=min(max(width, narrowest), 10 * default.window_width),
        window_center=min(
            max(center, default.window_center - reach), default.window_center + reach
        ),
    )
