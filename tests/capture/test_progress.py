import io
import json

from capture.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_program_gets_one_json_object_a_line():
    stream = io.StringIO()
    with Progress("align", 2, "json", stream) as progress:
        progress.update(message="first", reader="r1")
        progress.update()

    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["progress", "progress", "done"]
    assert [line["done"] for line in lines] == [1, 2, 2]
    assert lines[0]["reader"] == "r1"
    assert lines[0]["message"] == "first"
    assert "message" not in lines[1]


def test_a_terminal_gets_a_bar_that_ends_full():
    stream = Terminal()
    with Progress("align", 3, "auto", stream) as progress:
        progress.update(3)

    assert f"align [{'#' * 28}] 3/3" in stream.getvalue()
    assert stream.getvalue().endswith("\n")


def test_a_log_gets_whole_lines_without_control_characters():
    stream = io.StringIO()
    with Progress("align", 1, "auto", stream) as progress:
        progress.update()

    assert "\r" not in stream.getvalue()
    assert "\x1b" not in stream.getvalue()
    assert "1/1" in stream.getvalue()


def test_many_updates_are_throttled_to_few_redraws():
    stream = Terminal()
    with Progress("align", 10_000, "bar", stream) as progress:
        for _ in range(9_999):
            progress.update()

    assert stream.getvalue().count("\r") < 100


def test_a_total_that_is_not_known_is_counted():
    stream = io.StringIO()
    with Progress("scan", None, "bar", stream) as progress:
        progress.update(5)

    assert "scan: 5 done" in stream.getvalue()


def test_nothing_is_said_where_nothing_is_wanted():
    stream = io.StringIO()
    with Progress("align", 1, "none", stream) as progress:
        progress.update()
        progress.close("over")

    assert stream.getvalue() == ""
