"""Requests that change a fleet: each is sent once, and a lost answer is looked for, once."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from carrel.backends.coder.answers import Answer
from carrel.backends.coder.client import Client, LostAnswerError
from carrel.backends.coder.queuing import decision
from carrel.backends.coder.reading import record, text
from carrel.backends.coder.tasks import task_path
from carrel.domain.fleet.workspaces import FleetWorkspace, Transition
from carrel.domain.records import dataclass
from carrel.errors import CarrelError
from carrel.ports.fleet import Outcome, Receipt

_LOOK = "Look at the workspace; the next plan decides anew, from what is there."
_CLOSE = timedelta(seconds=1)

Look = Callable[[str], FleetWorkspace]
"""Reads one workspace anew, by its id; who is at work in it is not asked for."""


@dataclass(frozen=True, slots=True)
class Deeds:
    """What can be done to a fleet.

    Attributes:
        client: Whom to ask.
        look: Reads one workspace anew.
    """

    client: Client
    look: Look

    def build(self, workspace: FleetWorkspace, transition: Transition) -> Receipt:
        """Queue a build, unless the latest one says that it is not to be."""
        path = f"/workspaces/{workspace.workspace_id}/builds"
        return self._queued(workspace, transition, path, {"transition": str(transition)})

    def pause(self, workspace: FleetWorkspace) -> Receipt:
        """Pause the AI task of a workspace: a stop that the task knows of."""
        return self._task(workspace, Transition.STOP, "pause")

    def resume(self, workspace: FleetWorkspace) -> Receipt:
        """Resume the AI task of a workspace."""
        return self._task(workspace, Transition.START, "resume")

    def set_ttl(self, workspace_id: str, ttl: timedelta | None) -> Receipt:
        """Set a time to live."""
        wanted = None if ttl is None else ttl // timedelta(milliseconds=1)
        return self._set(
            workspace_id,
            "ttl",
            {"ttl_ms": wanted},
            lambda seen: (seen.ttl or None) == (ttl or None),
        )

    def set_deadline(self, workspace_id: str, deadline: datetime) -> Receipt:
        """Move the deadline of a running workspace."""
        written = deadline.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return self._set(
            workspace_id,
            "extend",
            {"deadline": written},
            lambda seen: _near(seen.build.deadline, deadline),
        )

    def set_dormant(self, workspace_id: str, *, dormant: bool) -> Receipt:
        """Make a workspace dormant, or wake it."""
        return self._set(
            workspace_id,
            "dormant",
            {"dormant": dormant},
            lambda seen: (seen.dormant_at is not None) == dormant,
        )

    def set_autostart(self, workspace_id: str, schedule: str) -> Receipt:
        """Set the autostart schedule."""
        return self._set(
            workspace_id,
            "autostart",
            {"schedule": schedule or None},
            lambda seen: seen.autostart == schedule,
        )

    def set_prebuilds_paused(
        self, *, paused: bool, is_paused: Callable[[], bool | None]
    ) -> Receipt:
        """Pause prebuild reconciliation, or let it go on.

        Args:
            paused: What to set.
            is_paused: Reads what is set.
        """
        try:
            answer = self.client.send(
                "PUT", "/prebuilds/settings", {"reconciliation_paused": paused}
            )
        except LostAnswerError as error:
            return self._looked(str(error), lambda: is_paused() is paused)
        if answer.lost:
            return self._looked(_said(answer), lambda: is_paused() is paused)
        return _receipt(answer)

    def _task(self, workspace: FleetWorkspace, transition: Transition, verb: str) -> Receipt:
        if not workspace.task_id:
            why = f"{workspace.full_name} works for no AI task."
            return Receipt(Outcome.REFUSED, why=why, cure=f"Stop or start it instead of {verb}.")
        return self._queued(workspace, transition, f"{task_path(workspace)}/{verb}", None)

    def _queued(
        self,
        workspace: FleetWorkspace,
        transition: Transition,
        path: str,
        body: Mapping[str, str] | None,
    ) -> Receipt:
        return decision(workspace, transition) or self._posted(workspace, transition, path, body)

    def _posted(
        self,
        workspace: FleetWorkspace,
        transition: Transition,
        path: str,
        body: Mapping[str, str] | None,
    ) -> Receipt:
        try:
            answer = self.client.send("POST", path, body)
        except LostAnswerError as error:
            return self._reread(workspace, transition, str(error))
        if answer.lost:
            return self._reread(workspace, transition, _said(answer))
        if answer.status == HTTPStatus.CONFLICT:
            return self._conflict(workspace, transition, answer)
        if not answer.good:
            return _receipt(answer)
        build_id = _build_id(self.client, path, answer)
        if build_id:
            return Receipt(Outcome.ACCEPTED, build_id)
        return self._reread(workspace, transition, "The answer names no build.")

    def _reread(self, workspace: FleetWorkspace, transition: Transition, why: str) -> Receipt:
        """Look once whether a request without an answer arrived. It is never sent again."""
        try:
            latest = self.look(workspace.workspace_id).build
        except CarrelError as error:
            return _uncertain(f"{why} Looking for its effect failed: {error.what}")
        if latest.number > workspace.build.number and latest.transition is transition:
            found = f"The answer was lost, but build {latest.number} is a new {transition}."
            return Receipt(Outcome.ACCEPTED, latest.build_id, found)
        return _uncertain(f"{why} No new {transition} build is there.")

    def _conflict(
        self, workspace: FleetWorkspace, transition: Transition, answer: Answer
    ) -> Receipt:
        """Look once what was quicker than we, and decide anew. Nothing is sent again."""
        try:
            now = self.look(workspace.workspace_id)
        except CarrelError as error:
            why = f"{_said(answer)} Looking at what is under way failed: {error.what}"
            return Receipt(Outcome.CONFLICT, why=why, cure="Try again later.")
        decided = decision(now, transition)
        if decided is not None:
            return decided
        return Receipt(Outcome.CONFLICT, why=_said(answer), cure="Try again.")

    def _set(
        self,
        workspace_id: str,
        what: str,
        body: object,
        is_so: Callable[[FleetWorkspace], bool],
    ) -> Receipt:
        try:
            answer = self.client.send("PUT", f"/workspaces/{workspace_id}/{what}", body)
        except LostAnswerError as error:
            return self._looked(str(error), lambda: is_so(self.look(workspace_id)))
        if answer.lost:
            return self._looked(_said(answer), lambda: is_so(self.look(workspace_id)))
        return _receipt(answer)

    def _looked(self, why: str, is_so: Callable[[], bool]) -> Receipt:
        try:
            if is_so():
                return Receipt(Outcome.ACCEPTED, why="The answer was lost, but it is so now.")
        except CarrelError as error:
            return _uncertain(f"{why} Looking for its effect failed: {error.what}")
        return _uncertain(f"{why} It is not so yet.")


_CURES: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: "Look at the template's rules and the values; they were not taken.",
    HTTPStatus.FORBIDDEN: "Use a token of a user whose role may do this.",
    HTTPStatus.NOT_FOUND: "Look again: it was deleted, or the token may not see it.",
    HTTPStatus.GONE: "Look again: it was deleted.",
}
_LATER: Mapping[int, str] = {
    HTTPStatus.NOT_ACCEPTABLE: "Its template version is still being imported; try again later.",
    HTTPStatus.CONFLICT: "Another build is under way, or it does not run; try again later.",
    HTTPStatus.PRECONDITION_FAILED: "It changed meanwhile; look again.",
    HTTPStatus.TOO_MANY_REQUESTS: "The deployment asks for a pause; try again later.",
}


def _receipt(answer: Answer) -> Receipt:
    """Return what an answer means that is no new build."""
    if answer.good:
        return Receipt(Outcome.ACCEPTED)
    if answer.status == HTTPStatus.NOT_MODIFIED:
        return Receipt(Outcome.UNCHANGED, why="It was so already.")
    if answer.status in _LATER:
        return Receipt(Outcome.CONFLICT, why=_said(answer), cure=_LATER[answer.status])
    cure = _CURES.get(answer.status, "Look at what the deployment says.")
    return Receipt(Outcome.REFUSED, why=_said(answer), cure=cure)


def _uncertain(why: str) -> Receipt:
    return Receipt(Outcome.UNCERTAIN, why=why, cure=_LOOK)


def _said(answer: Answer) -> str:
    said = answer.message.rstrip(".")
    return f"The deployment answers {answer.status}{f': {said}' if said else ''}."


def _build_id(client: Client, path: str, answer: Answer) -> str:
    try:
        found = record(client.decoded(path, answer.content))
    except CarrelError:
        return ""
    return text(record(found.get("workspace_build")).get("id")) or text(found.get("id"))


def _near(seen: datetime | None, wanted: datetime) -> bool:
    return seen is not None and abs(seen - wanted) <= _CLOSE
