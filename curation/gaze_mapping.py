"""From the screen to the image: gaze through the view that was there at that moment."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capture.display.events import Blank, Event, ImageHidden, ImageShown, ViewChanged
from capture.geometry import Points, Screen, View, px_per_deg
from curation.events import FIXATION, is_seen
from curation.schema import Column, make_table

Floats = NDArray[np.float64]
NO_VIEW = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """One image on the screen, from its appearance until it went."""

    image_id: str
    index: int
    """Position in the session's list of studies."""
    width_px: int
    height_px: int
    shown_s: float
    hidden_s: float
    cut: bool
    """The recording ended before the image was hidden."""


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """Which image was on the screen when, and where."""

    start_s: Floats
    """(v,) when each view began, in order."""
    showing: NDArray[np.intp]
    """(v,) number of the showing; -1 where no image was on the screen."""
    affine: Floats
    """(v, 4) scale x, scale y, left, top: image pixels to screen pixels."""
    showings: tuple[Showing, ...]

    def view_at(self, time_s: Floats) -> NDArray[np.intp]:
        """Number of the view at each moment; -1 where no image was on the screen."""
        view = np.searchsorted(self.start_s, time_s, side="right") - 1
        none = (view < 0) | (self.showing[np.maximum(view, 0)] < 0)
        return np.where(none, NO_VIEW, view)


def timeline(display: Sequence[tuple[float, Event]], end_s: float) -> Timeline:
    """Read the display events.

    Args:
        display: Stamp and event, in order.
        end_s: End of the recording, for an image that was never hidden.

    Returns:
        Views and showings; an image shown twice is two showings.

    Raises:
        ValueError: The affine of an event is not an axis-aligned view.
    """
    starts: list[float] = []
    owners: list[int] = []
    affine: list[tuple[float, float, float, float]] = []
    open_: ImageShown | None = None
    shown_s, showings = 0.0, []
    for time_s, event in display:
        if isinstance(event, ImageShown | ImageHidden | Blank) and open_ is not None:
            showings.append(_showing(open_, shown_s, time_s))
            open_ = None
        if isinstance(event, ImageShown):
            open_, shown_s = event, time_s
        elif isinstance(event, ViewChanged):
            if open_ is None or event.image_id != open_.image_id:
                continue
            if _numbers(event) == affine[-1]:
                continue  # gray levels changed: the image stays where it is
        elif not isinstance(event, ImageHidden | Blank):
            continue
        seen = isinstance(event, ImageShown | ViewChanged)
        starts.append(time_s)
        owners.append(len(showings) if seen else NO_VIEW)
        affine.append(_numbers(event) if seen else (1.0, 1.0, 0.0, 0.0))
    if open_ is not None:
        last_s = max(end_s, starts[-1])
        showings.append(_showing(open_, shown_s, last_s, cut=True))
    return Timeline(
        np.array(starts),
        np.array(owners, dtype=np.intp),
        np.array(affine, dtype=np.float64).reshape(-1, 4),
        tuple(showings),
    )


def to_image_px(xy_px: Points, view: NDArray[np.intp], views: Timeline) -> Points:
    """Map screen pixels to pixels of the image that was there.

    Args:
        xy_px: (n, 2) screen pixels; NaN where gaze was lost.
        view: (n,) from `Timeline.view_at`.
        views: Of the session.

    Returns:
        (n, 2) original image pixels; off the image stays off; NaN where gaze was lost
        or no image was shown.
    """
    affine = views.affine[np.maximum(view, 0)]
    mapped = (xy_px - affine[:, 2:]) / affine[:, :2]
    mapped[view < 0] = np.nan
    return mapped


