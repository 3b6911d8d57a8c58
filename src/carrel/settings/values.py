"""Every setting there is: its name, its default, what it means and what it may be."""

from collections.abc import Iterator, Mapping
from dataclasses import field, fields
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar, cast

from carrel.domain.conflicts import ConflictKind, Side, Strategy
from carrel.domain.records import dataclass
from carrel.settings import readers
from carrel.settings.readers import Reader

T = TypeVar("T")


def _key(default: T, reader: Reader[T], meaning: str, *, secret: bool = False) -> T:
    return field(default=default, metadata={"key": Key(reader, meaning, secret)})


class Key(NamedTuple):
    """What is known of a setting besides its name and value.

    Attributes:
        reader: How it is read.
        meaning: One sentence for a person.
        secret: Holds a password that is never shown.
    """

    reader: Reader[Any]
    meaning: str
    secret: bool


class Level(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


# Without methods that nobody calls: Python makes each of them from source at every start, and a
# repr would show the password in database.url.
_section = dataclass(frozen=True, slots=True, repr=False, eq=False)

_PATTERNS = "a list of patterns, such as ['.env', 'node_modules/']"


@_section
class Database:
    """`[database]`."""

    url: str = _key(
        "",
        readers.text("sqlite:///FILE or postgresql://USER:PASSWORD@HOST:PORT/DATABASE"),
        "Where Carrel keeps its tables; default: carrel.db in its home.",
        secret=True,
    )


@_section
class Workspace:
    """`[workspace]`."""

    root: str = _key(
        "",
        readers.text("a folder"),
        "Folder in which workspaces live; default: workspace.worker_dir, else workspaces/ in "
        "Carrel's home.",
    )
    worker_dir: str = _key(
        "", readers.text("a folder"), "Used as workspace.root when that isn't given."
    )
    max_count: int = _key(50, readers.whole(1), "Most open workspaces at once, all projects.")
    max_depth: int = _key(10, readers.whole(0), "Longest chain of parents; 0: no children.")
    disk_threshold_gb: float = _key(
        10.0,
        readers.amount(zero=True),
        "Gigabytes (10⁹ bytes) that must stay free where workspaces live.",
    )
    auto_merge: bool = _key(
        default=False,
        reader=readers.switch(),
        meaning="Whether cleaning up merges unmerged work first.",
    )
    conflict_strategy: Strategy = _key(
        Strategy.NEWEST_FILE_WINS,
        readers.one_of(Strategy),
        "How a conflict is settled that no rule of [merge] names.",
    )
    driver: str = _key(
        "auto",
        readers.text("auto, or a driver that `carrel doctor` lists"),
        "How trees are presented; auto takes the fastest that works.",
    )


@_section
class Merge:
    """`[merge]`."""

    tie: Side = _key(
        Side.CHILD, readers.one_of(Side), "Who wins when both sides of a conflict are equally new."
    )
    globs: tuple[tuple[str, Strategy], ...] = _key(
        (),
        readers.table(readers.plain_text, Strategy, "a table from patterns"),
        "Strategy per pattern of paths; the first that fits counts.",
    )
    kinds: tuple[tuple[ConflictKind, Strategy], ...] = _key(
        (),
        readers.table(readers.member_of(ConflictKind), Strategy, "a table from kinds of conflict"),
        "Strategy per kind of conflict; goes before merge.globs.",
    )
    command: tuple[str, ...] = _key(
        (),
        readers.texts("a list: a program and its arguments"),
        "Merge program of the strategy `command`.",
    )


@_section
class Checkpoint:
    """`[checkpoint]`."""

    max_file_mb: float = _key(
        50.0,
        readers.amount(zero=False),
        "Largest file, in megabytes (10⁶ bytes), that a checkpoint takes.",
    )
    auto_minutes: float = _key(
        30.0,
        readers.amount(zero=True),
        "Age of the last checkpoint, in minutes, at which `carrel tend` makes another; 0: never.",
    )


@_section
class Retention:
    """`[retention]`."""

    merged_hours: float = _key(
        1.0, readers.amount(zero=True), "Hours until an unused merged workspace may go."
    )
    failed_hours: float = _key(
        24.0, readers.amount(zero=True), "Hours until an unused failed workspace may go."
    )
    idle_hours: float = _key(
        168.0, readers.amount(zero=True), "Hours until any other unused workspace may go."
    )
    trash_hours: float = _key(
        72.0, readers.amount(zero=True), "Hours until the trash lets go of a workspace for good."
    )


@_section
class Tend:
    """`[tend]`."""

    interval_minutes: float = _key(
        10.0, readers.amount(zero=False), "Minutes between two passes of `carrel tend --watch`."
    )


@_section
class Watch:
    """`[watch]`."""

    ttl_minutes: float = _key(
        15.0, readers.amount(zero=False), "Minutes between two reports of `carrel ttl watch`."
    )


@_section
class Files:
    """`[files]`."""

    copy: tuple[str, ...] = _key(
        (), readers.texts(_PATTERNS), "Ignored files that a new workspace gets a copy of."
    )
    share: tuple[str, ...] = _key(
        (), readers.texts(_PATTERNS), "Ignored files and folders that a new workspace shares."
    )


@_section
class Git:
    """`[git]`."""

    allow_filters: tuple[str, ...] = _key(
        (),
        readers.texts("a list of names, such as ['lfs']"),
        "Filters that attributes may name; run by the commands of your own git configuration.",
    )


@_section
class Identity:
    """`[identity]`."""

    name: str = _key("Carrel", readers.text("a name"), "Author of the commits Carrel makes.")
    email: str = _key(
        "carrel@localhost", readers.text("an e-mail address"), "E-mail address of that author."
    )


@_section
class Coder:
    """`[coder]`. The token itself is no setting: variables lend it, or a private file."""

    url: str = _key(
        "",
        readers.text("an address such as 'https://coder.example.com'"),
        "The Coder deployment to govern.",
        secret=True,
    )
    token_file: str = _key(
        "",
        readers.text("a file that only you can read"),
        "File with a session token, used where no variable lends one.",
    )
    ca_file: str = _key(
        "",
        readers.text("a file of certificates in PEM form"),
        "Certificates that are trusted besides those of this machine.",
    )
    timeout_seconds: float = _key(
        30.0, readers.amount(zero=False), "Seconds that an answer of the deployment may take."
    )
    requests_per_minute: int = _key(
        480,
        readers.whole(0),
        "Most requests a minute that go to one path; 0: no limit. A deployment allows 512.",
    )
    record_days: int = _key(
        90,
        readers.whole(0, 36_500),
        "Days that what `carrel govern` saw is kept, to look back and ahead; 0: nothing is.",
    )
    plan_days: int = _key(
        90,
        readers.whole(0, 36_500),
        "Days that plans are kept; 0: no longer than undoing and limits need them.",
    )


@_section
class Safety:
    """`[safety]`."""

    max_stops_per_minute: int = _key(
        10, readers.whole(1), "Most stops begun in a minute, over all processes."
    )
    batch_size: int = _key(
        10, readers.whole(1), "Actions that are begun before they are followed to their end."
    )
    max_concurrent_stops: int = _key(
        10, readers.whole(1), "Most stops under way at once, over all processes."
    )
    max_stops: int = _key(100, readers.whole(1), "Most stops of one plan.")
    max_percent: float = _key(
        50.0,
        readers.percent(),
        "Most stops of one plan, in percent of the running workspaces.",
    )
    max_emergency_stops: int = _key(
        0, readers.whole(0), "Most stops of an emergency stop; 0: no cap."
    )
    emergency_stops_per_minute: int = _key(
        60, readers.whole(1), "Most stops begun in a minute by an emergency stop."
    )
    max_failures: int = _key(
        5, readers.whole(1), "So many failed or uncertain actions end a plan's run."
    )
    max_queue: int = _key(
        50, readers.whole(0), "So many waiting jobs hold back new stops; 0: never."
    )
    rollback_hours: float = _key(
        24.0, readers.amount(zero=False), "Hours within which a plan can be undone."
    )
    freshness_minutes: float = _key(
        10.0, readers.amount(zero=False), "Age, in minutes, up to which an observation counts."
    )
    emergency_stop_enabled: bool = _key(
        default=True,
        reader=readers.switch(),
        meaning="Whether the whole fleet may be stopped by one command.",
    )


@_section
class Notifications:
    """`[notifications]`."""

    enabled: bool = _key(
        default=False,
        reader=readers.switch(),
        meaning="Whether owners are warned, and stops wait until they were.",
    )
    lead_minutes: float = _key(
        15.0, readers.amount(zero=False), "Minutes that an owner is warned before a stop."
    )
    routes: tuple[tuple[str, str], ...] = _key(
        (),
        readers.pairs("a table to Apprise URLs from mail, user:NAME, group:NAME or OWNER/NAME"),
        "Where warnings go; `mail` is a mail server, to which the owner's address is added.",
        secret=True,
    )


@_section
class Logging:
    """`[logging]`."""

    log_file: str = _key(
        "agents.log", readers.text("a file"), "Log of what governs a fleet; empty: none."
    )
    level: Level = _key(Level.INFO, readers.one_of(Level), "The least that is written.")
    max_mb: float = _key(
        10.0, readers.amount(zero=False), "Megabytes after which a new file is begun."
    )
    keep: int = _key(5, readers.whole(0), "Older files that are kept.")


class Described(NamedTuple):
    """A setting as `carrel config show` tells it.

    Attributes:
        key: `section.key`.
        value: A JSON value, its password masked.
        origin: `default`, the file, or the environment variable.
        meaning: One sentence.
    """

    key: str
    value: object
    origin: str
    meaning: str


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Settings:
    """All settings, read once.

    Attributes:
        home: Carrel's folder (`CARREL_HOME`): database, projects, carrel.toml.
        policies: The tables `[policy.NAME]`, unread: each policy reads its own.
        origins: Where each value that isn't a default came from.
    """

    home: str
    database: Database = field(default_factory=Database)
    workspace: Workspace = field(default_factory=Workspace)
    merge: Merge = field(default_factory=Merge)
    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    retention: Retention = field(default_factory=Retention)
    tend: Tend = field(default_factory=Tend)
    watch: Watch = field(default_factory=Watch)
    files: Files = field(default_factory=Files)
    git: Git = field(default_factory=Git)
    identity: Identity = field(default_factory=Identity)
    coder: Coder = field(default_factory=Coder)
    safety: Safety = field(default_factory=Safety)
    notifications: Notifications = field(default_factory=Notifications)
    logging: Logging = field(default_factory=Logging)
    policies: tuple[tuple[str, Mapping[str, object]], ...] = ()
    origins: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"Settings(home={self.home!r})"

    def origin(self, key: str) -> str:
        """Return where the value of `section.key` came from."""
        return dict(self.origins).get(key, "default")

    def describe(self) -> list[Described]:
        """Return every setting with its value, origin and meaning; passwords masked."""
        meaning = "Carrel's folder: database, projects, carrel.toml (CARREL_HOME)."
        lines = [Described("home", self.home, self.origin("home"), meaning)]
        for name, key in keys():
            section, _, entry = name.partition(".")
            value = _plain(getattr(getattr(self, section), entry), table=key.reader.table)
            shown = _hidden(value) if key.secret else value
            lines.append(Described(name, shown, self.origin(name), key.meaning))
        for policy, table in self.policies:
            meaning = f"Settings of the policy {policy}; `carrel policy check` looks at them."
            name = f"policy.{policy}"
            lines.append(Described(name, _json_of(table), self.origin(name), meaning))
        return lines


SECTIONS: dict[str, type[Any]] = {
    "database": Database,
    "workspace": Workspace,
    "merge": Merge,
    "checkpoint": Checkpoint,
    "retention": Retention,
    "tend": Tend,
    "watch": Watch,
    "files": Files,
    "git": Git,
    "identity": Identity,
    "coder": Coder,
    "safety": Safety,
    "notifications": Notifications,
    "logging": Logging,
}


def keys() -> Iterator[tuple[str, Key]]:
    """Return every setting, as `section.key`, in the order of the file."""
    for section, kind in SECTIONS.items():
        for entry in fields(kind):
            yield f"{section}.{entry.name}", cast("Key", entry.metadata["key"])


def _plain(value: object, *, table: bool) -> object:
    """Return a value as JSON knows it."""
    if not isinstance(value, tuple):
        return value if isinstance(value, bool | int | float) else str(value)
    if table:
        pairs = cast("tuple[tuple[str, str], ...]", value)
        return {str(left): str(right) for left, right in pairs}
    return [str(item) for item in cast("tuple[object, ...]", value)]


def _json_of(value: object) -> object:
    """Return a value of a TOML table as JSON knows it: moments become texts."""
    if isinstance(value, dict):
        table = cast("dict[str, object]", value)
        return {name: _json_of(item) for name, item in table.items()}
    if isinstance(value, list):
        return [_json_of(item) for item in cast("list[object]", value)]
    return value if isinstance(value, bool | int | float | str) else str(value)


def _hidden(value: object) -> object:
    """Return a secret value as it may be shown."""
    if isinstance(value, dict):
        return dict.fromkeys(cast("dict[str, object]", value), "***")
    return _masked(str(value))


def _masked(url: str) -> str:
    scheme, mark, rest = url.partition("://")
    login, at, place = rest.rpartition("@")
    user, colon, _ = login.partition(":")
    return f"{scheme}{mark}{user}{':***' if colon else ''}{at}{place}"
