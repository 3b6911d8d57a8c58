"""What the command line says when something fails: what, why, the cure; never a bare traceback."""

import json
import sys

import typer
from typer import TyperException

from carrel.cli.style import Style
from carrel.domain.records import dataclass
from carrel.errors import CarrelError
from carrel.system import terminal

INTERRUPTED = 130
HUNG_UP = 141


@dataclass(frozen=True, slots=True)
class Asked:
    """How errors are to be told.

    Attributes:
        as_json: As a JSON document.
        debug: With the traceback.
    """

    as_json: bool
    debug: bool

    @classmethod
    def read(cls, arguments: list[str]) -> "Asked":
        """Read it from the arguments, which may be wrong in every other way."""
        ours = arguments[: arguments.index("--")] if "--" in arguments else arguments
        return cls("--json" in ours, "--debug" in ours or terminal.debugging())


def report(error: Exception, asked: Asked) -> int:
    """Tell of an error on standard error and return the exit code."""
    if isinstance(error, typer.Abort):
        return INTERRUPTED
    if asked.debug and not isinstance(error, TyperException):
        _print_traceback(error)
    told, code = _told(error, asked)
    show(told, as_json=asked.as_json)
    return code


def show(error: CarrelError, *, as_json: bool) -> None:
    """Print an error on standard error."""
    if as_json:
        body = {"code": error.code, "message": _sentences(error.what, error.why)}
        print(json.dumps({"error": {**body, "cure": error.cure}}), file=sys.stderr)  # noqa: T201
        return
    style = Style.of(sys.stderr)
    print(style.red("Error: ") + style.bold(error.what), file=sys.stderr)  # noqa: T201
    if error.why:
        print(f"  {error.why}", file=sys.stderr)  # noqa: T201
    if error.cure:
        print(f"  {style.green('→')} {error.cure}", file=sys.stderr)  # noqa: T201


def hung_up() -> int:
    """End quietly when nobody reads our output any more."""
    terminal.silence()
    return HUNG_UP


def _told(error: Exception, asked: Asked) -> tuple[CarrelError, int]:
    if isinstance(error, CarrelError):
        return error, error.exit_code
    if isinstance(error, TyperException):
        return _usage(error), 2
    return _unexpected(error, asked), 1


def _usage(error: TyperException) -> CarrelError:
    path = getattr(getattr(error, "ctx", None), "command_path", "carrel")
    message = error.format_message().strip()
    return CarrelError(
        "usage",
        message if message.endswith((".", "?", ")")) else f"{message}.",
        cure=f"See '{path} --help'.",
    )


def _unexpected(error: Exception, asked: Asked) -> CarrelError:
    cure = "Please report it"
    if not asked.debug:
        cure += f" with the details in {_saved_traceback(error)}"
    return CarrelError(
        "unexpected",
        "Carrel made a mistake and stopped.",
        why=f"{type(error).__name__}: {error}",
        cure=f"{cure}. Running the command again is safe.",
    )


def _print_traceback(error: Exception) -> None:
    import traceback

    traceback.print_exception(error, file=sys.stderr)


def _saved_traceback(error: Exception) -> str:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile(
        "w", prefix="carrel-", suffix=".trace", delete=False, errors="backslashreplace"
    ) as file:
        traceback.print_exception(error, file=file)
    return file.name


def _sentences(*parts: str) -> str:
    return " ".join(part for part in parts if part)
