import pytest

from capture.documents import read_document
from capture.errors import InputError, VersionError


def test_a_document_of_the_right_format_and_version_is_read(tmp_path):
    (tmp_path / "a.json").write_text('{"format": "f", "version": 2, "x": "ä"}', "utf-8")

    assert read_document(tmp_path / "a.json", "f", 2)["x"] == "ä"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{", "is not JSON"),
        ("[1]", "is not a f file"),
        ('{"version": 2}', "is not a f file"),
        ('{"format": "f", "version": 3}', "holds f version 3, this program reads"),
    ],
)
def test_what_is_something_else_is_said(tmp_path, text, found):
    (tmp_path / "a.json").write_text(text)

    with pytest.raises(InputError, match=found) as caught:
        read_document(tmp_path / "a.json", "f", 2)
    assert isinstance(caught.value, VersionError) == ("version 3" in text + found)


def test_a_document_that_is_not_there_is_said(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_document(tmp_path / "none.json", "f", 2)
