"""What a timer must know to run Carrel as it runs here: program, settings, deployment."""

from datetime import timedelta

from carrel.domain.records import dataclass
from carrel.errors import BadInputError

_HOUR, _DAY = 60, 24 * 60


@dataclass(frozen=True, slots=True)
class Place:
    """Carrel on this machine.

    Attributes:
        program: The words that start it.
        user: Who runs it.
        home: Its folder.
        config: The settings file, where a variable names another than the usual; else empty.
        url: The deployment, where a variable names it; else empty.
        named: Whether a deployment is named at all.
        token_file: The file with the token, where the settings name one; else empty.
    """

    program: tuple[str, ...]
    user: str
    home: str
    config: str
    url: str
    named: bool
    token_file: str

    def lacking(self, *token: str) -> list[str]:
        """Return comments on what is still to be named; `token` where no token file is."""
        url = "# No deployment is named yet: set url under [coder] in carrel.toml."
        return [*([] if self.named else [url]), *([] if self.token_file else token)]

    @property
    def variables(self) -> tuple[tuple[str, str], ...]:
        """The environment that makes it the same Carrel; never a secret."""
        told = (("CARREL_HOME", self.home), ("CARREL_CONFIG", self.config), ("CODER_URL", self.url))
        return tuple((name, value) for name, value in told if value)


def find_place() -> Place:
    """Return how Carrel runs here.

    Raises:
        BadInputError: `bad_coder_url` when the address can't be one.
    """
    from carrel import bootstrap
    from carrel.system import identity, programs

    settings = bootstrap.settings()
    file = bootstrap.settings_file()
    address = bootstrap.coder_address(settings) if settings.coder.url else ""
    lent = settings.origin("coder.url") != file
    return Place(
        program=programs.carrel(),
        user=identity.actor().partition("@")[0],
        home=settings.home,
        config="" if file == f"{settings.home}/carrel.toml" else file,
        url=address if lent else "",
        named=bool(address),
        token_file=settings.coder.token_file,
    )


def cron_of(every: timedelta) -> str:
    """Return the five fields of cron that mean `every`.

    Raises:
        BadInputError: `bad_duration` when cron can't say it.
    """
    minutes = every.total_seconds() / 60
    if minutes == _DAY:
        return "0 0 * * *"
    if minutes >= _HOUR and minutes % _HOUR == 0 and _DAY % minutes == 0:
        hours = int(minutes // _HOUR)
        return "0 * * * *" if hours == 1 else f"0 */{hours} * * *"
    if minutes < 1 or _HOUR % minutes:
        raise BadInputError(
            "bad_duration",
            "Cron can't run at this interval.",
            why="It counts minutes within an hour, and hours within a day.",
            cure="Take one that divides them: 1m, 5m, 15m, 30m, 1h, 6h or 1d.",
        )
    return "* * * * *" if minutes == 1 else f"*/{int(minutes)} * * * *"
