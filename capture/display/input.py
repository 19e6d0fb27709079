"""Mouse and keyboard → actions, as on a reading workstation; and the way back.

Wheel: zoom about the cursor. Left drag: pan. Right drag: gray window. I: invert,
F: fit, 1: one to one, R: reset, space or right: next, left: previous, escape: stop.
"""

from collections.abc import Sequence

import pygame

from capture.display.view import Action, ActionKind

PAN_BUTTON, WINDOW_BUTTON = pygame.BUTTON_LEFT, pygame.BUTTON_RIGHT
KEYS: dict[int, ActionKind] = {
    pygame.K_i: "invert",
    pygame.K_f: "fit",
    pygame.K_1: "one_to_one",
    pygame.K_KP1: "one_to_one",
    pygame.K_r: "reset",
    pygame.K_SPACE: "next",
    pygame.K_RIGHT: "next",
    pygame.K_LEFT: "previous",
    pygame.K_ESCAPE: "stop",
}
"""Key to action; the first key of an action is the one that `post_action` presses."""


class InputReader:
    """Turns pygame events into actions, in the order in which they happened."""

    def __init__(self, px_per_point: tuple[float, float] = (1.0, 1.0)) -> None:
        """Start with no button held.

        Args:
            px_per_point: Real screen pixels per unit of mouse events, x and y.
        """
        self._px_per_point = px_per_point
        self._dragging: dict[int, ActionKind] = {}
        self.mouse_px: tuple[float, float] | None = None

    def action(self, event: pygame.event.Event) -> Action | None:
        """Return what one event does to the view; None for nothing."""
        match event.type:
            case pygame.MOUSEMOTION:
                return self._move(event)
            case pygame.MOUSEBUTTONDOWN:
                self._press(event)
            case pygame.MOUSEBUTTONUP:
                self._dragging.pop(event.button, None)
            case pygame.MOUSEWHEEL:
                notches = getattr(event, "precise_y", 0.0) or float(event.y)
                if notches:
                    return self._at_mouse("zoom", dy=notches)
            case pygame.KEYDOWN if event.key in KEYS:
                return self._at_mouse(KEYS[event.key])
            case pygame.WINDOWLEAVE:
                self.mouse_px = None
            case pygame.QUIT:
                return self._at_mouse("stop")
        return None

    def _move(self, event: pygame.event.Event) -> Action | None:
        before_px = self.mouse_px
        self.mouse_px = self._px(event.pos)
        if not self._dragging or before_px is None:
            return None
        kind = next(iter(self._dragging.values()))
        dx = self.mouse_px[0] - before_px[0]
        dy = self.mouse_px[1] - before_px[1]
        return Action(kind, *before_px, dx, dy) if dx or dy else None

    def _press(self, event: pygame.event.Event) -> None:
        self.mouse_px = self._px(event.pos)
        if event.button == PAN_BUTTON:
            self._dragging[event.button] = "pan"
        elif event.button == WINDOW_BUTTON:
            self._dragging[event.button] = "window"

    def _at_mouse(self, kind: ActionKind, dy: float = 0.0) -> Action:
        x_px, y_px = self.mouse_px or (0.0, 0.0)
        return Action(kind, x_px, y_px, 0.0, dy)

    def _px(self, pos: Sequence[float]) -> tuple[float, float]:
        return pos[0] * self._px_per_point[0], pos[1] * self._px_per_point[1]


def input_events(
    action: Action, px_per_point: tuple[float, float] = (1.0, 1.0)
) -> list[pygame.event.Event]:
    """Return the input by which a reader would do `action`; inverse of `InputReader`.

    Args:
        action: What is to happen.
        px_per_point: Real screen pixels per unit of mouse events, x and y.
    """
    x, y = action.x_px / px_per_point[0], action.y_px / px_per_point[1]
    if action.kind == "zoom":
        return [
            _motion((x, y), ()),
            pygame.event.Event(
                pygame.MOUSEWHEEL,
                x=0,
                y=round(action.dy),
                precise_x=0.0,
                precise_y=action.dy,
                flipped=False,
                which=0,
            ),
        ]
    if action.kind in ("pan", "window"):
        button = PAN_BUTTON if action.kind == "pan" else WINDOW_BUTTON
        end = x + action.dx / px_per_point[0], y + action.dy / px_per_point[1]
        return [
            _motion((x, y), ()),
            pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=(x, y), button=button),
            _motion(end, (button,)),
            pygame.event.Event(pygame.MOUSEBUTTONUP, pos=end, button=button),
        ]
    key = next(key for key, kind in KEYS.items() if kind == action.kind)
    return [
        pygame.event.Event(pygame.KEYDOWN, key=key, mod=0, unicode="", scancode=0),
        pygame.event.Event(pygame.KEYUP, key=key, mod=0, unicode="", scancode=0),
    ]


def _motion(pos: tuple[float, float], buttons: tuple[int, ...]) -> pygame.event.Event:
    held = tuple(int(button in buttons) for button in (1, 2, 3))
    return pygame.event.Event(
        pygame.MOUSEMOTION, pos=pos, rel=(0, 0), buttons=held, touch=False
    )
