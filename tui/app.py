"""The desk: what has been recorded, curated and trained, in one terminal window."""

from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Footer, Header, Static

from tui.library import Entry, find_entries

_NOTHING = (
    "Nothing here yet. Try the whole chain without any hardware:\n\n"
    "    radgaze demo --out runs/demo\n"
)


class Desk(App[None]):
    """Lists sessions, data sets and runs under a folder; enter shows the details."""

    TITLE = "radgaze"
    ENABLE_COMMAND_PALETTE = False  # enter would not reach it
    CSS = """
    #entries { height: 1fr; }
    #side { height: auto; max-height: 50%; border-top: solid $primary; padding: 0 1; }
    #side.-hidden { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "show", "Details", priority=True),
        Binding("escape", "hide", "Close"),
        Binding("r", "reload", "Reload"),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.entries: list[Entry] = []

    def compose(self) -> ComposeResult:
        """Lay out the table, the details under it, and the keys."""
        yield Header()
        yield DataTable(id="entries", cursor_type="row", zebra_stripes=True)
        with VerticalScroll(id="side", classes="-hidden"):
            yield Static(id="details")
        yield Footer()

    def on_mount(self) -> None:
        """Start looking for entries."""
        self.sub_title = str(self.folder.resolve())
        self._table.add_columns("", "folder", "figures")
        self.action_reload()

    def action_reload(self) -> None:
        """Look through the folder again."""
        self._table.loading = True
        self.load()

    @work(thread=True, exclusive=True)
    def load(self) -> None:
        """Read what is there, away from the keyboard."""
        entries = find_entries(self.folder)
        self.call_from_thread(self.fill, entries)

    def fill(self, entries: list[Entry]) -> None:
        """Show what was found."""
        self.entries = entries
        self._table.loading = False
        self._table.clear()
        for entry in entries:
            style = "red" if entry.problem else ""
            cells = (entry.kind, entry.name, entry.figures)
            self._table.add_row(*(Text(cell, style=style) for cell in cells))
        if entries:
            self._table.focus()
        else:
            self._show(Text(_NOTHING))

    def action_show(self) -> None:
        """Show the details of the entry under the cursor."""
        row = self._table.cursor_row
        if 0 <= row < len(self.entries):
            self._show(_describe(self.entries[row]))

    def action_hide(self) -> None:
        """Give the table the whole window."""
        self.query_one("#side").add_class("-hidden")

    def on_data_table_row_selected(self) -> None:
        """Show what was clicked on."""
        self.action_show()

    def on_data_table_row_highlighted(self) -> None:
        """Keep open details with the cursor."""
        if self.entries and not self.query_one("#side").has_class("-hidden"):
            self.action_show()

    @property
    def _table(self) -> "DataTable[Text]":
        table: DataTable[Text] = self.query_one("#entries", DataTable)
        return table

    def _show(self, content: Text) -> None:
        self.query_one("#details", Static).update(content)
        self.query_one("#side").remove_class("-hidden")


def _describe(entry: Entry) -> Text:
    text = Text()
    text.append(f"{entry.kind}  ", style="dim").append(f"{entry.name}\n", style="bold")
    if entry.problem:
        return text.append(entry.problem, style="red")
    text.append(f"{entry.figures}\n")  # the table may have no room for all of it
    width = max((len(name) for name, _ in entry.details), default=0)
    for name, value in entry.details:
        text.append(f"{name:<{width}}  ", style="dim").append(f"{value}\n")
    return text
