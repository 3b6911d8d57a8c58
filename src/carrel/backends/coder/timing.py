"""Whose time counts: ours, which must agree with a deployment's, or a simulated deployment's."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from threading import RLock
from urllib.parse import urlsplit

from carrel.domain.fleet.passing import asking
from carrel.domain.fleet.rehearsing import Tick, heard
from carrel.errors import RefusedError
from carrel.ports.clock import Clock

MOST_APART = timedelta(minutes=2)
"""How far a deployment's clock may be from ours, the time that an answer takes included."""
_PATIENCE = 2.0
_TRIES = 4
"""A rehearsal loses answers on purpose; one that is lost must not leave us in another time."""
_HERE = frozenset({"127.0.0.1", "localhost", "::1"})


class DeploymentClock:
    """Our clock, unless the deployment is a simulated one: then that one's time. Safe for threads.

    Only a deployment on this machine can be a simulated one, so that no other can make us act by
    a time of its own. It is asked when the time is first needed.

    Args:
        real: Our clock.
        address: Where the deployment is.
    """

    def __init__(self, real: Clock, address: str) -> None:
        self.real = real
        self._address = urlsplit(address)
        self._asked = self._address.scheme != "http" or self._address.hostname not in _HERE
        self._believes = not self._asked
        self._tick: Tick | None = None
        self._since = self._last = real.now()
        self._lock = RLock()

    def now(self) -> datetime:
        """Return the present moment of the deployment, in UTC."""
        with self._lock:
            self._ask()
            return self._now()

    def wait(self, seconds: float) -> None:
        """Let `seconds` pass there: where time runs fast, that is short.

        Where time stands still it passes by our waiting, and takes none of ours.
        """
        with self._lock:
            self._ask()
            speed = self._tick.speed if self._tick is not None else 1.0
        if speed:
            self.real.wait(seconds / speed)
        elif not self._passed(seconds):
            self.real.wait(seconds)

    def hear(self, headers: Mapping[str, str]) -> bool:
        """Follow what an answer says of the time; tell whether it said it."""
        tick = heard(headers) if self._believes else None
        if tick is None:
            return False
        with self._lock:
            if self._tick is None:  # nothing before was said of the deployment's time
                self._last = tick.at
            self._tick, self._since = tick, self.real.now()
        return True

    def _now(self) -> datetime:
        real = self.real.now()
        if self._tick is None:
            return real
        # Answers overtake each other; the time that was told never goes back for that.
        self._last = max(self._last, self._tick.at + (real - self._since) * self._tick.speed)
        return self._last

    def _ask(self) -> None:
        if self._asked:
            return
        self._asked = True
        self._question({})

    def _passed(self, seconds: float) -> bool:
        """Let time pass there; tell whether it did. A lost answer may have done so or not."""
        goal = self._now() + timedelta(seconds=seconds)
        for _ in range(_TRIES):
            left = (goal - self._now()).total_seconds()
            if left <= 0 or self._question(asking(left), tries=1):
                return True
            if not self._question({}):
                return False
        return False

    def _question(self, headers: Mapping[str, str], tries: int = _TRIES) -> bool:
        """Ask what time it is there; tell whether a simulated deployment has answered."""
        import http.client  # noqa: PLC0415 - not for who sends nothing

        for _ in range(tries):
            try:
                return self.hear(self._answer(headers))
            except ConnectionRefusedError:  # nobody is there
                return False
            except (OSError, http.client.HTTPException):
                continue
        # Who does not answer is no simulated deployment, or one that nobody can decide about.
        return False

    def _answer(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """Return the headers of an answer, their names in small letters."""
        import http.client  # noqa: PLC0415 - as above

        place = self._address
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=_PATIENCE)
        try:
            connection.request("GET", "/api/v2/buildinfo", headers=dict(headers))
            found = connection.getresponse().getheaders()
        finally:
            connection.close()
        return {name.lower(): value for name, value in found}


class Watch:
    """Compares a clock with what a deployment's answers say. Safe for threads.

    Args:
        clock: The clock that is decided by.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._apart = timedelta(0)
        self.pacing: Clock = clock.real if isinstance(clock, DeploymentClock) else clock
        """By which requests are counted: a deployment counts them in real minutes."""

    def hear(self, headers: Mapping[str, str]) -> None:
        """Take in what an answer says of the time; names of headers in small letters."""
        if isinstance(self._clock, DeploymentClock) and self._clock.hear(headers):
            self._apart = timedelta(0)  # its time is ours, however long the answer took
            return
        from email.utils import parsedate_to_datetime  # noqa: PLC0415 - as above

        with suppress(ValueError, TypeError):  # who tells no time is not contradicted
            self._apart = parsedate_to_datetime(headers.get("date", "")) - self._clock.now()

    def agree(self, address: str) -> None:
        """Refuse to go on when the last answer was of another time than ours.

        Raises:
            RefusedError: `clock_differs`.
        """
        apart = self._apart
        if abs(apart) <= MOST_APART:
            return
        way = "ahead of" if apart > timedelta(0) else "behind"
        raise RefusedError(
            "clock_differs",
            f"The clock of {address} is {_span(abs(apart))} {way} ours.",
            why="By a wrong clock, workspaces would be stopped at the wrong time.",
            cure="Set the clock of this machine, or of the deployment (NTP); then try again.",
        )


def _span(apart: timedelta) -> str:
    minutes = int(apart / timedelta(minutes=1))
    return f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"  # noqa: PLR2004
