"""The ladder of drivers as a port."""

from typing import Protocol

from carrel.ports.driver import Driver


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
