"""The page on policies names every key that a policy reads, and its examples are ones."""

import re
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest

from carrel.domain.governance.verdicts import Policy
from carrel.errors import BadInputError
from carrel.plugins import Catalog
from carrel.policies.expression import FACTS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/policies.md").read_text()
NAMES = sorted(
    one.stem for one in (ROOT / "src/carrel/policies").glob("*.py") if one.stem != "__init__"
)
CATALOG = Catalog("carrel.policies", "POLICY", "unknown_policy")
SCOPE = {"organizations", "groups", "templates", "users", "workspaces"}


class Asked(dict[str, Any]):
    """A table that remembers which keys were asked for."""

    def __init__(self, **content: object) -> None:
        super().__init__(content)
        self.keys_asked: set[str] = set()

    def __contains__(self, key: object) -> bool:
        self.keys_asked.add(str(key))
        return super().__contains__(key)


def policy(name: str) -> Policy:
    return cast("Policy", CATALOG.load(name))


def section(name: str) -> str:
    return PAGE.split(f"\n## {name}\n")[1].split("\n## ")[0]


def named(name: str) -> set[str]:
    return set(re.findall(r"`([a-z_]+)`", section(name)))


@pytest.mark.parametrize("name", NAMES)
def test_every_key_is_on_the_page(name: str):
    whole = Asked()
    policy(name).read(whole)
    rows = re.findall(r"^\| (`.*?`) \|", section(name).split("| fact |")[0], re.MULTILINE)
    assert {key for row in rows for key in re.findall(r"`(\w+)`", row)} == whole.keys_asked - {
        "rule", "vacation", "limit",
    }  # fmt: skip
    assert policy(name).summary.split(",")[0].replace("the backend", "the deployment") in section(
        name
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("table", ["rule", "vacation", "limit", "windows"])
def test_every_key_of_a_rule_is_on_the_page(name: str, table: str):
    whole, one = Asked(), Asked()
    policy(name).read(whole)
    with suppress(BadInputError):  # it says too little, but was asked for everything before
        policy(name).read({table: [one]})
    assert bool(one.keys_asked) == (table in whole.keys_asked)
    assert one.keys_asked - SCOPE <= named(name) | (
        named("quiet_hours") if name == "prune" else set()
    )


def test_every_fact_is_on_the_page_with_its_type():
    rows = re.findall(r"^\| (`.*?`) \| ([A-Z]+) \|", section("expression"), re.MULTILINE)
    told = {name: kind for names, kind in rows for name in re.findall(r"`(\w+)`", names)}
    assert told == {name: kind for name, (kind, _) in FACTS.items()}


def test_examples_can_be_read():
    found = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert found
    for text in found:
        for name, table in tomllib.loads(text)["policy"].items():
            policy(name).read(table)
