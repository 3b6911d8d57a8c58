"""A deployment that answers as a test says, without a network."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
import stamina

from carrel.backends.coder.coder import Coder
from carrel.backends.coder.tokens import Token
from carrel.backends.coder.travelling import Travel

TOKEN = "verysecret-0123456789"
START = datetime(2026, 3, 3, 9, tzinfo=UTC)


class Clock:
    """Stands still; waiting moves it."""

    def __init__(self) -> None:
        self.at = START
        self.waited: list[float] = []

    def now(self) -> datetime:
        return self.at

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.at += timedelta(seconds=seconds)


Reply = object
"""A JSON value, a pair of status and JSON value, a response, or an error to raise."""


@dataclass
class Scripted:
    """Answers by method and path; of several replies, each is given once, the last for ever."""

    replies: dict[tuple[str, str], list[Reply]] = field(default_factory=dict)
    asked: list[httpx2.Request] = field(default_factory=list)

    def on(self, method: str, path: str, *replies: Reply) -> "Scripted":
        self.replies[method, path] = list(replies)
        return self

    def handle(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(
            httpx2.Request(
                request.method, request.url, headers=dict(request.headers), content=request.content
            )
        )
        path = request.url.path.removeprefix("/api/v2")
        replies = self.replies.get((request.method, path))
        if replies is None:
            return httpx2.Response(404, json={"message": f"Route not found: {path}"})
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        return _response(reply(request) if callable(reply) else reply)

    def sent(self, method: str) -> list[tuple[str, object]]:
        """Return the paths and bodies of all requests of a method."""
        return [
            (one.url.path.removeprefix("/api/v2"), json.loads(one.content or b"null"))
            for one in self.asked
            if one.method == method
        ]


def _response(reply: Reply) -> httpx2.Response:
    if isinstance(reply, BaseException):
        raise reply
    if isinstance(reply, httpx2.Response):
        return reply
    status, value = reply if isinstance(reply, tuple) else (200, reply)
    return httpx2.Response(status, json=value)


@pytest.fixture(autouse=True)
def _no_waits():
    with stamina.set_testing(True, attempts=5):
        yield


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def deployment() -> Scripted:
    return Scripted()


@pytest.fixture
def coder(deployment: Scripted, clock: Clock) -> Coder:
    transport = httpx2.MockTransport(deployment.handle)
    return Coder(
        "https://coder.example.com", Token(TOKEN, "a test"), clock, Travel(transport=transport)
    )


@pytest.fixture
def workspace() -> Callable[..., dict]:
    """Make a workspace as a deployment sends it."""

    def make(number: int = 7, transition: str = "start", status: str = "succeeded", **more) -> dict:
        build = {
            "id": f"build-{number}",
            "build_number": number,
            "transition": transition,
            "job": {"status": status, "completed_at": "2026-03-03T08:00:00Z"},
            "created_at": "2026-03-03T07:58:00.123456789Z",
            "deadline": "2026-03-03T18:00:00Z",
            "max_deadline": "0001-01-01T00:00:00Z",
            "resources": [{"agents": [{"status": "connected"}]}],
        }
        return {
            "id": "ws-1",
            "name": "dev",
            "owner_id": "user-1",
            "owner_name": "ada",
            "organization_name": "acme",
            "template_id": "t-1",
            "created_at": "2026-01-01T00:00:00Z",
            "last_used_at": "2026-03-03T08:30:00Z",
            "latest_build": build,
            "task_id": None,
            **more,
        }

    return make
