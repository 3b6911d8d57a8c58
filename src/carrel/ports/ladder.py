"""The ladder of drivers as a port."""

from typing import Protocol

from carrel.domain.records import dataclass
from carrel.ports.driver import Capabilities, Driver, Probe


@dataclass(frozen=True, slots=True)
class Rung:
    """One driver of the ladder, as `carrel doctor` tells of it."""

    name: str
    probe: Probe
    capabilities: Capabilities
    chosen: bool


class Ladder(Protocol):
    """The drivers of this machine, fastest first."""

    def driver(self, name: str) -> Driver:
        """Return a driver by name. Raises BadInputError `unknown_driver`."""
        ...

    def choose(self, where: str, wanted: str = "auto") -> Driver:
        """Return the wanted driver, or the fastest that works and has a host path.

        Raises:
            FailedError: `driver_unusable`, with why and the cure.
        """
        ...

    def explain(self, where: str) -> list[Rung]:
        """Probe every driver anew, fastest first."""
        ...

    def leftovers(self, where: str) -> list[str]:
        """Return the scratch folders of probes that were killed."""
        ...

    def sweep(self, where: str) -> None:
        """Clear those scratch folders away."""
        ...
