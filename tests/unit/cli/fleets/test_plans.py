"""Plans on the command line: made, shown, applied, taken back, frozen, kept."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from tests.unit.cli.fleets.rehearsal import NIGHT, Rehearsal

from carrel.cli.fleets.answers import ANSWERS
from carrel.simulators.coder.model.history import Licence

Cli = Callable[..., Any]


@pytest.fixture
def ask(cli: Cli) -> Callable[..., dict[str, Any]]:
    """Ask for a document and compare its fields with those that are promised."""

    def call(name: str, *rest: str, expect: int = 0) -> dict[str, Any]:
        document: dict[str, Any] = cli(*name.split(), "--json", *rest, expect=expect).json
        assert set(document) == set(ANSWERS[name].split()), name
        return document

    return call


Ask = Callable[..., dict[str, Any]]


def stopped(run: dict[str, Any]) -> set[str]:
    return {one["workspace"] for one in run["report"]["progress"] if one["state"] == "done"}


def held(plan: dict[str, Any]) -> set[str]:
    return {one["workspace"] for one in plan["plan"]["held_back"]}


def test_a_night_is_governed_shown_and_taken_back(
    cli: Cli, ask: Ask, deployment: Rehearsal
) -> None:
    evening = deployment.on()
    rehearsed = ask("govern", "--dry-run")
    assert rehearsed["report"] is None
    assert deployment.on() == evening
    (kept,) = ask("plan ls")["plans"]
    assert kept["plan_id"] == rehearsed["plan"]["plan_id"]
    assert ask("govern", "--dry-run")["plan"] == rehearsed["plan"]  # it is kept once

    run = ask("govern", "--once")
    wanted = {one["workspace"] for one in rehearsed["plan"]["actions"]}
    assert stopped(run) == wanted
    assert wanted
    assert not wanted & deployment.on()
    again = ask("govern", "--dry-run")  # people go on: what they started meanwhile is another
    assert {one["workspace"] for one in again["plan"]["actions"]} <= deployment.on()

    line = ask("plan ls")["plans"][-1]
    assert (line["plan_id"], line["purpose"], line["over"]) == (kept["plan_id"], "govern", True)
    shown = ask("plan show", line["plan_id"][:6])
    assert {one["state"] for one in shown["progress"]} == {"done"}
    assert all(one["reason"] for one in shown["plan"]["actions"])

    before = {one["plan_id"] for one in ask("plan ls")["plans"]}
    back = ask("plan undo", line["plan_id"], "--dry-run")
    assert {one["deed"] for one in back["plan"]["actions"]} <= {"start", "resume", "set_deadline"}
    assert not wanted & deployment.on()
    assert stopped(ask("plan undo", line["plan_id"])) == wanted - held(back)
    assert wanted <= deployment.on()
    (newer,) = [one for one in ask("plan ls")["plans"] if one["plan_id"] not in before]
    assert newer["undoes"] == line["plan_id"]
    cli("ledger", "verify")
    told = cli("ledger", "--last", "0").out
    assert "plan.made" in told
    assert "action.done" in told


@pytest.mark.parametrize("name", ["quiet-hours run", "prune --all --cleanup --dry-run"])
def test_just_the_plan_that_was_shown_can_be_applied(
    cli: Cli, deployment: Rehearsal, name: str
) -> None:
    evening = deployment.on()
    shown = cli(*name.split(), "--json").json["plan"]
    assert deployment.on() == evening
    applied = cli("plan", "apply", shown["plan_id"], "--json").json
    assert applied["plan"] == shown
    assert stopped(applied) == {one["workspace"] for one in shown["actions"]}
    assert stopped(applied).isdisjoint(deployment.on())


def test_the_ledger_tells_of_a_workspace_by_its_name(cli: Cli, deployment: Rehearsal) -> None:
    name = min(stopped(cli("govern", "--json").json))
    events = cli("ledger", "--subject", name, "--last", "0", "--json").json["events"]
    assert [one["action"] for one in events] == ["action.sent", "action.following", "action.done"]
    assert all(one["data"]["workspace"] == name for one in events)
    told = cli("ledger", "--subject", name).out
    assert name in told
    assert "stop by quiet_hours: Its quiet hours" in told
    assert "note=" not in told
    assert cli("ledger", "--subject", "nobody/nothing", "--json").json["events"] == []


def test_what_a_person_reads_names_the_reason_once_and_the_way_back(
    cli: Cli, deployment: Rehearsal
) -> None:
    told = cli("govern").out
    assert re.search(r"quiet_hours: Its quiet hours .* began at", told)
    plan = re.search(r"carrel plan undo (\w+)", told)
    assert plan
    listed = cli("plan", "ls").out
    assert plan[1] in listed
    assert "done" in listed
    assert "✓ stop" in told
    assert "carrel plan undo" in cli("plan", "undo", plan[1]).out
    undone = cli("plan", "undo", plan[1], "--dry-run").out
    assert "There is nothing to do" in undone
    assert "Left as it is" in undone
    assert "policy would act" not in undone


def test_a_plan_is_applied_again_without_doing_anything_twice(
    cli: Cli, ask: Ask, deployment: Rehearsal
) -> None:
    plan = ask("govern")["plan"]["plan_id"]
    asked = sum(deployment.dispatcher.served.values())
    report = ask("plan apply", plan)["report"]
    assert report["end"] == "over"
    builds = [path for path in deployment.dispatcher.served if path.endswith("/builds")]
    assert all(deployment.dispatcher.served[path] == 1 for path in builds)
    assert sum(deployment.dispatcher.served.values()) - asked < 20
    assert "Nothing was done" in cli("plan", "apply", plan, "--dry-run").out


def test_unknown_plans_are_told(cli: Cli, deployment: Rehearsal) -> None:
    assert cli("plan", "show", "abc", "--json", expect=5).error["code"] == "unknown_plan"
    assert cli("plan", "apply", "", "--json", expect=5).error["code"] == "unknown_plan"
    assert cli("plan", "ls", "--last", "-1", "--json", expect=2).error["code"] == "bad_number"
    assert "No plan was made yet" in cli("plan", "ls").out


class Postbox(ThreadingHTTPServer):
    """Takes letters at any path but `/broken`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Letter)
        self.letters: list[dict[str, str]] = []

    def route(self, path: str) -> str:
        """Return settings by which letters go to a path here."""
        address = f"json://127.0.0.1:{self.server_address[1]}/{path}"
        head = "[notifications]\nenabled = true\nlead_minutes = 10\n[notifications.routes]\n"
        return f'{NIGHT}\n{head}"*/*" = "{address}"\n'


