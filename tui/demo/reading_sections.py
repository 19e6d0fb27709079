"""The part of the report about readings: replayed, counted, held against the truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tui.demo.figures import Film, box_layer, film_svg, heat_layer, scanpath_layer
from tui.demo.pieces import table, with_unit
from tui.demo.timeline import Reading, timeline_svg

_SHOWN_SENTENCES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """One reading to be looked at again."""

    film: Film
    """The image that was read."""
    texts: Sequence[str]
    """Sentences of the report."""
    methods: Sequence[str]
    """How each sentence's times were found."""
    maps: Sequence[NDArray[np.float32] | None]
    """Where the reader dwelled for each sentence."""
    reading: Reading
    """Gaze and voice over time."""
    boxes: Sequence[Sequence[float]]
    """Marked regions, normalized."""


def replays(shown: Sequence[Replay], is_live: bool) -> str:
    """Show readings with their scanpath, timeline and sentences."""
    how = (
        "The live session: a simulated reader drove the real window in real time, and "
        "its gaze and voice went over the Lab Streaming Layer into the recorder."
        if is_live
        else "A session simulated faster than life."
    )
    intro = (
        f"<p>{how} Circles are fixations as curation found them: size is duration, "
        "color goes from blue (first) to yellow (last). Blue frames are the marked "
        "findings.</p>"
    )
    return intro + "".join(_replay(replay) for replay in shown)


def _replay(replay: Replay) -> str:
    film, reading = replay.film, replay.reading
    path = scanpath_layer(film, reading.xy, reading.duration_s, reading.onset_s)
    picture = film_svg(film, "scanpath", box_layer(film, replay.boxes), path)
    timeline = (
        f"{timeline_svg(reading)}"
        '<p class="dim">Gray line: where the eye truly was. Bars: fixations found, in '
        "the color of the sentence that they were given to (gray: to none). Below: "
        "when each sentence was found in the audio, and when it was truly said.</p>"
    )
    cards = "".join(
        _sentence(replay, index)
        for index in range(len(replay.texts))[:_SHOWN_SENTENCES]
    )
    return (
        f"<h3>{len(reading.onset_s)} fixations, {len(replay.texts)} sentences</h3>"
        f'<div class="two"><div>{picture}</div>'
        f'<div class="panel">{timeline}</div></div>'
        f'<h3>What was looked at for each sentence</h3><div class="grid">{cards}</div>'
    )


def _sentence(replay: Replay, index: int) -> str:
    span, values = replay.reading.spans_s[index], replay.maps[index]
    heat = "" if values is None else heat_layer(replay.film, values, floor=0.02)
    when = (
        "not found in the audio" if span is None else f"{span[0]:.1f}–{span[1]:.1f} s"
    )
    looked = (
        "no fixations" if values is None else f"{float(values.sum()):.1f} s of gaze"
    )
    kind = " odd" if index % 2 else ""
    return (
        f'<div class="sentence">{film_svg(replay.film, "dwell", heat)}'
        f'<p><span class="n{kind}">{index + 1}</span>{escape(replay.texts[index])}</p>'
        f"<small>{when} · {looked}</small></div>"
    )


def quality(counts: Sequence[tuple[str, str]], plots: Sequence[str]) -> str:
    """Show what was recorded in numbers and histograms."""
    return (
        f'<div class="panel wide">{table(counts)}</div>'
        f'<div class="plots" style="margin-top:18px">{"".join(plots)}</div>'
        '<p class="dim" style="margin-top:12px">Eyes before voice: from the '
        "moment the eyes came to a marked region to the start of the sentence about "
        "it. A sentence's window of gaze reaches back for this reason.</p>"
    )


def truth(alignment: dict[str, Any]) -> str:
    """Show how well curation recovered what the readers did."""
    live = alignment.get("live", {})
    names = (
        ("fixation_share_to_true_sentence", "fixations given to their sentence", "%"),
        ("fixation_share_right_of_those_given", "right among those given to any", "%"),
        ("sentence_share_timed", "said sentences found in the audio", "%"),
        ("sentence_start_error_ms_median", "error of sentence starts, median", "ms"),
        ("sentence_start_error_ms_p95", "error of sentence starts, 95th perc.", "ms"),
        ("gaze_error_deg_median", "error of fixations, median", "°"),
    )  # fmt: skip
    rows = "".join(
        f"<tr><td>{title}</td>"
        f'<td class="num">{with_unit(alignment.get(key), unit)}</td>'
        f'<td class="num">{with_unit(live.get(key), unit)}</td></tr>'
        for key, title, unit in names
    )
    streams = "".join(
        f"<tr><td>{escape(name)}</td>"
        f'<td class="num">{s["pushed"]:,}</td><td class="num">{s["recorded"]:,}</td>'
        f'<td class="num">{s["lost"]:,}</td></tr>'
        for recorded in alignment.get("live_samples", {}).values()
        for name, s in recorded.items()
    )
    lost = (
        "<table><thead><tr><th>live stream</th><th class=num>pushed</th>"
        "<th class=num>recorded</th><th class=num>lost</th></tr></thead>"
        f"<tbody>{streams}</tbody></table>"
        if streams
        else ""
    )
    return (
        "<p>The simulator wrote down what its readers truly did. Curation never sees "
        "that file; here its work is held against it.</p>"
        '<div class="panel wide"><table><thead><tr><th></th><th class="num">all '
        f'{alignment.get("readings", 0)} readings</th><th class="num">live, '
        f"{live.get('readings', 0)}</th></tr></thead><tbody>{rows}</tbody></table>"
        "</div>"
        f'<div class="panel wide" style="margin-top:14px">{lost}</div>'
    )
