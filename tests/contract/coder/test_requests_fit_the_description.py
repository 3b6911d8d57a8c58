"""Every request of ours, and every answer of the simulator, fits Coder's published description."""

from datetime import timedelta

import httpx2
import pytest
from tests.contract.coder import description

from carrel.backends.coder.coder import Coder
from carrel.backends.coder.tokens import Token
from carrel.backends.coder.travelling import Travel
from carrel.ports.fleet import Fleet

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(
        not description.FILE.exists(), reason=f"needs Coder's API description: {description.FILE}"
    ),
]


class Listener(httpx2.BaseTransport):
    """Lets everything through, and keeps what went by."""

    def __init__(self) -> None:
        self._inner = httpx2.HTTPTransport()
        self.heard: list[tuple[str, str, str, bytes, int, bytes]] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        response = self._inner.handle_request(request)
        content = response.read()
        url = request.url
        self.heard.append(
            (
                request.method,
                url.path,
                url.query.decode(),
                request.content,
                response.status_code,
                content,
            )
        )
        return httpx2.Response(response.status_code, headers=response.headers, content=content)

    def close(self) -> None:
        self._inner.close()


@pytest.fixture
def listener():
    made = Listener()
    yield made
    made.close()


def everything(fleet: Fleet, advance) -> None:
    """Ask for all that a fleet can be asked for."""
    seen = fleet.observe()
    at = seen.at
    list(fleet.connections(at - timedelta(days=1), at))
    list(fleet.audit(at - timedelta(days=1), at))
    list(fleet.deleted())
    fleet.queue()
    fleet.prebuilds_paused()
    fleet.set_prebuilds_paused(paused=True)
    fleet.set_prebuilds_paused(paused=True)
    fleet.set_prebuilds_paused(paused=False)
    one = next(
        one for one in seen.workspaces if one.running and not one.task_id and not one.is_prebuild
    )
    fleet.quiet_hours(one.owner_id)
    name = one.workspace_id
    fleet.builds(name, at - timedelta(days=30))
    fleet.build(one.build.build_id)
    fleet.set_ttl(name, timedelta(hours=9))
    fleet.set_ttl(name, None)
    fleet.set_deadline(name, at + timedelta(hours=3))
    fleet.set_deadline(name, at + timedelta(minutes=3))
    for dormant in (True, True, False):
        fleet.set_dormant(name, dormant=dormant)
    for schedule in ("CRON_TZ=UTC 0 9 * * 1-5", "nonsense", ""):
        fleet.set_autostart(name, schedule)
    for deed in (fleet.stop, fleet.start, fleet.delete):
        deed(fleet.workspace(name))
        deed(one)  # what was seen is out of date by now: a conflict
        advance(timedelta(minutes=15))
    with_task = [each for each in seen.workspaces if each.task_id]
    for each in with_task:
        fleet.pause(fleet.workspace(each.workspace_id))
        fleet.resume(fleet.workspace(each.workspace_id))
    assert with_task


def test_every_request_and_every_answer(simulator, listener):
    token = Token(simulator.token, "a test")
    travel = Travel(per_minute=0, transport=listener)
    fleet = Coder(simulator.url, token, simulator.clock, travel)
    everything(fleet, simulator.advance)
    fleet.close()
    wrong = {}
    for method, path, query, sent, status, got in listener.heard:
        place = description.operation(method, path)[0]
        for misfit in description.misfits_of_request(method, path, query, sent):
            wrong[f"{method} {place} asked {misfit}"] = query
        for misfit in description.misfits_of_answer(method, path, status, got):
            wrong[f"{method} {place} {status} answered {misfit}"] = got[:80]
    assert wrong == {}, "\n".join(sorted(wrong))
    assert len({description.operation(one[0], one[1])[0] for one in listener.heard}) > 24


@pytest.mark.parametrize(
    ("method", "path", "query", "body"),
    [
        ("GET", "/api/v2/workspaces", "limit=all", b""),
        ("GET", "/api/v2/workspaces", "page=2", b""),
        ("PUT", "/api/v2/workspaces/x/ttl", "", b'{"ttl_ms": "8h"}'),
        ("POST", "/api/v2/workspaces/x/builds", "", b'{"transition": "halt"}'),
        ("PUT", "/api/v2/workspaces/x/extend", "", b"{}"),
    ],
)
def test_the_description_notices_what_does_not_fit(method, path, query, body):
    assert description.misfits_of_request(method, path, query, body)


def test_what_is_not_described_is_noticed():
    with pytest.raises(AssertionError, match="not described"):
        description.operation("GET", "/api/v2/levitation")
