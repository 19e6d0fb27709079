"""What a simulated reader does to the view: magnify, move, change the gray."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from capture.simulation.looks import Look
from capture.simulation.plan import CLOSING_S, PlannedAction
from capture.simulation.profile import ReaderProfile
from capture.simulation.truth import Box, StudyTruth

_SMALL, _LONG_S = 0.12, 2.2  # share of the image; time that makes zooming worth it


def magnify(
    looks: Sequence[Look],
    truth: StudyTruth,
    reader: ReaderProfile,
    rng: np.random.Generator,
) -> tuple[list[Look], list[PlannedAction]]:
    """Choose the looks to magnify, at small findings, and zoom in and out for them.

    Args:
        looks: Where the eyes go.
        truth: Which sentences are about something that is there.
        reader: Whose habit of zooming.
        rng: Source of the draws.

    Returns:
        The looks, some of them marked, and the actions in order of time.
    """
    chosen: list[Look] = []
    actions: list[PlannedAction] = []
    for look in looks:
        draw = rng.random()
        present = look.intent >= 0 and truth.sentences[look.intent].state == "present"
        small = len(look.regions) == 1 and _area(look.regions[0]) < _SMALL
        if present and small and look.end_s - look.start_s > _LONG_S:
            magnified = draw < reader.zoom_share
            actions += _zoom(look, rng) if magnified else []
            look = replace(look, magnified=magnified)
        chosen.append(look)
    return chosen, actions


def _zoom(look: Look, rng: np.random.Generator) -> list[PlannedAction]:
    x0, y0, x1, y1 = look.regions[0]
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    now_s = look.start_s + 0.3
    actions = []
    for _ in range(int(rng.integers(3, 6))):
        actions.append(PlannedAction(now_s, "zoom", x, y, dy=1.0))
        now_s += float(rng.uniform(0.07, 0.11))
    if rng.random() < 0.5:
        # toward the middle of the screen, where the reader wants to see it
        dx, dy = (0.5 - x) * rng.uniform(200, 500), (0.5 - y) * rng.uniform(200, 500)
        actions.append(
            PlannedAction(now_s + 0.25, "pan", x, y, round(float(dx)), round(float(dy)))
        )
    return [*actions, PlannedAction(look.end_s - 0.2, "fit")]


def gray_actions(duration_s: float, rng: np.random.Generator) -> list[PlannedAction]:
    """Change the gray window or invert, on some images; all is reset at the end.

    Args:
        duration_s: Time on the image.
        rng: Source of the draws.
    """
    actions = []
    window, invert = rng.random(2)
    first, second = (rng.uniform(0.15, 0.45, 2) * duration_s).tolist()
    drag = np.round(rng.uniform(-120, 120, 2)).tolist()
    if window < 0.35:
        actions.append(PlannedAction(first, "window", dx=drag[0], dy=drag[1]))
    if invert < 0.2:
        back_s = second + min(1.5, 0.2 * duration_s)
        actions.append(PlannedAction(second, "invert"))
        actions.append(PlannedAction(float(back_s), "invert"))
    if actions:
        actions.append(PlannedAction(duration_s - CLOSING_S, "reset"))
    return actions


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