class Letter(BaseHTTPRequestHandler):
    server: Postbox

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["content-length"])))
        broken = self.path == "/broken"
        if not broken:
            self.server.letters.append(content)
        self.send_response(500 if broken else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    with Postbox() as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # by a library that Apprise brings
def test_a_stop_waits_until_its_owner_was_told(
    cli: Cli, ask: Ask, deployment: Rehearsal, postbox: Postbox
) -> None:
    deployment.settings(postbox.route("broken"))
    unheard = ask("govern")
    wanted = {one["workspace"] for one in unheard["plan"]["actions"]}
    assert {one["delivery"] for one in unheard["warned"]} == {"failed"}
    assert all(one["why"] for one in unheard["warned"])
    assert (unheard["report"]["end"], stopped(unheard)) == ("waiting", set())
    assert "could not be told" in cli("govern").out
    (noted, *_) = [
        event["data"]
        for event in cli("ledger", "--last", "0", "--json").json["events"]
        if event["action"] == "plan.warned"
    ]
    assert noted["failed"] == len(wanted)

    deployment.settings(postbox.route("owners"))
    heard = ask("govern")
    assert {one["delivery"] for one in heard["warned"]} == {"sent"}
    assert stopped(heard) == set()  # they have ten minutes
    people = {one["workspace"].partition("/")[0] for one in heard["plan"]["actions"]}
    assert len(postbox.letters) == len(people)
    assert all("carrel snooze" in one["message"] for one in postbox.letters)
    deployment.advance(timedelta(minutes=11))
    assert stopped(ask("govern")) & wanted
    assert len(postbox.letters) == len(people)  # nobody is told twice


def test_a_freeze_holds_everything_but_looking_and_undo(
    cli: Cli, ask: Ask, deployment: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = deployment.on()
    plan = ask("govern")["plan"]["plan_id"]
    deployment.settings("[policy.nonsense]\n")  # a freeze needs no valid policy
    monkeypatch.setenv("CODER_SESSION_TOKEN", "")
    frozen = ask("freeze", "--reason", "release night")
    assert ask("freeze")["reason"] == "release night"  # the first one counts
    monkeypatch.setenv("CODER_SESSION_TOKEN", deployment.token)
    deployment.settings(NIGHT)

    for name, *rest in (["govern"], ["plan apply", plan], ["fleet emergency-stop", "--yes"]):
        said = cli(*name.split(), *rest, "--json", expect=6)
        assert said.error["code"] == "frozen"
        assert "release night" in said.error["message"]
    assert ask("fleet check")["frozen"]
    assert "frozen by" in cli("fleet", "check").out
    assert ask("govern", "--dry-run")["report"] is None
    ask("plan undo", plan)
    assert deployment.on() == before

    assert ask("unfreeze")["freeze"] == frozen
    assert ask("unfreeze") == {"was_frozen": False, "freeze": None}
    assert ask("govern")["report"]["end"] == "over"


def test_a_lease_keeps_a_workspace_and_is_capped(cli: Cli, ask: Ask, deployment: Rehearsal) -> None:
    name = ask("govern", "--dry-run")["plan"]["actions"][0]["workspace"]
    made = ask("snooze", name, "--for", "2h", "--reason", "training")["made"]
    assert (made["workspace"], made["reason"]) == (name, "training")
    assert [one["keep_id"] for one in ask("snooze")["leases"]] == [made["keep_id"]]
    explained = ask("policy explain", name)
    assert (explained["decision"], explained["winner"]) == ("keep", "keep_alive")
    assert name not in stopped(ask("govern"))
    assert name in deployment.on()

    too_long = cli("snooze", name, "--for", "400d", "--reason", "x", "--json", expect=4)
    assert too_long.error["code"] == "keep_alive_too_long"
    assert cli("snooze", name, "--for", "soon", "--json", expect=2).error["code"] == "bad_duration"
    assert ask("snooze", "--end", made["keep_id"])["leases"] == []
    assert cli("snooze", "--end", "keep-0", "--json", expect=5).error["code"] == "unknown_keep"
    assert name in stopped(ask("govern"))


def test_an_emergency_stop_wants_a_yes_and_spares_what_is_excluded(
    cli: Cli, ask: Ask, deployment: Rehearsal
) -> None:
    spared = min(deployment.on())
    deployment.settings(f'[policy.exclusions]\nworkspaces = ["{spared}"]\n')
    refused = cli("fleet", "emergency-stop", "--json", expect=2)
    assert refused.error["code"] == "not_confirmed"
    rehearsed = ask("fleet emergency-stop", "--dry-run")
    assert rehearsed["plan"]["actions"][0]["deed"] == "pause_prebuilds"
    assert deployment.on() > {spared}
    ask("fleet emergency-stop", "--yes", "--reason", "the bill")
    assert deployment.on() == {spared}
    ask("fleet emergency-stop", "--yes", "--include-excluded")
    assert deployment.on() == set()


@pytest.mark.parametrize("licence", [Licence.NONE, Licence.AGPL])
def test_an_emergency_stop_needs_no_licence(
    ask: Ask, deployment: Rehearsal, licence: Licence
) -> None:
    deployment.world.setup.licence = licence
    ask("fleet emergency-stop", "--yes")
    assert deployment.on() == set()


def test_an_emergency_stop_can_be_switched_off_but_not_the_freeze(
    cli: Cli, ask: Ask, deployment: Rehearsal
) -> None:
    deployment.settings(f"{NIGHT}\n[safety]\nemergency_stop_enabled = false\n")
    said = cli("fleet", "emergency-stop", "--yes", "--json", expect=6)
    assert said.error["code"] == "emergency_stop_disabled"
    ask("freeze")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["govern", "--once", "--watch"], "usage"),
        (["govern", "--watch", "--dry-run"], "usage"),
        (["govern", "--watch", "--interval", "never"], "bad_duration"),
        (["snooze", "ann/dev", "--end", "keep-1"], "usage"),
        (["snooze", "--for", "3h"], "usage"),
    ],
)
def test_what_makes_no_sense_is_refused(
    words: list[str], code: str, cli: Cli, deployment: Rehearsal
) -> None:
    said = cli(*words, "--json", expect=2)
    assert json.loads(said.err)["error"]["code"] == code
    assert deployment.on()


