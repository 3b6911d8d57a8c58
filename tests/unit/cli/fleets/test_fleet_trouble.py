"""Bad input and bad luck on a whole fleet: a clear error with its cure, and nothing is done."""

import http.server
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.unit.cli.conftest import Said
from tests.unit.cli.fleets.rehearsal import NIGHT, Rehearsal

from carrel.simulators.coder.peopling.population import issue
from carrel.simulators.coder.serving.faults import Fault, Kind

Cli = Callable[..., Said]
Refused = Callable[[list[str], str, int], Said]

ACTING = [
    ["govern", "--once"],
    ["quiet-hours", "run", "--execute"],
    ["autostop", "run"],
    ["prune", "--all", "--cleanup"],
    ["fleet", "emergency-stop", "--yes"],
]
"""Commands that would stop somebody, if they could."""


@pytest.fixture
def refused(cli: Cli, deployment: Rehearsal) -> Iterator[Refused]:
    """Run a command that must fail, and prove that it has done nothing."""
    before = deployment.on()

    def run(words: list[str], code: str, expect: int) -> Said:
        said = cli(*words, "--json", expect=expect)
        assert said.out == ""
        assert said.error["code"] == code, said.error
        assert len(said.error["message"]) > 20
        assert len(said.error["cure"]) > 10
        return said

    yield run
    assert deployment.on() == before
    assert deployment.history(by="admin") == []


