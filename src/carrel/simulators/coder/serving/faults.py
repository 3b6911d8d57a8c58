"""What goes wrong between a client and a deployment, on purpose."""

import re
from enum import StrEnum

from carrel.domain.records import dataclass
from carrel.errors import BadInputError
from carrel.simulators.coder.chance import share


class Kind(StrEnum):
    """One way to go wrong."""

    STATUS = "status"
    """An error answer."""
    HANG = "hang"
    """No answer, until the client gives up."""
    DROP = "drop"
    """The connection ends without an answer."""
    RESET = "reset"
    """The connection is torn down."""
    TRUNCATED = "truncated"
    """The answer ends in the middle."""
    SLOW = "slow"
    """The answer takes its time."""
    RACE = "race"
    """Somebody else asks for a build a moment before."""


@dataclass(slots=True)
class Fault:
    """When what goes wrong.

    Attributes:
        kind: What.
        share: How often, where it can; 1.0: always.
        count: How often at most; None: for ever.
        method: Such as `POST`; empty: any.
        path: A pattern that is found in the path below `/api/v2`; empty: any.
        after: What was asked for is done before it goes wrong.
        status: The status of an error answer.
        seconds: How slow, or what Retry-After says.
    """

    kind: Kind
    share: float = 1.0
    count: int | None = None
    method: str = ""
    path: str = ""
    after: bool = False
    status: int = 500
    seconds: float = 1.0

    def fits(self, method: str, path: str) -> bool:
        """Tell whether it can go wrong here."""
        if self.count is not None and self.count <= 0:
            return False
        return self.method in {"", method} and re.search(self.path, path) is not None


SIMPLE = {
    "timeout": Kind.HANG,
    "drop": Kind.DROP,
    "reset": Kind.RESET,
    "truncated": Kind.TRUNCATED,
    "slow": Kind.SLOW,
    "race": Kind.RACE,
}
STATUSES = frozenset({"429", "500", "502", "503", "504"})
LATE = "late-"


class Faults:
    """All that can go wrong; by chance, but each seed gives the same.

    Args:
        seed: Decides.
        faults: What can go wrong; the first that does wins.
    """

    def __init__(self, seed: int, faults: tuple[Fault, ...] = ()) -> None:
        self.seed = seed
        self.faults = list(faults)
        self.happened: list[tuple[str, str, Fault]] = []
        self._asked: dict[tuple[str, str], int] = {}

    def draw(self, method: str, path: str) -> Fault | None:
        """Return what goes wrong with a request.

        Chance depends on how often this path was asked, not on the order of different paths.
        """
        if not self.faults:
            return None
        number = self._asked[method, path] = self._asked.get((method, path), 0) + 1
        for place, fault in enumerate(self.faults):
            if not fault.fits(method, path):
                continue
            if share(self.seed, "fault", place, method, path, number) < fault.share:
                if fault.count is not None:
                    fault.count -= 1
                self.happened.append((method, path, fault))
                return fault
        return None


def parse(text: str) -> tuple[Fault, ...]:
    """Read faults such as `timeout=0.01,late-504=0.02,429=0.05`.

    Raises:
        BadInputError: `bad_fault`.
    """
    return tuple(_one(part.strip()) for part in text.split(",") if part.strip())


def _one(text: str) -> Fault:
    name, _, amount = text.partition("=")
    after = name.startswith(LATE)
    word = name.removeprefix(LATE)
    try:
        often = float(amount or "0.01")
    except ValueError:
        often = -1.0
    known = word in STATUSES or word in SIMPLE
    if not known or not 0 <= often <= 1:
        raise BadInputError(
            "bad_fault",
            f"{text!r} is no fault that can be simulated.",
            why="A fault is a name and how often it happens, from 0 to 1, such as 'timeout=0.01'.",
            cure=f"Names: {', '.join([*SIMPLE, *sorted(STATUSES)])}; "
            f"'{LATE}' before a name lets what was asked for happen first.",
        )
    if word in STATUSES:
        return Fault(Kind.STATUS, often, after=after, status=int(word))
    return Fault(SIMPLE[word], often, after=after)
