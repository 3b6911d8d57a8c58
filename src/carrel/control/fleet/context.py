"""What every use-case of a fleet works with; handed in by bootstrap."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import field
from datetime import datetime, timedelta

from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.recording import Recorder
from carrel.domain.governance.safety import Safety
from carrel.domain.records import dataclass
from carrel.errors import CarrelError, RefusedError
from carrel.planning.deciding import Configured
from carrel.ports.clock import Clock
from carrel.ports.fleet import Fleet
from carrel.ports.notifier import Notifier
from carrel.ports.store import Session, Store

Note = Callable[[str, Mapping[str, object]], None]
"""Told a stable action and its facts, for the log file."""


Tables = Mapping[str, Mapping[str, object]]
"""Tables of policies, by name."""


def _unconfigured(_: Tables) -> tuple[Configured, ...]:
    """Know no settings: no policy is in force."""
    return ()


def _silent(_: str) -> None:
    """Say nothing."""


def _unlogged(_: str, __: Mapping[str, object]) -> None:
    """Log nothing."""


@dataclass(frozen=True, slots=True)
class Recipients:
    """Where warnings go.

    Attributes:
        enabled: Whether anybody is warned at all; without it no stop waits for a warning.
        lead: How long before a stop its owner must have been told.
        mail: Address of a mail server for Apprise, to which the owner's e-mail is added.
        routes: Apprise addresses by `user:NAME`, `group:NAME` or a pattern of `owner/name`.
    """

    enabled: bool = False
    lead: timedelta = timedelta(minutes=15)
    mail: str = ""
    routes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Pace:
    """How patiently builds are followed.

    Attributes:
        poll: Seconds between two looks.
        follow: How long a build is followed before it is left to a later run.
        lost: After so long, what a silent process of another machine sent counts as lost.
    """

    poll: float = 5.0
    follow: timedelta = timedelta(minutes=30)
    lost: timedelta = timedelta(minutes=10)


@dataclass(slots=True)
class FleetContext:
    """Everything a use-case of a fleet needs; safe for threads.

    Attributes:
        store: The database.
        clock: The time.
        connect: Opens the fleet when it is first needed.
        address: Address of the deployment, as plans name it.
        actor: Who asks, for the ledger.
        policies: The policies in force, with their settings.
        compliance: What reports hold times to live against, whether it is in force or not.
        laid_over: What options laid over the policies' settings.
        configure: Reads the settings of the policies anew, with tables laid over them.
        safety: The limits.
        notifier: Delivers warnings.
        recipients: Where they go.
        pace: How patiently builds are followed.
        say: Told, in a sentence, what a person should know though nothing failed.
        log: Told what is done, for the log file.
        remember: For how long recorded observations are kept; zero: nothing is recorded.
        keep_plans: For how long plans are kept; see `domain.governance.forgetting`.
        recorder: What was recorded last; None: the database is to be asked.
        seen: The last observation.
        ending: What else is closed with it.
    """

    store: Store
    clock: Clock
    connect: Callable[[], Fleet]
    address: str
    actor: str
    notifier: Notifier
    policies: tuple[Configured, ...] = ()
    compliance: Configured | None = None
    laid_over: Tables = field(default_factory=dict[str, Mapping[str, object]])
    configure: Callable[[Tables], tuple[Configured, ...]] = _unconfigured
    safety: Safety = field(default_factory=Safety)
    recipients: Recipients = field(default_factory=Recipients)
    pace: Pace = field(default_factory=Pace)
    say: Callable[[str], None] = _silent
    log: Note = _unlogged
    remember: timedelta = timedelta(0)
    keep_plans: timedelta = timedelta(days=90)
    recorder: Recorder | None = None
    seen: Observation | None = None
    ending: tuple[Callable[[], None], ...] = ()
    _fleet: Fleet | None = None

    @property
    def fleet(self) -> Fleet:
        """The fleet, opened when it is first needed."""
        if self._fleet is None:
            self._fleet = self.connect()
        return self._fleet

    def configured(self, policy: str) -> Configured | None:
        """Return a policy that is in force, with its settings; None: it is not."""
        return next((one for one in self.policies if one.name == policy), None)

    def lay_over(self, tables: Tables) -> None:
        """Lay what options say over the policies' settings, for all that is decided from now on.

        Raises:
            BadInputError: `bad_policy`.
            RefusedError: `policy_switched_off`.
        """
        self.policies, self.laid_over = self.configure(tables), tables

    def now(self) -> datetime:
        """Return the present moment."""
        return self.clock.now()

    @contextmanager
    def noting(self, action: str, subject: str, **data: object) -> Generator[Session]:
        """Open a writing transaction that ends with an event in the ledger."""
        with self.store.writing() as session:
            yield session
            session.append(self.now(), self.actor, action, subject, data)
        self.log(action, {"subject": subject, **data})

    def heed(self, error: CarrelError) -> None:
        """Hang up when the token was refused: who goes on watching does so with a new one.

        The next use opens the fleet with the token that the settings name by then, and what was
        seen with the rights of the old one is forgotten.
        """
        if error.code == "token_refused":
            self._hang_up()
            self.seen = None

    def close(self) -> None:
        """Close the connections and the log."""
        self._hang_up()
        for end in self.ending:
            end()

    def _hang_up(self) -> None:
        if self._fleet is not None:
            self._fleet.close()
            self._fleet = None

    def thaw(self) -> None:
        """Refuse to go on while everything is frozen.

        Raises:
            RefusedError: `frozen`.
        """
        with self.store.reading() as session:
            freeze = session.governance.freeze()
        if freeze is not None:
            raise frozen(freeze.by, freeze.reason, freeze.at)


def frozen(by: str, reason: str, at: datetime) -> RefusedError:
    """Return the error for whoever wants to act while everything is frozen."""
    return RefusedError(
        "frozen",
        "Nothing is done: everything is frozen.",
        why=f"{by} froze it at {at:%Y-%m-%d %H:%M} UTC{': ' + reason if reason else ''}.",
        cure="Make sure that the reason is gone, then run `carrel unfreeze`.",
    )
