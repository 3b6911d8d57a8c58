"""`carrel fleet ls`, `audit` and the other reports against a simulated deployment."""

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from tests.unit.cli.fleets.rehearsal import Rehearsal

from carrel import bootstrap
from carrel.cli.fleets.answers import ANSWERS
from carrel.cli.reports.verbs import VERBS

Cli = Callable[..., Any]
NAMES = [verb.name for verb in VERBS]


def asked(cli: Cli, name: str, *options: str) -> dict[str, Any]:
    return dict(cli("fleet", name, "--json", *options).json)


def listed(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a report, whatever they are."""
    key = ({"workspaces", "users", "sessions", "organizations"} & set(document)).pop()
    return list(document[key])


@pytest.mark.parametrize("name", NAMES)
def test_a_report_has_the_same_rows_in_every_shape(
    name: str, cli: Cli, deployment: Rehearsal, tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    document = asked(cli, name, "--all", "--html", str(file))
    rows = listed(document)
    assert set(document) == set(ANSWERS[f"fleet {name}"].split())
    assert (document["report"], document["total"]) == (name, len(rows))
    lines = list(csv.reader(io.StringIO(cli("fleet", name, "--all", "--csv").out, newline="")))
    assert len(lines) == len(rows) + 1
    if rows:
        assert lines[0] == list(rows[0])
    page = ET.fromstring(file.read_text())
    last = list(page.iter("table"))[-1] if rows else None
    assert len(list(last.iter("tr")) if last is not None else [0]) == len(rows) + 1
    assert cli("fleet", name, "--all").out


def test_an_audit_tells_owner_template_ttl_stop_and_last_start(
    cli: Cli, deployment: Rehearsal
) -> None:
    rows = listed(asked(cli, "audit"))
    assert {row["workspace"] for row in rows} >= deployment.on()
    for row in rows:
        space = deployment.space(row["workspace"]) if row["owner"] != "prebuilds" else None
        if space is None:
            continue
        ttl = space.ttl.total_seconds() if space.ttl else None
        assert (row["ttl"], row["last_start"] is not None) == (ttl, True)
        due = space.latest.clock.deadline
        assert (row["until_stop"] is None) == (due is None)
    assert len(listed(asked(cli, "audit", "--all"))) > len(rows)


def test_filters_choose_by_organization_group_user_and_template(
    cli: Cli, deployment: Rehearsal
) -> None:
    every = listed(asked(cli, "ls", "--all"))
    one = every[0]
    mine = listed(asked(cli, "ls", "--all", "--user", one["owner"]))
    assert mine == [row for row in every if row["owner"] == one["owner"]]
    both = listed(asked(cli, "ls", "-a", "--org", one["organization"], "--template", "ubuntu-*"))
    assert both == [
        row
        for row in every
        if row["organization"] == one["organization"] and row["template"].startswith("ubuntu-")
    ]
    group = next(
        iter(listed(asked(cli, "last-seen", "--user", one["owner"]))[0]["groups"].split(", "))
    )
    assert one in listed(asked(cli, "ls", "--all", "--group", group))


def test_a_filter_that_fits_nothing_says_so(cli: Cli, deployment: Rehearsal) -> None:
    found = asked(cli, "ls", "--user", "nobody")
    assert listed(found) == []
    assert "users: nobody" in found["notes"][0]["what"]
    assert "! Nothing fits" in cli("fleet", "ls", "--user", "nobody", "--csv").err


def test_rows_are_sorted_and_cut_and_the_rest_is_counted(cli: Cli, deployment: Rehearsal) -> None:
    found = asked(cli, "last-seen", "--sort", "-workspaces", "--limit", "3")
    counts = [row["workspaces"] for row in listed(found)]
    assert counts == sorted(counts, reverse=True)
    assert len(counts) == 3 < found["total"]
    assert "more." in cli("fleet", "last-seen", "--limit", "3").out


def test_connections_and_sessions_tell_the_same_people(cli: Cli, deployment: Rehearsal) -> None:
    since = ("--since", "2026-03-01", "--until", "2026-03-31")
    people = {row["user"] for row in listed(asked(cli, "connections", *since))}
    assert people
    assert people == {row["user"] for row in listed(asked(cli, "sessions", *since))}
    assert people == {row["user"] for row in listed(asked(cli, "activity", *since))}
    early = ("--since", "2026-01-01", "--until", "2026-01-02")
    assert listed(asked(cli, "connections", *early)) == []


def test_without_a_licence_the_hours_are_the_deployments_own_and_it_says_so(
    cli: Cli, unlicensed: Rehearsal
) -> None:
    found = asked(cli, "activity", "--all")
    assert listed(found)
    assert {row["sessions"] for row in listed(found)} == {None}
    said = " ".join(note["what"] for note in found["notes"])
    assert "Connections can't be seen." in said
    assert "own count" in said
    assert asked(cli, "sessions")["notes"]


def test_money_needs_a_price_book_and_credits_never_become_money(
    cli: Cli, deployment: Rehearsal
) -> None:
    plain = asked(cli, "cost", "--all")
    assert {row["money"] for row in listed(plain)} == {None}
    deployment.settings(
        '[policy.budget]\ncurrency = "EUR"\n[policy.budget.prices]\nubuntu-dev = 0.5\n'
    )
    priced = asked(cli, "cost", "--all")
    rows = [row for row in listed(priced) if row["template"] == "ubuntu-dev"]
    assert rows
    assert all(row["money"] == pytest.approx(row["hours"] * 0.5, abs=0.01) for row in rows)
    assert priced["summary"]["credits_per_day"] == plain["summary"]["credits_per_day"]
    told = cli("fleet", "cost").out
    assert "MONEY (EUR)" in told
    assert "$" not in told


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--sort", "colour"), "bad_sort"),
        (("--limit", "-1"), "bad_number"),
        (("--since", "yesterdayish"), "bad_moment"),
        (("--since", "2999-01-01"), "bad_time_span"),
        (("--until", "2026-01-01", "--since", "2026-02-01"), "bad_time_span"),
        (("--csv",), "bad_options"),
    ],
)
def test_what_can_not_be_told_is_refused(
    options: tuple[str, ...], code: str, cli: Cli, deployment: Rehearsal
) -> None:
    failed = cli("fleet", "activity", "--json", *options, expect=2)
    assert failed.error["code"] == code
    assert failed.error["cure"]


def test_a_file_of_yours_is_never_overwritten(
    cli: Cli, deployment: Rehearsal, tmp_path: Path
) -> None:
    mine = tmp_path / "thesis.html"
    mine.write_text("mine")
    failed = cli("fleet", "ls", "--html", str(mine), "--json", expect=6)
    assert failed.error["code"] == "not_a_report"
    assert mine.read_text() == "mine"


def test_a_report_of_a_page_says_where_it_is(
    cli: Cli, deployment: Rehearsal, tmp_path: Path
) -> None:
    told = cli("fleet", "dormant", "--html", "dormant.html").out
    assert "dormant.html" in told
    assert deployment.token not in (tmp_path / "dormant.html").read_text()
    assert json.dumps(deployment.token) not in told


def test_what_was_deleted_is_told_with_when_and_by_whom(cli: Cli, deployment: Rehearsal) -> None:
    cli("fleet", "ls")
    ctx = bootstrap.open_fleet(bootstrap.settings())
    victim = next(one for one in ctx.fleet.observe().workspaces if one.running)
    ctx.fleet.delete(victim)
    deployment.advance(timedelta(hours=2))
    ctx.close()
    (row,) = listed(asked(cli, "deleted"))
    assert (row["workspace"], row["workspace_id"]) == (victim.full_name, victim.workspace_id)
    assert row["by"] == "admin"
    assert row["lived"] > 0
    assert listed(asked(cli, "deleted", "--user", "nobody")) == []
    cost = {one["workspace"]: one for one in listed(asked(cli, "cost", "--since", "30d", "--all"))}
    assert cost[victim.full_name]["state"] == "deleted"


def test_a_report_says_what_it_was_narrowed_to(
    cli: Cli, deployment: Rehearsal, tmp_path: Path
) -> None:
    told = cli("fleet", "ls", "--user", "a*", "--html", "a.html").out
    assert "Only users a*" in told
    assert "<p>Only users a*</p>" in (tmp_path / "a.html").read_text()
    assert "Only" not in cli("fleet", "ls").out
