import re

import numpy as np
import pytest

from tui.demo.figures import make_film
from tui.demo.html import page
from tui.demo.model_sections import Films
from tui.demo.quality import samples_lost, voice_leads_s
from tui.demo.reading_sections import Replay
from tui.demo.results import MODELS, comparison
from tui.demo.state import Options, State
from tui.demo.timeline import Reading, timeline_svg

EVIL = '<img src="https://example.org/x" onerror="alert(1)">'


class OneFilm(Films):
    def __init__(self):
        gray = np.random.default_rng(0).integers(0, 255, (32, 32)).astype(np.uint8)
        self.film = make_film("film0", gray, [0, 0, 32, 32])

    def of(self, row):
        return self.film

    def definitions(self):
        return self.film.definition()


def number(value=0.5):
    return {"value": value, "low": value - 0.1, "high": value + 0.1}


@pytest.fixture
def reading():
    """Two fixations; the first sentence was found, the second was not."""
    return Reading(
        onset_s=np.array([0.0, 0.5]),
        duration_s=np.array([0.4, 0.4]),
        xy=np.array([[0.2, 0.3], [0.7, 0.6]]),
        trace_s=np.array([0.0, 0.2, 0.4, 0.6]),
        trace=np.array([[0.2, 0.3], [0.2, 0.3], [np.nan, np.nan], [0.7, 0.6]]),
        spans_s=[(0.3, 0.9), None],
        true_spans_s=[(0.31, 0.9), (1.0, 1.5)],
        given=np.array([0, -1]),
    )


@pytest.fixture
def results():
    way = {
        "precision": {"1": number()},
        "recall": {"5": number()},
        "precision_chance": {"1": 0.1},
        "recall_chance": {"5": 0.2},
    }
    top = [{"report": EVIL, "similarity": 0.3, "hit": True}]
    score = {"pointing_game": number(), "nss": number(1.0), "cc": number(0.2)}
    example = {
        "row": 0, "sentence": 0, "text": EVIL, "boxes": [[0, 0, 0.5, 0.5]],
        "map": [[0.1, 0.2], [0.3, 0.4]], "hit": False,
    }  # fmt: skip
    one = {
        "zero-shot": {
            "headline": "pooled",
            "macro_auroc": number(),
            "variants": {"pooled": {"findings": {"Edema": {"auroc": number()}}}},
        },
        "retrieval": {
            "image_to_text": way,
            "text_to_image": way,
            "n_studies": 4,
            "hit": "the same",
            "examples": [{"row": 0, "rank_of_own_report": 2, "top": top}],
        },
        "grounding": {
            "pointing_game": number(),
            "chance": 0.1,
            "scores": {"model": score, "shuffled_sentence": score},
            "examples": [example],
        },
    }
    wrapped = {task: {"results": found} for task, found in one.items()}
    return dict.fromkeys(MODELS, wrapped)


@pytest.fixture
def written(tmp_path, reading, results):
    films = OneFilm()
    stage = {"name": "x", "title": "draw", "seconds": 3.0, "commands": [EVIL]}
    state = State(folder=tmp_path, options=Options(seed=9), stages=[stage])
    one = {m: {**number(), "chance": 0.5} for m in MODELS} | {"difference": number(0)}
    names = ("zero_shot_auroc_macro", "retrieval_p_at_1", "pointing_game")
    replay = Replay(
        film=films.film,
        texts=[EVIL, "Clear lungs."],
        methods=["forced", "none"],
        maps=[np.eye(4, dtype=np.float32), None],
        reading=reading,
        boxes=[[0.1, 0.1, 0.4, 0.4]],
    )
    return page(
        state=state,
        figures=dict.fromkeys(names, one),
        alignment={"readings": 2, "sentence_start_error_ms_median": 21.0},
        replays=[replay],
        is_live=True,
        quality=[("sessions", EVIL)],
        plots=[],
        training=[],
        rows=comparison(results),
        results=results,
        films=films,
    )


def test_the_page_needs_nothing_from_elsewhere(written):
    links = re.findall(r'<[^>]*(?:src|href)="([^"]*)"', written)

    assert links
    assert all(link.startswith(("data:", "#")) for link in links)


def test_every_text_in_the_page_is_escaped(written):
    assert "<img" not in written
    assert written.count("&lt;img src=") >= 5


def test_every_tag_of_the_page_is_closed(written):
    for tag in ("div", "section", "table", "svg", "figure", "p", "span", "small"):
        opened = len(re.findall(rf"<{tag}[\s>]", written))
        assert opened == written.count(f"</{tag}>"), tag


def test_the_page_says_what_was_measured(written):
    assert "21 ms" in written
    assert "0.500" in written
    assert "seed 9" in written


def test_the_pen_is_lifted_where_the_eye_was_lost(reading):
    svg = timeline_svg(reading)

    trace = re.search(r'class="trace" d="([^"]*)"', svg).group(1)
    assert trace.count("M") == 2


def test_the_lead_of_the_eyes_is_from_their_coming_to_the_voice(make_dataset):
    from curation.dataset import open_dataset
    from curation.schema import make_table

    looks = make_table(
        "fixations", x=[0.1, 0.5, 0.1, 0.6, 0.1, 0.1], y=[0.6] * 6,
        onset_s=[0.0, 0.2, 0.3, 0.35, 0.4, 0.45], duration_s=[0.05] * 6,
        sigma_x=[0.05] * 6, sigma_y=[0.05] * 6,
    )  # fmt: skip
    pairs = make_table("sentence_fixations", sentence=[], fixation=[], overlap_s=[])
    tables = {"fixations": looks, "sentence_fixations": pairs}

    actual = voice_leads_s(open_dataset(make_dataset(1, tables=tables)))

    # in the box from 0.2, out once at 0.3, in again: one visit; the voice begins at 0.5
    np.testing.assert_allclose(actual, [0.3])


def test_a_session_without_truth_tells_nothing_of_lost_samples(tmp_path):
    assert samples_lost(tmp_path) == {}
