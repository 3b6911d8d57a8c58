"""From a method and a path to the endpoint that answers."""

from collections.abc import Callable, Iterable

from carrel.domain.records import dataclass
from carrel.simulators.coder.protocol.call import Answer, Call
from carrel.simulators.coder.refusals import RefusalError

Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint.

    Attributes:
        method: Such as `GET`.
        path: Below `/api/v2`, with names in braces.
        handler: Answers.
        open: It answers without a token.
    """

    method: str
    path: str
    handler: Handler
    open: bool = False


class Routes:
    """All endpoints. A path without names is found before one with names."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes: dict[int, list[tuple[list[str], Route]]] = {}
        for route in sorted(routes, key=lambda one: one.path.count("{")):
            parts = route.path.strip("/").split("/")
            self._routes.setdefault(len(parts), []).append((parts, route))

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """Return the endpoint of a path, and what the path names."""
        parts = path.strip("/").split("/")
        known = False
        for pattern, route in self._routes.get(len(parts), []):
            names = _names(pattern, parts)
            if names is None:
                continue
            if route.method == method:
                return route, names
            known = True
        raise RefusalError(405 if known else 404, "Route not found.")


def _names(pattern: list[str], parts: list[str]) -> dict[str, str] | None:
    names: dict[str, str] = {}
    for wanted, part in zip(pattern, parts, strict=True):
        if wanted.startswith("{"):
            names[wanted.strip("{}")] = part
        elif wanted != part:
            return None
    return names