class _NoCoder(http.server.BaseHTTPRequestHandler):
    """Some other web site."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>Welcome to the shop.</html>")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base
        """Say nothing."""


@pytest.fixture
def shop() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _NoCoder) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("words", ACTING)
@pytest.mark.parametrize("url", ["ftp://coder.example.com", "coder", "http://", ""])
def test_a_wrong_address(
    words: list[str], url: str, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODER_URL", url)
    refused(words, "bad_coder_url", 2)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("words", ACTING)
def test_nobody_answers(
    words: list[str], refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODER_URL", "http://127.0.0.1:1")
    refused(words, "fleet_unreachable", 1)


@pytest.mark.parametrize("words", ACTING)
def test_something_else_answers(
    words: list[str], shop: str, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODER_URL", shop)
    refused(words, "fleet_answer_unknown", 1)


@pytest.mark.parametrize("words", ACTING)
@pytest.mark.parametrize("kind", ["expired", "unknown"])
def test_a_token_that_counts_no_more(
    words: list[str],
    kind: str,
    deployment: Rehearsal,
    refused: Refused,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secret = "abcdefghij-0123456789abcdefghijkl"
    if kind == "expired":
        admin = deployment.world.person("admin")
        secret = issue(deployment.world, admin, "old", timedelta(seconds=-1)).secret
    monkeypatch.setenv("CODER_SESSION_TOKEN", secret)
    said = refused(words, "token_refused", 1)
    assert secret not in said.err


def test_no_token(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CODER_SESSION_TOKEN")
    for words in ACTING:
        refused(words, "no_coder_token", 2)


def test_a_token_that_may_not_stop_ends_the_run_and_each_refusal_is_told(
    cli: Cli, deployment: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    weak = deployment.token_of("admin", denied=frozenset({"workspace:stop"}))
    monkeypatch.setenv("CODER_SESSION_TOKEN", weak)
    assert "may not stop" in cli("fleet", "check").out
    report = cli("govern", "--once", "--json", expect=1).json["report"]
    failed = [one for one in report["progress"] if one["state"] == "failed"]
    assert failed
    assert all("Use a token of a user" in one["note"] for one in failed)
    paused = {job.reason for job in deployment.history(by="admin")}
    assert paused <= {"task_manual_pause"}


@pytest.mark.parametrize(
    ("denied", "rule"),
    [
        ("group:read", 'excluded_groups = ["platform"]'),
        ("connection_log:read", "spare_active = true"),
        ("user:read", "native = true"),
    ],
)
def test_what_a_token_may_not_see_keeps_those_that_it_is_about(
    denied: str,
    rule: str,
    cli: Cli,
    deployment: Rehearsal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deployment.settings(NIGHT.replace("native = false", rule))
    before = deployment.on()
    weak = deployment.token_of("admin", denied=frozenset({denied}))
    monkeypatch.setenv("CODER_SESSION_TOKEN", weak)
    cli("govern", "--once", "--json", expect=None)
    assert deployment.on() == before
    assert deployment.history(by="admin") == []


BROKEN = {
    "bad_toml": ("[policy.quiet_hours\nstart =", "bad_settings_file"),
    "unknown_policy": ("[policy.siesta]\n", "unknown_policy"),
    "unknown_key": ('[policy.quiet_hours]\nbegin = "18:00"\n', "bad_policy"),
    "unknown_zone": ('[policy.quiet_hours]\ntimezone = "Europe/Atlantis"\n', "bad_policy"),
    "no_such_hour": ('[policy.quiet_hours]\nstart = "25:00"\nend = "06:00"\n', "bad_policy"),
    "half_a_window": ('[policy.quiet_hours]\nstart = "18:00"\n', "bad_policy"),
    "no_such_day": (
        '[policy.quiet_hours]\nstart = "18:00"\nend = "06:00"\ndays = ["mo", "yesterday"]\n',
        "bad_policy",
    ),
    "no_such_date": ('[policy.quiet_hours]\nholidays = ["2026-02-30"]\n', "bad_policy"),
    "wrong_type": ("[policy.quiet_hours]\ngrace_minutes = true\n", "bad_policy"),
    "negative": ("[policy.quiet_hours]\ngrace_minutes = -5\n", "bad_policy"),
    "bad_expression": ('[[policy.expression.rule]]\nwhen = "workspace."\n', "bad_policy"),
    "bad_limit": ("[safety]\nmax_percent = -1\n", "bad_setting"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_of_settings_that_is_wrong(
    name: str, deployment: Rehearsal, refused: Refused
) -> None:
    text, code = BROKEN[name]
    deployment.settings(text)
    for words in ACTING:
        said = refused(words, code, 2)
        assert "carrel.toml" in said.error["message"] + said.error["cure"]


def test_an_unknown_zone_as_an_option(refused: Refused) -> None:
    refused(["quiet-hours", "run", "--execute", "--timezone", "Mars/Olympus"], "bad_policy", 2)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("words", ACTING)
@pytest.mark.parametrize("kind", [Kind.TRUNCATED, Kind.RESET])
def test_answers_that_break(
    words: list[str], kind: Kind, deployment: Rehearsal, refused: Refused
) -> None:
    deployment.fault(Fault(kind, method="GET", path="^/workspaces$"))
    refused(words, "fleet_unreachable", 1)


def test_a_file_of_another_tool_that_is_no_json(tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "agents_config.json").write_text('{"quiet_hours": ')
    refused(["config", "import", str(tmp_path / "agents_config.json")], "bad_import", 2)


def test_without_a_licence_the_windows_of_the_file_count_and_that_is_said(
    cli: Cli, unlicensed: Rehearsal
) -> None:
    unlicensed.settings(NIGHT.replace("native = false", "native = true"))
    windows = cli("quiet-hours", "status", "--json").json["windows"]
    assert windows["source"] != "native"
    assert "carrel.toml" in windows["told"]


def test_a_run_that_broke_off_names_no_way_on_that_leads_nowhere(
    cli: Cli, deployment: Rehearsal
) -> None:
    deployment.settings(f"{NIGHT}[safety]\nmax_failures = 1\nmax_percent = 100\n")
    deployment.fault(Fault(Kind.STATUS, method="POST", path="/builds$", status=403))
    said = cli("govern", "--once", expect=1).out
    assert "The deployment answers 403" in said
    assert "safety.max_failures" in said
    assert "plan apply" not in said
    assert "for a new plan" in said
