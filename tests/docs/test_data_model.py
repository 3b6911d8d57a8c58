"""The page on the data model names the tables, their columns and the ledger's actions."""

import ast
import re
from pathlib import Path

import pytest

from carrel.stores.tables import metadata

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/data-model.md").read_text()
SECTIONS = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def test_every_table_has_a_section() -> None:
    assert set(SECTIONS) == set(metadata.tables)


@pytest.mark.parametrize("name", metadata.tables)
def test_every_column_is_described_in_the_order_of_the_table(name: str) -> None:
    listed = re.findall(r"^\| `(\w+)` \|", SECTIONS[name], re.MULTILINE)
    assert listed == [column.name for column in metadata.tables[name].columns]


@pytest.mark.parametrize("name", metadata.tables)
def test_every_reference_to_another_table_is_named(name: str) -> None:
    for column in metadata.tables[name].columns:
        for key in column.foreign_keys:
            row = re.search(rf"^\| `{column.name}` \| (.*)", SECTIONS[name], re.MULTILINE)
            assert row
            assert f"→ `{key.column.table.name}`" in row[1]


def test_the_ledgers_actions_are_those_that_are_written() -> None:
    actions = SECTIONS["ledger"].partition("Actions:")[2]
    written = {
        node.args[0].value
        for file in (ROOT / "src/carrel").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "noting"
        and isinstance(node.args[0], ast.Constant)
    }
    assert set(re.findall(r"`([\w.]+)`", actions)) == written