def test_what_slept_for_long_is_deleted_by_a_plan_of_its_own(
    cli: Cli, ask: Ask, deployment: Rehearsal
) -> None:
    deployment.settings("[policy.dormancy]\ndelete_after_days = 2\n")
    with deployment.lock:
        space = next(one for one in deployment.world.alive() if not one.running)
        space.dormant_at = deployment.world.now - timedelta(days=3)
        space.deleting_at = None
    name = f"{deployment.world.people[space.owner_id].username}/{space.name}"
    assert name in str(ask("plan delete", "--dry-run")["plan"]["actions"])
    assert ask("plan ls") == {"plans": []}
    assert not [one for one in ask("govern")["plan"]["actions"] if one["deed"] == "delete"]

    made = ask("plan delete")["plan"]
    assert name in {one["workspace"] for one in made["actions"]}
    assert {one["deed"] for one in made["actions"]} == {"delete"}
    assert space in deployment.world.alive()  # it is only kept
    assert f"carrel plan apply {made['plan_id']}" in cli("plan", "delete").out
    assert name in stopped(ask("plan apply", made["plan_id"]))
    with deployment.lock:
        assert space not in deployment.world.alive()
    again = cli("plan", "apply", made["plan_id"]).out
    assert "done" in again
    assert "plan undo" not in again  # a deletion can't be taken back


def test_templates_that_the_deployment_looks_after_are_left_to_it(
    cli: Cli, deployment: Rehearsal
) -> None:
    deployment.settings("[policy.dormancy]\nunused_days = 1\n")
    found = cli("policy", "check", "--json").json["findings"]
    left = {one["rule"] for one in found if "left to the backend" in one["message"]}
    assert left == {"web-light", "agent-tasks"}
    slept = cli("govern", "--dry-run", "--json").json["plan"]["actions"]
    assert slept
    report = cli("fleet", "ls", "--all", "--json").json["workspaces"]
    template = {one["workspace"]: one["template"] for one in report}
    assert not left & {template[one["workspace"]] for one in slept}
