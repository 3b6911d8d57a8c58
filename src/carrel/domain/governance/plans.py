"""A plan: an immutable, ordered, explained list of actions, with a hash."""

import json
from collections.abc import Mapping
from dataclasses import field, replace
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256

from carrel.domain.records import dataclass


class Deed(StrEnum):
    """What an action does."""

    STOP = "stop"
    PAUSE = "pause"
    START = "start"
    RESUME = "resume"
    MAKE_DORMANT = "make_dormant"
    WAKE = "wake"
    SET_TTL = "set_ttl"
    SET_DEADLINE = "set_deadline"
    SET_AUTOSTART = "set_autostart"
    DELETE = "delete"
    PAUSE_PREBUILDS = "pause_prebuilds"
    RESUME_PREBUILDS = "resume_prebuilds"


STOPPING = frozenset({Deed.STOP, Deed.PAUSE, Deed.DELETE})
"""Deeds that end somebody's running workspace: what caps and freezes are about."""


class Purpose(StrEnum):
    """Why a plan was made."""

    GOVERN = "govern"
    QUIET_HOURS = "quiet_hours"
    TIME_TO_LIVE = "time_to_live"
    AUTOSTOP = "autostop"
    PRUNE = "prune"
    DELETION = "deletion"
    EMERGENCY_STOP = "emergency_stop"
    UNDO = "undo"
    SET = "set"
    """One change that a person asked for, such as `carrel ttl set`."""


ASKED = frozenset({Purpose.UNDO, Purpose.SET})
"""Purposes of plans whose every action a person asked for: no policy has a part in them."""


@dataclass(frozen=True, slots=True)
class Action:
    """One step of a plan.

    Attributes:
        number: 1, 2, 3 … in the order of doing.
        deed: What to do.
        workspace_id: To which workspace; empty for the deployment itself.
        workspace: Its `owner/name`, for people.
        owner_id: Who is concerned.
        policy: Which policy wants it, or `person`.
        reason: One sentence.
        due: Not before this moment (end of grace and warning).
        argument: What to set: a time to live in milliseconds, a moment, a cron line; None: none.
        expected_build: Number of the latest build when the plan was made: another one means that
            the world moved, and the action is decided anew or dropped.
        before: What undo needs: JSON values, such as `ttl_ms`, `deadline`, `dormant_at`.
        warn: The owner must have been warned before it is done.
    """

    number: int
    deed: Deed
    workspace_id: str
    workspace: str
    owner_id: str
    policy: str
    reason: str
    due: datetime | None = None
    argument: str | int | None = None
    expected_build: int = 0
    before: Mapping[str, str | int | None] = field(default_factory=dict[str, "str | int | None"])
    warn: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a plan was made besides the settings: it is applied on the same ones.

    Attributes:
        forced: Violations of a time to live were added.
        laid_over: Tables of policies that options laid over those of the settings.
    """

    forced: bool = False
    laid_over: Mapping[str, Mapping[str, object]] = field(
        default_factory=dict[str, Mapping[str, object]]
    )

    @property
    def usual(self) -> bool:
        """Whether there are none."""
        return not self.forced and not self.laid_over


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, and why. Never changes once made.

    Attributes:
        plan_id: The first 12 characters of its hash.
        hash: SHA-256 over everything else.
        purpose: Why it was made.
        fleet: Address of the deployment.
        made_at: When.
        observed_at: When the fleet was seen on which it stands.
        made_by: Who asked.
        actions: In the order of doing.
        held_back: Workspaces that a policy wanted to act on and that were spared, with why:
            pairs of `owner/name` and a sentence.
        notes: What a person must know: caps reached, gaps, features that are ours.
        undoes: Id of the plan that this one takes back, or empty.
        terms: On what terms it was made, besides the settings.
    """

    plan_id: str
    hash: str
    purpose: Purpose
    fleet: str
    made_at: datetime
    observed_at: datetime
    made_by: str
    actions: tuple[Action, ...]
    held_back: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    undoes: str = ""
    terms: Terms = field(default_factory=Terms)

    @property
    def stops(self) -> int:
        """How many running workspaces it would end."""
        return sum(action.deed in STOPPING for action in self.actions)


class ActionState(StrEnum):
    """How far an action of a plan is."""

    WAITING = "waiting"
    """Not begun: its turn, its due moment or its warning has not come."""
    SENT = "sent"
    """The request is out; whether it arrived may not be known. Never sent again unread."""
    FOLLOWING = "following"
    """The backend took it; its build is being followed."""
    DONE = "done"
    SKIPPED = "skipped"
    """Fresh facts said no, or there was nothing to do any more."""
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    """Sent without an answer, and re-reading showed nothing."""

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self in {
            ActionState.DONE,
            ActionState.SKIPPED,
            ActionState.FAILED,
            ActionState.UNCERTAIN,
        }


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one action is.

    Attributes:
        plan_id: Of which plan.
        number: Which action.
        state: How far.
        at: Since when.
        build_id: The build that does it, where there is one.
        note: One sentence: what was answered, why it was skipped.
        sent_at: When its request left, and once it has its answer, when that came: limits count
            from the later one, for a request may arrive at any moment between. None: never.
        holder: Which process sent it.
        build_number: The workspace's latest build just before it was sent.
        before: What undo needs, as it was just before; empty: as the plan says.
    """

    plan_id: str
    number: int
    state: ActionState
    at: datetime
    build_id: str = ""
    note: str = ""
    sent_at: datetime | None = None
    holder: str = ""
    build_number: int = 0
    before: Mapping[str, str | int | None] = field(default_factory=dict[str, "str | int | None"])


def sealed(plan: Plan) -> Plan:
    """Return the plan with its hash and the id that comes from it."""
    digest = sha256(canonical(plan).encode()).hexdigest()
    return replace(plan, plan_id=digest[:12], hash=digest)


def canonical(plan: Plan) -> str:
    """Return everything that the hash covers, as canonical JSON."""
    body: dict[str, object] = {
        "purpose": plan.purpose,
        "fleet": plan.fleet,
        "made_at": _moment(plan.made_at),
        "observed_at": _moment(plan.observed_at),
        "made_by": plan.made_by,
        "actions": [_action(action) for action in plan.actions],
        "held_back": plan.held_back,
        "notes": plan.notes,
        "undoes": plan.undoes,
    }
    if not plan.terms.usual:
        body["terms"] = {"forced": plan.terms.forced, "laid_over": plan.terms.laid_over}
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _action(action: Action) -> dict[str, object]:
    return {
        "number": action.number,
        "deed": action.deed,
        "workspace_id": action.workspace_id,
        "workspace": action.workspace,
        "owner_id": action.owner_id,
        "policy": action.policy,
        "reason": action.reason,
        "due": action.due and _moment(action.due),
        "argument": action.argument,
        "expected_build": action.expected_build,
        "before": dict(action.before),
        "warn": action.warn,
    }


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
