"""Tables, words and JSON, without any workspace."""

import io
import json
import os
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrel.cli import table, wording
from carrel.cli.output import Output
from carrel.cli.plain import plain
from carrel.cli.style import Style
from carrel.cli.table import Cell, Column
from carrel.system import terminal

COLUMNS = [Column("NAME", shrinks=True), Column("N", right=True), Column("PATH", shrinks=True)]


def lines(rows: list[list[str]], room: int | None) -> list[str]:
    cells = [[Cell(text) for text in row] for row in rows]
    return table.layout(COLUMNS, cells, heading=str, room=room)


def test_columns_line_up() -> None:
    assert lines([["ada", "1", "x"], ["benjamin", "20", "y"]], None) == [
        "NAME       N  PATH",
        "ada        1  x",
        "benjamin  20  y",
    ]


def test_the_widest_gives_way_first_and_shows_that_it_did() -> None:
    row = [["short", "7", "a-very-long-path-that-nobody-can-see-in-full"]]
    shown = lines(row, 30)
    assert max(map(len, shown)) <= 30
    assert "short" in shown[1]
    assert shown[1].endswith("…")
    assert "…" not in lines(row, None)[1]


@given(st.text(max_size=40), st.integers(1, 30))
def test_cut_text_fits(text: str, room: int) -> None:
    assert table.width(table.cut(text, room)) <= room


def test_wide_and_combining_characters_are_measured_as_they_look() -> None:
    assert table.width("日本") == 4
    assert table.width("e\u0301") == 1


@given(st.text())
def test_no_text_reaches_the_terminal_with_control_characters(text: str) -> None:
    shown = wording.shown(text)
    assert shown.isprintable() or not text
    assert wording.shown(shown.encode(errors="surrogateescape").decode()) == shown


def test_broken_bytes_and_newlines_are_named() -> None:
    assert wording.shown(os.fsdecode(b"a\xff\n\x1b[31m")) == "a\\xff\\n\\x1b[31m"
    assert wording.shown("Übung 日") == "Übung 日"


def test_moments_are_in_the_persons_zone_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        at = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
        assert wording.moment(at) == "2026-07-01 08:00:00 EDT"
        assert wording.moment(at.isoformat()) == "2026-07-01 08:00:00 EDT"
        assert wording.moment(at, zone=False) == "07-01 08:00"
        assert wording.zone_name(at) == "EDT"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_counts() -> None:
    assert wording.count(1, "file") == "1 file"
    assert wording.count(2, "file") == "2 files"
    assert wording.count(1200, "story", "stories") == "1,200 stories"


class Colour(StrEnum):
    RED = "red"


@dataclass
class Thing:
    when: datetime
    what: Colour
    pairs: tuple[tuple[str, str], ...]
    long: timedelta


def test_values_become_json() -> None:
    thing = Thing(datetime(2026, 1, 2, tzinfo=UTC), Colour.RED, (("a", "b"),), timedelta(hours=1))
    assert plain(thing) == {
        "when": "2026-01-02T00:00:00+00:00",
        "what": "red",
        "pairs": [["a", "b"]],
        "long": 3600.0,
    }


@given(st.binary(max_size=20))
def test_any_path_survives_json(name: bytes) -> None:
    document = json.dumps(plain({"path": os.fsdecode(name)}))
    document.encode()  # valid UTF-8
    assert os.fsencode(json.loads(document)["path"]) == name


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({}, False),
    ],
)
def test_colours_are_asked_for(
    variables: dict[str, str], wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert terminal.colours(io.StringIO()) is wanted
    assert Style.of(io.StringIO()).red("x") == ("\x1b[31mx\x1b[0m" if wanted else "x")


def test_a_dumb_terminal_gets_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("TERM", "dumb")
    assert not terminal.colours(Terminal())
    monkeypatch.setenv("TERM", "xterm")
    assert terminal.colours(Terminal())


def test_either_a_document_or_lines(capfd: pytest.CaptureFixture[str]) -> None:
    for as_json in (True, False):
        out = Output(as_json=as_json)
        out.document({"a": 1})
        out.line("line")
        out.table([Column("A")], [[Cell("b")]])
    printed = capfd.readouterr().out
    assert re.fullmatch(r'\{\n  "a": 1\n\}\nline\nA\nb\n', printed)
