"""From a request to its answer: faults, who asks, how often, and the endpoint."""

import json
from collections.abc import Mapping
from dataclasses import field, replace
from email.utils import format_datetime
from threading import RLock
from urllib.parse import parse_qs, unquote, urlsplit

from carrel.domain.fleet.rehearsing import Tick, announced
from carrel.domain.fleet.workspaces import Transition
from carrel.domain.records import dataclass
from carrel.simulators.coder.endpoints import (
    building,
    clocks,
    deployment,
    insights,
    logs,
    people,
    tasks,
    templates,
    workspaces,
)
from carrel.simulators.coder.protocol.call import Answer, Call, Site, an_object
from carrel.simulators.coder.protocol.rights import Caller
from carrel.simulators.coder.protocol.routing import Route, Routes
from carrel.simulators.coder.refusals import RefusalError
from carrel.simulators.coder.serving.faults import Fault, Faults, Kind
from carrel.simulators.coder.serving.limits import Limits
from carrel.simulators.coder.wire.writing import dumps

BASE = "/api/v2"
TOKEN_HEADER = "coder-session-token"  # noqa: S105 - its name alone
ROUTES = Routes(
    [
        *building.ROUTES,
        *clocks.ROUTES,
        *deployment.ROUTES,
        *insights.ROUTES,
        *logs.ROUTES,
        *people.ROUTES,
        *tasks.ROUTES,
        *templates.ROUTES,
        *workspaces.ROUTES,
    ]
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it arrived; header names in small letters."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent back, and what goes wrong with it.

    Attributes:
        status: The HTTP status.
        body: The content.
        headers: Headers beside the usual ones.
        fault: What goes wrong; None: nothing.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    fault: Fault | None = None


class Dispatcher:
    """Answers requests, one at a time. Each answer tells the simulated moment, and the speed.

    Args:
        site: What they work on.
        faults: What goes wrong.
        limits: How many are let through.
        lock: Held while one is answered.
        speed: How many simulated seconds go by in a real one.
    """

    def __init__(
        self, site: Site, faults: Faults, limits: Limits, lock: RLock, speed: float = 0.0
    ) -> None:
        self.site = site
        self.faults = faults
        self.limits = limits
        self.lock = lock
        self.speed = speed
        self.served: dict[str, int] = {}

    def answer(self, asked: Asked) -> Reply:
        """Answer a request."""
        url = urlsplit(asked.target)
        path = unquote(url.path.removeprefix(BASE))
        with self.lock:
            self.served[path] = self.served.get(path, 0) + 1
            fault = self.faults.draw(asked.method, path)
            if fault is not None and fault.kind is Kind.RACE:
                self._race(path)
            if fault is None or fault.after or fault.kind in {Kind.TRUNCATED, Kind.SLOW, Kind.RACE}:
                reply = self._reply(asked, url.path, path, url.query)
            else:
                reply = Reply(500)
            now = self.site.world.now
        date = {"Date": format_datetime(now, usegmt=True), **announced(Tick(now, self.speed))}
        reply = replace(reply, headers={**date, **reply.headers})
        if fault is None or fault.kind is Kind.RACE:
            return reply
        if fault.kind is Kind.STATUS:
            return _broken(fault)
        return replace(reply, fault=fault)

    def _reply(self, asked: Asked, whole: str, path: str, query: str) -> Reply:
        told: dict[str, str] = {}
        try:
            if not whole.startswith(BASE):
                raise RefusalError(404, "Route not found.")  # noqa: TRY301 - one place answers
            route, names = ROUTES.find(asked.method, path)
            caller = self._caller(asked.headers, route)
            told = self.limits.count(caller.person, path, asked.headers)
            values = {name: found[0] for name, found in parse_qs(query).items()}
            call = Call(self.site, caller, names, values, _body(asked.body))
            answer = route.handler(call)
        except RefusalError as refusal:
            return _refused(refusal, told)
        return Reply(answer.status, _written(answer), {**told, **answer.headers})

    def _caller(self, headers: Mapping[str, str], route: Route) -> Caller:
        world = self.site.world
        token = world.tokens.get(headers.get(TOKEN_HEADER, ""))
        if token is None:
            if route.open:
                nobody = next(iter(world.people.values()))
                return Caller(nobody, next(iter(world.tokens.values())))
            raise RefusalError(
                401, "You are signed out or your session has expired. Please sign in again."
            )
        if token.expires_at <= world.now:
            raise RefusalError(401, "You are signed out or your session has expired.")
        person = world.people[token.user_id]
        if person.status == "suspended":
            raise RefusalError(401, "User is not active (status = 'suspended'). Contact an admin.")
        world.seen(person.user_id)
        return Caller(person, token)

    def _race(self, path: str) -> None:
        """Let the owner ask for the opposite a moment before."""
        parts = path.strip("/").split("/")
        space = self.site.world.spaces.get(parts[1]) if len(parts) > 1 else None
        if space is None or space.deleted or space.latest.status.active:
            return
        wish = Transition.STOP if space.running else Transition.START
        self.site.life.builder.ask(space, wish, "dashboard", space.owner_id)


def _written(answer: Answer) -> bytes:
    if isinstance(answer.content, bytes):
        return answer.content
    return b"" if answer.content is None else dumps(answer.content)


def _body(content: bytes) -> dict[str, object]:
    if not content:
        return {}
    try:
        found = an_object(json.loads(content))
    except ValueError as error:
        raise RefusalError(400, "Request body must be valid JSON.", str(error)) from error
    if found is None:
        raise RefusalError(400, "Request body must be valid JSON.")
    return found


def _refused(refusal: RefusalError, told: Mapping[str, str]) -> Reply:
    content: dict[str, object] = {"message": refusal.message}
    if refusal.detail:
        content["detail"] = refusal.detail
    if refusal.wrong:
        content["validations"] = [
            {"field": name, "detail": detail} for name, detail in refusal.wrong.items()
        ]
    return Reply(refusal.status, dumps(content), {**told, **refusal.headers})


def _broken(fault: Fault) -> Reply:
    headers = {"Retry-After": str(int(fault.seconds))} if fault.status == 429 else {}  # noqa: PLR2004
    if fault.status in {502, 503, 504}:
        return Reply(
            fault.status, b"<html>a proxy is unhappy</html>", {"Content-Type": "text/html"}
        )
    return Reply(fault.status, dumps({"message": "This is a simulated fault."}), headers)
