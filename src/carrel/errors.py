"""The errors of Carrel: a small tree, each with what failed, why, the cure and a stable code.

The exit codes are those of the command line: 1 failed, 2 wrong usage or settings,
3 conflicts left for a person, 4 a limit was reached, 5 not found, 6 refused for safety.
"""


class CarrelError(Exception):
    """Something failed; `what`, `why` and `cure` are sentences for a person.

    Args:
        code: Stable machine name of this failure, such as `workspace_busy`.
        what: What failed, naming the thing it failed on.
        why: The reason, where it is known.
        cure: What the reader can do about it.
    """

    exit_code = 1

    def __init__(self, code: str, what: str, *, why: str = "", cure: str = "") -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.why = why
        self.cure = cure

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.why, self.cure) if part)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.code, self.what, self.why, self.cure))


def _rebuild(kind: type[CarrelError], code: str, what: str, why: str, cure: str) -> CarrelError:
    return kind(code, what, why=why, cure=cure)


class FailedError(CarrelError):
    """An action failed for a reason outside Carrel; nothing is half-done."""


class BadInputError(CarrelError):
    """An argument, a file or a setting is wrong."""

    exit_code = 2


class LimitError(CarrelError):
    """A configured limit was reached."""

    exit_code = 4


class NotFoundError(CarrelError):
    """What was named does not exist."""

    exit_code = 5


class RefusedError(CarrelError):
    """Refused for safety: going on could lose somebody's work."""

    exit_code = 6
