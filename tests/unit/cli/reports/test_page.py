"""A report as a page: well-formed, whole in itself, readable without eyes, safe with any name."""

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cli.reports.samples import sample

from carrel.cli.reports.page import page

ADDRESS = re.compile(r"(?:https?:|url\(|@import|javascript:)|(?<![\w<])//", re.IGNORECASE)
LEADING = {"src", "href", "srcset", "action", "data", "poster", "formaction", "background"}
HOSTILE = "</title></style><script>alert(1)</script><img src=//evil onerror=x>\"'&\x1b[2J\u202e"


class Reader(HTMLParser):
    """Collects what a browser would see."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def elements(text: str, tag: str) -> Iterator[ET.Element]:
    return ET.fromstring(text).iter(tag)


def words(element: ET.Element) -> str:
    return "".join(element.itertext())


@given(st.text(max_size=60))
def test_a_page_is_well_formed_with_any_name(name):
    text = page(sample(name), "coder.example")
    ET.fromstring(text)
    assert set(Reader(text).tags) == set(Reader(page(sample(), "coder.example")).tags)


def test_a_hostile_name_stays_a_name():
    text = page(replace(sample(HOSTILE), scope=HOSTILE), HOSTILE)
    seen = Reader(text)
    assert "script" not in seen.tags
    assert "img" not in seen.tags
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert r"\x1b[2J\u202e" in words(next(elements(text, "body")))


def test_nothing_is_fetched_from_anywhere():
    text = page(sample(), "coder.example")
    seen = Reader(text)
    assert not {name for name, _ in seen.attributes} & LEADING
    assert not {"link", "script", "iframe", "img", "object"} & set(seen.tags)
    assert ADDRESS.findall(text) == []
    assert "default-src 'none'" in text.replace("&#x27;", "'")


def test_each_chart_has_words_and_a_table_with_the_same_numbers_beside_it():
    text = page(sample(), "coder.example")
    figures = list(elements(text, "figure"))
    assert [words(one.find("figcaption")) for one in figures] == ["By template", "By day"]
    for figure in figures:
        picture = figure.find("svg")
        assert picture.get("role") == "img"
        assert "most at" in picture.get("aria-label")
        drawn = [words(one.find("title")) for one in picture.iter("g")]
        beside = [
            f"{words(row.find('th'))}: {words(row.find('td'))}"
            for row in figure.iter("tr")
            if row.find("td") is not None
        ]
        assert drawn == beside
        assert len(drawn) in {2, 30}


def test_lengths_of_bars_are_in_proportion():
    _, by_day = elements(page(sample(), "x"), "figure")
    heights = [float(one.get("height")) for one in by_day.iter("rect")]
    assert heights == sorted(heights)
    assert abs(heights[29] - 30 * heights[0]) < 2


def test_the_table_has_every_column_and_names_its_rows():
    table = list(elements(page(sample(), "x"), "table"))[-1]
    heads = [words(one) for one in table.find("thead").iter("th")]
    assert heads[:4] == ["Workspace", "State", "Template", "Stops in"]
    assert heads[4].startswith("Last start (")
    assert heads[-1] == "Id"
    first, second = table.find("tbody").iter("tr")
    assert first.find("th").get("scope") == "row"
    assert [words(one) for one in first][1:4] == ["running", "ada/dev", "-1h"]
    assert [words(one) for one in first][5] == "1,234.50"
    assert [words(one) for one in second][3:5] == ["", "unknown"]


def test_summary_time_and_limits_are_told():
    text = page(sample(), "coder.example")
    told = words(next(elements(text, "body")))
    assert "coder.example" in told
    assert "Mean1h" in told
    assert "Nobody saw ada/dev. Look again." in told


def test_it_follows_the_readers_light_and_prints():
    style = words(next(elements(page(sample(), "x"), "style")))
    assert "prefers-color-scheme: dark" in style
    assert "@media print" in style


def test_a_report_without_rows_says_so():
    text = page(sample(rows=(), charts=(), notes=(), facts=(), nothing="Nobody <was> there."), "x")
    assert "Nobody <was> there." in words(next(elements(text, "main")))


def test_rows_that_were_left_out_are_counted():
    cut = sample()
    text = page(type(cut)(**{**{name: getattr(cut, name) for name in cut.__slots__},
                             "rows": cut.rows[:1]}), "x")  # fmt: skip
    assert "1 row of 2" in text