def fixations_on(
    number: int,
    time_s: Floats,
    xy_px: Points,
    labels: NDArray[np.int8],
    views: Timeline,
    screen: Screen,
    period_s: float,
) -> dict[str, Column]:
    """List the fixations while an image was shown, in its normalized coordinates.

    A fixation during which the view changed is split there: each piece lies at one
    place of the image at one zoom. Pieces of one fixation follow without a gap.

    Args:
        number: Of the showing.
        time_s: (n,) stamps of the whole session.
        xy_px: (n, 2) screen pixels; NaN where gaze was lost.
        labels: (n,) from `events.detect_events`.
        views: Of the session.
        screen: Geometry, for the size of a degree.
        period_s: Between samples.

    Returns:
        The table `fixations`; onsets count from the moment the image appeared.
    """
    showing = views.showings[number]
    first, last = np.searchsorted(time_s, [showing.shown_s, showing.hidden_s])
    time_s, xy_px = time_s[first:last], xy_px[first:last]
    view, fixed = views.view_at(time_s), labels[first:last] == FIXATION
    fixed &= (view >= 0) & (views.showing[np.maximum(view, 0)] == number)
    starts, stops = _pieces(fixed, view, np.diff(time_s, prepend=-np.inf), period_s)
    seen = is_seen(xy_px)
    count = np.add.reduceat(np.append(seen, False).astype(int), _pairs(starts, stops))
    count = count[::2]
    good = count > 0
    starts, stops, count = starts[good], stops[good], count[good]
    known_px = np.pad(np.where(seen[:, None], xy_px, 0.0), ((0, 1), (0, 0)))
    total = np.add.reduceat(known_px, _pairs(starts, stops), axis=0)[::2]
    center_px = total / count[:, None]
    affine = views.affine[view[starts]]
    size_px = np.array([showing.width_px, showing.height_px])
    place = (center_px - affine[:, 2:]) / affine[:, :2] / size_px
    sigma = px_per_deg(center_px, screen) / np.abs(affine[:, :2]) / size_px
    onset_s = time_s[starts] - showing.shown_s
    end_s = np.minimum(time_s[stops - 1] + period_s, showing.hidden_s)
    follows = np.flatnonzero(starts[1:] == stops[:-1])
    end_s[follows] = time_s[starts[follows + 1]]
    return make_table(
        "fixations",
        x=place[:, 0],
        y=place[:, 1],
        onset_s=onset_s,
        duration_s=end_s - showing.shown_s - onset_s,
        sigma_x=sigma[:, 0],
        sigma_y=sigma[:, 1],
    )


def _pieces(
    fixed: NDArray[np.bool_], view: NDArray[np.intp], step_s: Floats, period_s: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Runs of fixed samples within one view and without a drop-out."""
    change = np.diff(fixed.astype(np.int8), prepend=0) != 0
    change |= np.diff(view, prepend=NO_VIEW) != 0
    change |= step_s > _BREAK_S + 3 * period_s
    edges = np.append(np.flatnonzero(change), len(fixed)).astype(np.intp)
    if not len(fixed) or not fixed.any():
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    starts, stops = edges[:-1], edges[1:]
    kept = fixed[starts]
    return starts[kept], stops[kept]


_BREAK_S = 0.075
"""Gaps in the stamps up to this are bridged, as the detection of events does."""


def _pairs(starts: NDArray[np.intp], stops: NDArray[np.intp]) -> NDArray[np.intp]:
    return np.column_stack([starts, stops]).ravel()


def _showing(
    event: ImageShown, shown_s: float, hidden_s: float, *, cut: bool = False
) -> Showing:
    return Showing(
        image_id=event.image_id,
        index=event.index,
        width_px=event.width_px,
        height_px=event.height_px,
        shown_s=shown_s,
        hidden_s=hidden_s,
        cut=cut,
    )


def _numbers(event: Event) -> tuple[float, float, float, float]:
    if not isinstance(event, ImageShown | ViewChanged):
        raise ValueError(f"event {event.event!r} has no view")
    view = View.from_affine(list(event.affine))
    return view.scale_x, view.scale_y, view.left_px, view.top_px
