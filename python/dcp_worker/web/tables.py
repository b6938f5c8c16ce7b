"""Tables of HTML, which change cell by cell. On narrow screens a row becomes a card: page.css."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from nicegui import ui
from nicegui.element import Element
from nicegui.elements.mixins.text_element import TextElement


@dataclass(frozen=True, slots=True)
class Share:
    """A cell with a bar. ``value``: from 0 to 1, None where it is not known. ``text`` says the same."""

    value: float | None
    text: str


Cell = str | Share
_SHORT: Final = 16
"""Characters of a cell that stay in one line."""

Row = tuple[str, Sequence[Cell]]
"""Its key, and its cells."""


def text(tag: str, content: str, classes: str = "") -> TextElement:
    """An element of HTML with text, which is never taken for HTML itself."""
    element = TextElement(tag=tag, text=content)
    return element.classes(classes) if classes else element


class Table:
    """``label``: its name for those who do not see it. ``empty``: what stands there without rows.

    ``action`` makes what stands at the end of a new row, from the row's key.
    """

    def __init__(
        self, label: str, columns: Sequence[str], empty: str, action: Callable[[str], None] | None = None
    ) -> None:
        self._columns = columns
        self._action = action
        self._rows: dict[str, _Row] = {}
        with ui.element("table").classes("facts") as self._table:
            self._table.props["aria-label"] = label
            with ui.element("thead"), ui.element("tr"):
                for column in columns:
                    text("th", column).props["scope"] = "col"
                if action:
                    text("th", "").props["aria-label"] = "Orders"
            self._body = ui.element("tbody")
        self._empty = text("p", empty, "quiet")

    def show(self, rows: Sequence[Row]) -> None:
        wanted = {key for key, _ in rows}
        for key in self._rows.keys() - wanted:
            self._rows.pop(key).element.delete()
        for key, cells in rows:
            if key in self._rows:
                self._rows[key].show(cells)
            else:
                with self._body:
                    self._rows[key] = _Row(self._columns, cells, key, self._action)
        self._table.set_visibility(bool(rows))
        self._empty.set_visibility(not rows)


class _Row:
    def __init__(
        self, columns: Sequence[str], cells: Sequence[Cell], key: str, action: Callable[[str], None] | None
    ) -> None:
        self._cells = tuple(cells)
        self._shown: list[TextElement] = []
        self._bars: dict[int, Element] = {}
        with ui.element("tr") as self.element:
            for number, (column, cell) in enumerate(zip(columns, cells, strict=True)):
                with ui.element("td") as place:
                    place.props["data-label"] = column
                    if len(_words(cell)) <= _SHORT:
                        place.classes("short")
                    if isinstance(cell, Share):
                        bar = self._bars[number] = ui.element("progress")
                        bar.props["aria-label"] = column
                        _set_bar(bar, cell)
                    self._shown.append(text("span", _words(cell)))
            if action:
                with ui.element("td").classes("orders"):
                    action(key)

    def show(self, cells: Sequence[Cell]) -> None:
        for number, (old, new) in enumerate(zip(self._cells, cells, strict=True)):
            if old != new:
                self._shown[number].text = _words(new)
                if isinstance(new, Share):
                    _set_bar(self._bars[number], new)
        self._cells = tuple(cells)


def _words(cell: Cell) -> str:
    return cell.text if isinstance(cell, Share) else cell


def _set_bar(bar: Element, share: Share) -> None:
    bar.set_visibility(share.value is not None)
    if share.value is not None:
        bar.props["value"] = round(share.value, 3)
        bar.update()
