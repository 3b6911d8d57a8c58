"""What policies say: a wish for one workspace, its reason, and when the answer changes next."""

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.keeping import KeepAlive
from carrel.domain.records import dataclass


class Wish(StrEnum):
    """What a policy wants for a workspace."""

    NOTHING = "nothing"
    """The policy has nothing to say."""
    KEEP = "keep"
    """It must go on; beats every other wish."""
    STOP = "stop"
    """Stop it, or pause the task that it works for."""
    CORRECT = "correct"
    """Set its time to live or deadline to what the policy demands; stops nothing."""
    SLEEP = "sleep"
    """Stop it and make it dormant."""
    DELETE = "delete"
    """Delete it; only ever in a plan of its own."""


WITHHELD = "withheld"
"""The category of a verdict whose policy could not answer: missing data, or an error in it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one policy says of one workspace at one moment.

    Attributes:
        policy: The policy's name.
        wish: What it wants.
        reason: One sentence for a person, with the facts it stands on.
        until: When the answer may change next, if nothing else happens; None: not by time.
        category: The policy's own word, such as `in_grace` or `running_past_end`.
        due: When the wish became or becomes valid (end of grace); None: at once.
        warn_from: From when on the owner should be warned that `due` comes.
        ttl: For a correction: the time to live to set; may stand beside a wish to stop.
        deadline: For a correction: the deadline to set; the same.
    """

    policy: str
    wish: Wish
    reason: str
    until: datetime | None = None
    category: str = ""
    due: datetime | None = None
    warn_from: datetime | None = None
    ttl: timedelta | None = None
    deadline: datetime | None = None

    @property
    def corrects(self) -> bool:
        """Whether it has something to set right."""
        return self.wish is Wish.CORRECT or self.ttl is not None or self.deadline is not None


@dataclass(frozen=True, slots=True)
class Situation:
    """What a policy may look at besides the workspace: the same for a whole run.

    Attributes:
        at: The moment to decide for. May lie after the observation (foresight).
        observation: What was seen.
        keeps: Keep-alive leases in force, by workspace id.
        spent: Money spent this month so far, by `user:NAME`, `group:NAME`, `template:NAME`.
        flaps: Recent restarts right after a stop of ours, by workspace id, oldest first.
        force: `--force`: time-to-live violations are added to a run.
    """

    at: datetime
    observation: Observation
    keeps: Mapping[str, tuple[KeepAlive, ...]] = field(
        default_factory=dict[str, tuple[KeepAlive, ...]]
    )
    spent: Mapping[str, float] = field(default_factory=dict[str, float])
    flaps: Mapping[str, tuple[datetime, ...]] = field(
        default_factory=dict[str, tuple[datetime, ...]]
    )
    force: bool = False


Decide = Callable[[FleetWorkspace], Verdict]
"""A policy made ready for one situation: pure, and fast enough for 10,000 workspaces."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that `carrel policy check` noticed in a policy's settings.

    Attributes:
        policy: Its name.
        rule: The rule or key it is about.
        severity: `error`, `warning` or `note`.
        message: One sentence.
        cure: What to change.
    """

    policy: str
    rule: str
    severity: str
    message: str
    cure: str = ""


class Policy(Protocol):
    """A pure rule. One file, one constant `POLICY`; its file name is its name.

    A policy's settings are the table `[policy.NAME]` of carrel.toml, read by the policy itself.
    It may also say `use_only_spares = True`; see there.
    """

    name: str
    summary: str
    needs: frozenset[str]
    """Kinds of gaps that make it unable to answer; then every wish to act is withheld."""
    protects: bool
    """Its wish is to keep: when it can't answer, the workspace is kept.

    Where it may want to act as well, its settings say so: `acts` is true.
    """

    def read(self, table: Mapping[str, object]) -> object:
        """Turn its table into its settings.

        Raises:
            BadInputError: `bad_policy`, naming the key, what it may be, and the nearest one.
        """
        ...

    def prepare(self, settings: object, situation: Situation) -> Decide:
        """Make it ready for one situation; called once a run, so costly work belongs here."""
        ...

    def check(self, settings: object, observation: Observation | None) -> list[Finding]:
        """Lint the settings; with an observation also what matches nothing in it."""
        ...


def use_only_spares(policy: Policy) -> bool:
    """Tell whether it never wishes anything sooner because somebody works in a workspace.

    A policy says so by an attribute of that name. Then a past is gone through faster: whoever
    begins to work is no reason to ask it again before the moment that it named. In doubt it is.
    """
    return getattr(policy, "use_only_spares", False) is True
