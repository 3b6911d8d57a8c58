"""Whom patterns are about: names by pattern, ids only whole."""

from dataclasses import replace

import pytest

from carrel.domain.fleet.people import Group, Organization, User
from carrel.domain.fleet.templates import Template
from carrel.domain.governance.scopes import KINDS, Names, Scope, any_of, applies, unmatched
from carrel.testing.observations import observation, workspace

ID = "ab7146eb-f9ab-4fee-9af9-5544deab4705"
"""Ids are chance: this one begins with a letter that a name may begin with."""
ONE = replace(
    workspace(name="dev", owner="Tom"),
    workspace_id=ID,
    owner_id=ID,
    template_id=ID,
    template="web",
    organization_id=ID,
    organization="research",
)
SEEN = observation(
    ONE,
    templates={ID: Template(ID, "web", ID)},
    users={ID: User(ID, "Tom", groups=frozenset({ID}))},
    groups={ID: Group(ID, "devs", ID)},
    organizations={ID: Organization(ID, "research")},
)
NAMED = {
    "organizations": "RE*", "groups": "dev?", "templates": "w*", "users": "t*",
    "workspaces": "tom/d*",
}  # fmt: skip


def fits(kind: str, pattern: str) -> bool:
    scope = Scope(**{kind: (pattern,)})
    found = applies(scope, SEEN)(ONE)
    assert any_of(scope, SEEN)(ONE) is found
    assert (unmatched(scope, Names(SEEN).everything(SEEN)) == []) is found
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_a_pattern_fits_names_and_an_id_is_given_whole(kind: str):
    assert fits(kind, NAMED[kind])
    assert fits(kind, ID)
    assert fits(kind, ID.upper())
    assert fits(kind, "*")
    for by_chance in ("a*", "*5", "ab7146eb-*", "????????-????-????-????-????????????"):
        assert not fits(kind, by_chance), by_chance


def test_a_group_that_was_not_seen_is_known_by_its_id():
    unseen = replace(SEEN, groups={})
    assert applies(Scope(groups=(ID,)), unseen)(ONE)
    assert not applies(Scope(groups=("a*",)), unseen)(ONE)
