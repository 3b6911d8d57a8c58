"""Lines for a crontab."""

import shlex
from datetime import timedelta

from carrel.cli.schedules.place import Place, cron_of
from carrel.domain.governance.saying import span


def crontab(place: Place, every: timedelta) -> str:
    """Return the lines that govern a fleet, and report on times to live, by cron."""
    program = _escaped(shlex.join(place.program))
    report = _escaped(shlex.quote(f"{place.home}/ttl-report.txt"))
    lines = [
        f"# Carrel governs the fleet every {span(every)}, and says each hour who runs too",
        "# long. To take these lines in: (crontab -l; carrel schedule cron) | crontab -",
        "# What goes wrong comes by mail; what was done is in the ledger and in agents.log.",
        *place.lacking(*_TOKEN),
        *(f"{name}={_quoted(value)}" for name, value in place.variables),
        f"{cron_of(every)} {program} govern --once >/dev/null",
        f"0 * * * * {program} ttl report > {report}",
    ]
    return "\n".join(lines) + "\n"


_TOKEN = (
    "# Cron lends no token: put it into a file that only you can read, and name that file",
    "# as token_file under [coder] in carrel.toml.",
)


def _escaped(command: str) -> str:
    return command.replace("%", "\\%")  # cron reads a bare one as the end of the line


def _quoted(value: str) -> str:
    return f'"{value}"' if value != value.strip() or " " in value else value
