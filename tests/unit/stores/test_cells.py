"""Texts and moments as they are stored."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrel.errors import FailedError
from carrel.stores.cells import (
    Record,
    as_json,
    json_of,
    moment_of,
    number_of,
    optional_text_of,
    stored,
    text_of,
)

ANY = st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF, categories=None))


@given(ANY | st.just("\\escaped:").flatmap(lambda mark: ANY.map(lambda text: mark + text)))
def test_any_text_comes_back_and_both_databases_can_hold_it(text: str) -> None:
    kept = stored(text)
    kept.encode()
    assert "\0" not in kept
    assert text_of({"x": kept}, "x") == text


@given(ANY, ANY)
def test_different_texts_are_stored_differently(one: str, other: str) -> None:
    assert (stored(one) == stored(other)) == (one == other)


@given(st.binary())
def test_any_file_name_comes_back(name: bytes) -> None:
    text = name.decode(errors="surrogateescape")
    assert text_of({"x": stored(text)}, "x").encode(errors="surrogateescape") == name
    assert json_of({"x": stored(as_json([text]))}, "x") == [text]


@pytest.mark.parametrize("text", ["plain", "back\\slash", "ümlaut 漢字", "/a b/c'd"])
def test_what_a_database_can_hold_is_stored_as_it_is(text: str) -> None:
    assert stored(text) == text


def test_none_stays_none() -> None:
    assert optional_text_of({"x": None}, "x") is None


@pytest.mark.parametrize(
    ("read", "wrong"),
    [(text_of, 1), (number_of, "1"), (moment_of, "yesterday"), (json_of, "{")],
    ids=["text", "number", "moment", "json"],
)
def test_a_cell_that_cannot_be_is_named(
    read: Callable[[Record, str], object], wrong: object
) -> None:
    with pytest.raises(FailedError) as caught:
        read({"x": wrong}, "x")
    assert caught.value.code == "database_damaged"
    assert "x" in caught.value.what


def test_moments_are_utc() -> None:
    moment = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert moment_of({"x": "2026-03-29 01:30:00.000000"}, "x") == moment
    assert moment_of({"x": datetime(2026, 3, 29, 1, 30)}, "x") == moment
