"""What goes wrong on purpose, and the limit on requests."""

import json
from datetime import UTC, datetime

import httpx2
import pytest

from carrel.errors import BadInputError
from carrel.simulators.coder.peopling.population import Population
from carrel.simulators.coder.serving.faults import Fault, Faults, Kind, parse
from carrel.simulators.coder.simulator import Simulator


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("kind", [Kind.DROP, Kind.RESET, Kind.STATUS])
def test_a_request_fails_before_or_after_its_effect(api, simulator, running, kind, after):
    simulator.fault(Fault(kind, count=1, method="POST", after=after, status=504))
    try:
        status = api.build(running, "stop").status_code
    except httpx2.TransportError:
        status = 504
    assert status == 504
    assert [str(job.transition) for job in simulator.history(by="admin")] == ["stop"] * after
    assert api.build(running, "stop").status_code == (409 if after else 201)


def test_no_answer_comes_until_the_client_gives_up(api, simulator):
    simulator.fault(Fault(Kind.HANG, count=1))
    with pytest.raises(httpx2.ReadTimeout):
        api.client.get("buildinfo", timeout=0.05)
    assert api.get("buildinfo").status_code == 200


def test_an_answer_ends_in_the_middle(api, simulator):
    simulator.fault(Fault(Kind.TRUNCATED, count=1, path="^/workspaces$"))
    with pytest.raises((httpx2.TransportError, json.JSONDecodeError)):
        api.get("workspaces").json()
    assert api.get("workspaces").json()["workspaces"]


def test_somebody_else_asks_for_a_build_first(api, simulator, running):
    simulator.fault(Fault(Kind.RACE, count=1, method="POST"))
    assert api.build(running, "stop").status_code == 409
    assert running.latest.initiator_id == running.owner_id


def test_too_many_requests_are_told_when_to_come_back():
    class Real:
        def now(self) -> datetime:
            return datetime(2026, 1, 1, 12, 0, 45, tzinfo=UTC)

        def wait(self, seconds: float) -> None:
            raise AssertionError(seconds)

    simulator = Simulator(Population(workspaces=5), rate_limit=3, real=Real())
    headers = {"Coder-Session-Token": simulator.token}
    with (
        simulator.serving(),
        httpx2.Client(base_url=simulator.url, headers=headers, verify=False) as client,
    ):
        answers = [client.get("/api/v2/users/me") for _ in range(4)]
        assert [one.status_code for one in answers] == [200, 200, 200, 429]
        assert answers[3].headers["Retry-After"] == "15"
        assert client.get("/api/v2/workspaces").status_code == 200
        bypass = {"X-Coder-Bypass-Ratelimit": "true"}
        assert client.get("/api/v2/users/me", headers=bypass).status_code == 200
        auditor = {**bypass, "Coder-Session-Token": simulator.token_of("auditor")}
        assert client.get("/api/v2/users/me", headers=auditor).status_code == 428


def test_a_restart_ends_connections_and_forgets_nothing(api, simulator, running):
    api.build(running, "stop")
    simulator.restart(refused=2)
    for _ in range(2):
        with pytest.raises(httpx2.TransportError):
            api.get("buildinfo")
    assert api.see(running)["latest_build"]["transition"] == "stop"


def test_chance_is_the_same_for_the_same_seed_in_any_order_of_paths():
    wanted = parse("timeout=0.3,late-504=0.2,429=0.1")

    def drawn(seed: int, paths: list[str]) -> dict[str, list[str]]:
        faults = Faults(seed, wanted)
        found: dict[str, list[str]] = {}
        for path in paths:
            fault = faults.draw("GET", path)
            found.setdefault(path, []).append(str(fault and (fault.kind, fault.status)))
        return found

    turns = drawn(1, ["/a", "/b"] * 100)
    assert turns == drawn(1, ["/b"] * 100 + ["/a"] * 100)
    assert turns != drawn(2, ["/a", "/b"] * 100)
    assert 30 < sum(one != "None" for one in turns["/a"]) < 70


@pytest.mark.parametrize("text", ["tiemout=0.1", "timeout=2", "504=often", "late=0.1"])
def test_a_fault_that_nobody_knows_is_refused(text):
    with pytest.raises(BadInputError) as caught:
        parse(text)
    assert caught.value.code == "bad_fault"
