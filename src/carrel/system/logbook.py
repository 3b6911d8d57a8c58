"""The log file of what governs a fleet: one JSON document a line, rotated, without secrets."""

import logging
import os
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from typing import Any

from carrel.errors import BadInputError, FailedError
from carrel.system.scrubbing import is_secret_name, scrubbed

Note = Callable[[str, Mapping[str, object]], None]


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


def open_log(file: LogFile) -> Note:
    """Open a log file; return what is told a stable action and its facts.

    Facts may hold `level`; else an action that ends in `failed`, `uncertain` or `missed` is a
    warning, and all others are information.

    Raises:
        FailedError: `log_unwritable`.
        BadInputError: `extra_missing`.
    """
    try:
        import structlog  # noqa: PLC0415 - part of an extra
    except ModuleNotFoundError as error:
        raise BadInputError(
            "extra_missing",
            "The log can't be written: a package is not installed.",
            why=f"{error}.",
            cure="Install it: pip install 'carrel[coder]'.",
        ) from error
    target = _opened(file)
    logger = structlog.wrap_logger(
        target,
        processors=[
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.add_log_level,
            _scrub,
            structlog.processors.JSONRenderer(sort_keys=True, default=str),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(file.level),
    )

    def note(action: str, facts: Mapping[str, object]) -> None:
        level = str(facts.get("level") or _level(action))
        told = {name: value for name, value in facts.items() if name != "level"}
        getattr(logger, level)("", action=action, process=os.getpid(), **told)

    return note


def unlogged(_: str, __: Mapping[str, object]) -> None:
    """Log nothing."""


def _level(action: str) -> str:
    return "warning" if action.endswith(("failed", "uncertain", "missed")) else "info"


def _scrub(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event.pop("event", None)
    return {
        name: "***" if is_secret_name(name) else scrubbed(value) for name, value in event.items()
    }


def _opened(file: LogFile) -> logging.Logger:
    try:
        folder = os.path.dirname(file.path)
        if folder:
            os.makedirs(folder, exist_ok=True)
        handler = RotatingFileHandler(
            file.path, maxBytes=file.max_bytes, backupCount=file.keep, encoding="utf-8"
        )
    except OSError as error:
        raise FailedError(
            "log_unwritable",
            f"The log {file.path} can't be written.",
            why=f"{error.strerror}.",
            cure="Set logging.log_file to a file that can be, or to '' for none.",
        ) from error
    handler.setFormatter(logging.Formatter("%(message)s"))
    target = logging.Logger("carrel.fleet", logging.DEBUG)  # noqa: LOG001 - ours alone
    target.addHandler(handler)
    return target
