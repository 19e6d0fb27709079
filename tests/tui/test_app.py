import asyncio
import json

import pytest
from textual.widgets import DataTable, Static

from capture.geometry import Screen
from capture.session import (
    SessionEnd,
    SessionInfo,
    TrackerInfo,
    new_session_folder,
    write_session,
)
from training.config import TrainConfig
from tui.app import Desk
from tui.library import find_entries


@pytest.fixture
def desk_folder(tmp_path, make_dataset):
    """One session, one data set, one evaluated run, and one damaged session."""
    root = tmp_path / "desk"
    info = SessionInfo(
        session_id="session-1",
        reader_id="reader-a",
        simulated=True,
        screen=Screen(),
        tracker=TrackerInfo(name="simulated", nominal_rate_hz=250),
        studies=(),
        streams=(),
        end=SessionEnd(state="complete", images_read=3),
    )
    write_session(new_session_folder(root, "reader-a", "session-1"), info)
    damaged = new_session_folder(root, "reader-a", "session-2")
    (damaged / "session.json").write_text("{")
    make_dataset(6, name="desk/dataset")
    run = root / "egma"
    (run / "evaluation").mkdir(parents=True)
    config = TrainConfig(dataset=root / "dataset", out=run)
    (run / "config.json").write_text(json.dumps(config.to_json()))
    (run / "metrics.jsonl").write_text('{"step": 12, "loss": 1.5}\n{"step": 13, "lo')
    result = {"results": {"macro_auroc": {"value": 0.75}, "chance": 0.5}}
    (run / "evaluation" / "zero-shot.json").write_text(json.dumps(result))
    return root


def drive(folder, keys):
    """Open the desk on a folder, press keys, return what it then shows."""

    async def session():
        app = Desk(folder)
        async with app.run_test(size=(110, 40)) as pilot:
            await app.workers.wait_for_complete()
            await pilot.pause()
            for key in keys:
                await pilot.press(key)
                await pilot.pause()
            table = app.query_one(DataTable)
            rows = [
                [str(cell) for cell in table.get_row_at(i)]
                for i in range(table.row_count)
            ]
            details = str(app.query_one("#details", Static).content)
            hidden = app.query_one("#side").has_class("-hidden")
            return rows, details, hidden, app.is_running

    return asyncio.run(session())


def test_everything_under_the_folder_is_listed_with_its_figures(desk_folder):
    rows, _, hidden, _ = drive(desk_folder, [])

    assert [row[0] for row in rows] == ["session", "session", "data set", "run"]
    assert "3 of 0 images, complete" in rows[0][2]
    assert rows[1][2] == "cannot be read"
    assert "6 readings of 3 patients" in rows[2][2]
    assert rows[3][2] == "egma, step 12, zero-shot 0.750 (chance 0.500)"
    assert hidden


def test_enter_shows_the_details_and_escape_closes_them(desk_folder):
    _, details, hidden, _ = drive(desk_folder, ["enter"])
    assert "reader-a" in details
    assert not hidden

    _, _, hidden, _ = drive(desk_folder, ["enter", "escape"])
    assert hidden


def test_details_repeat_the_figures_that_a_narrow_window_cuts(desk_folder):
    rows, details, _, _ = drive(desk_folder, ["enter"])

    assert rows[0][2] in details


def test_open_details_follow_the_cursor(desk_folder):
    _, details, _, _ = drive(desk_folder, ["enter", "down", "down", "down"])

    assert "learning_rate" in details
    assert "last loss" in details


def test_q_quits(desk_folder):
    *_, running = drive(desk_folder, ["q"])

    assert not running


def test_an_empty_folder_says_what_to_try(tmp_path):
    rows, details, hidden, _ = drive(tmp_path, [])

    assert rows == []
    assert "radgaze demo" in details
    assert not hidden


def test_what_cannot_be_read_tells_why(desk_folder):
    problems = [entry.problem for entry in find_entries(desk_folder) if entry.problem]

    assert len(problems) == 1
    assert "session.json" in problems[0]
