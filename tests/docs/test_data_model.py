"""The page on the data model names the tables, their columns and the ledger's actions."""

import ast
import re
from pathlib import Path

import pytest

from carrel.domain.governance.plans import ActionState
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
        action.value
        for file in (ROOT / "src/carrel").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        for action in _told(node, node.func.attr)
        if isinstance(action, ast.Constant)
    }
    composed = {f"action.{state}" for state in ActionState}
    assert set(re.findall(r"`([\w.]+)`", actions)) == written | composed


def _told(call: ast.Call, name: str) -> list[ast.expr]:
    """Return the action that a call writes into the ledger: `noting` or a session's `append`."""
    if name == "noting":
        return call.args[:1]
    return call.args[2:3] if name == "append" and len(call.args) == 5 else []
