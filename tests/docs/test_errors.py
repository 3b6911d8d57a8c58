"""The list of errors is complete and true."""

import ast
import re
from pathlib import Path

import pytest

from carrel import errors

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/errors.md").read_text()
SOURCES = {file: ast.parse(file.read_text()) for file in (ROOT / "src").rglob("*.py")}
CLASSES = {
    name: made
    for name, made in vars(errors).items()
    if isinstance(made, type) and issubclass(made, errors.CarrelError)
}
AS_EXIT = {"unexpected": 1, "usage": 2}
"""Told by the command line itself."""


def listed() -> dict[str, int]:
    """Return each code of the page with the exit code of its section."""
    found: dict[str, int] = {}
    for number, section in re.findall(
        r"^## (\d): .*?\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL
    ):
        for code in re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE):
            assert code not in found, f"{code} is listed twice"
            found[code] = int(number)
    return found


def raised() -> dict[str, set[int]]:
    """Return each code that stands in a call of an error class, with its exit codes."""
    found: dict[str, set[int]] = {}
    for tree in SOURCES.values():
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(code)), *_]):
                    if name in CLASSES:
                        exit_code = AS_EXIT.get(code, CLASSES[name].exit_code)
                        found.setdefault(code, set()).add(exit_code)
    return found


def literals() -> set[str]:
    return {
        node.value
        for tree in SOURCES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_every_code_that_can_be_raised_is_listed_with_its_exit_code() -> None:
    page = listed()
    wrong = {
        code: (exits, page.get(code))
        for code, exits in raised().items()
        if exits != {page.get(code)}
    }
    assert wrong == {}, "(raised with, listed with)"


COMPOSED = {"unknown_driver", "unknown_project", "unknown_workspace"}
"""Put together from two parts where they are raised."""


def test_every_listed_code_can_be_raised() -> None:
    assert set(listed()) - literals() - COMPOSED == set()


@pytest.mark.parametrize("name", [name for name in CLASSES if name != "CarrelError"])
def test_the_table_of_exit_codes_fits_the_classes(name: str) -> None:
    assert re.search(rf"^\| {CLASSES[name].exit_code} \| `{name}` \|", PAGE, re.MULTILINE)
