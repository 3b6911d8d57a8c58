"""The log file of what governs a fleet: one JSON document a line, rotated, without secrets."""

import os
from collections.abc import Mapping, MutableMapping
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Any

from carrel.domain.records import dataclass
from carrel.errors import BadInputError, FailedError
from carrel.system.scrubbing import is_secret_name, scrubbed

if TYPE_CHECKING:
    from logging.handlers import RotatingFileHandler

_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class LogFile:
    """Where the log goes.

    Attributes:
        path: The file.
        level: The least that is written: `debug`, `info`, `warning` or `error`.
        max_bytes: Size after which a new file is begun.
        keep: How many older files are kept.
    """

    path: str
    level: str = "info"
    max_bytes: int = 10_000_000
    keep: int = 5


class Logbook:
    """An open log file.

    Args:
        file: Where the log goes.

    Raises:
        FailedError: `log_unwritable`.
        BadInputError: `extra_missing`.
    """

    def __init__(self, file: LogFile) -> None:
        if find_spec("structlog") is None:
            raise BadInputError(
                "extra_missing",
                "The log can't be written: a package is not installed.",
                why="No module named 'structlog'.",
                cure="Install it: pip install 'carrel[coder]'.",
            )
        _refuse_unwritable(file.path)
        self._file = file
        self._handler: RotatingFileHandler | None = None
        self._logger: Any = None  # its library takes longer to load than many a command
        self._beginning = Lock()

    def note(self, action: str, facts: Mapping[str, object]) -> None:
        """Write a stable action and its facts.

        Facts may hold `level`; else an action that ends in `failed`, `uncertain` or `missed` is
        a warning, and all others are information.
        """
        level = str(facts.get("level") or _level(action))
        if _LEVELS.index(level) < _LEVELS.index(self._file.level):
            return
        told = {name: value for name, value in facts.items() if name != "level"}
        getattr(self._begun(), level)("", action=action, process=os.getpid(), **told)

    def _begun(self) -> Any:  # noqa: ANN401 - the library's
        with self._beginning:
            if self._handler is None:
                self._handler = _handler(self._file)
                self._logger = _writer(self._file, self._handler)
            return self._logger

    def close(self) -> None:
        """Close the file; the next note opens it again."""
        if self._handler is not None:
            self._handler.close()


def _writer(file: LogFile, handler: "RotatingFileHandler") -> Any:  # noqa: ANN401 - the library's
    import logging  # noqa: PLC0415 - with it

    import structlog  # noqa: PLC0415 - slow to load, and part of an extra

    target = logging.Logger("carrel.fleet", logging.DEBUG)  # noqa: LOG001 - ours alone
    target.addHandler(handler)
    return structlog.wrap_logger(
        target,
        processors=[
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.add_log_level,
            _scrub,
            structlog.processors.JSONRenderer(sort_keys=True, default=str),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(file.level),
    )


def _level(action: str) -> str:
    return "warning" if action.endswith(("failed", "uncertain", "missed")) else "info"


def _scrub(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event.pop("event", None)
    return {
        name: "***" if is_secret_name(name) else scrubbed(value) for name, value in event.items()
    }


def _refuse_unwritable(path: str) -> None:
    try:
        folder = os.path.dirname(path)
        if folder:
            os.makedirs(folder, exist_ok=True)
        with open(path, "ab"):
            pass
    except OSError as error:
        raise FailedError(
            "log_unwritable",
            f"The log {path} can't be written.",
            why=f"{error.strerror}.",
            cure="Set logging.log_file to a file that can be, or to '' for none.",
        ) from error


def _handler(file: LogFile) -> "RotatingFileHandler":
    """Return what writes to the file; it opens it with the first record, and raises nothing."""
    from logging.handlers import RotatingFileHandler  # noqa: PLC0415 - for those who log something

    return RotatingFileHandler(
        file.path, maxBytes=file.max_bytes, backupCount=file.keep, encoding="utf-8", delay=True
    )
