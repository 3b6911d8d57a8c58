"""The only file that knows every concrete class: wires settings, database, drivers, clock."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from carrel.domain.records import dataclass
from carrel.errors import BadInputError
from carrel.plugins import Catalog
from carrel.ports.clock import Clock
from carrel.ports.store import Store
from carrel.settings.loading import load, load_with, settings_path
from carrel.settings.values import Settings
from carrel.stores.database import DatabaseService
from carrel.system import identity
from carrel.system.clock import SystemClock

if TYPE_CHECKING:
    from carrel.backends.coder.coder import Coder
    from carrel.control.context import Config, Context
    from carrel.control.fleet.context import FleetContext, Recipients, Tables
    from carrel.domain.governance.safety import Safety
    from carrel.domain.governance.verdicts import Policy
    from carrel.planning.deciding import Configured
    from carrel.settings.importing import Import
    from carrel.system.logbook import Logbook


def open_context(
    settings: Settings | None = None, *, store: Store | None = None, actor: str | None = None
) -> "Context":
    """Wire a context.

    Args:
        settings: Read from the environment and `carrel.toml` when None.
        store: A database of the caller's; the one of the settings when None.
        actor: Who asks, for the ledger; `user@host` when None.
    """
    from carrel.backends.local.ladder import LocalLadder  # noqa: PLC0415 - not for fleets
    from carrel.control.context import Context  # noqa: PLC0415 - as above
    from carrel.git.storing.remote import Access  # noqa: PLC0415 - as above

    known = settings if settings is not None else load()
    return Context(
        store=store if store is not None else Database(known.database.url),
        clock=SystemClock(),
        ladder=LocalLadder(known.home),
        config=_config(known),
        actor=actor or identity.actor(),
        access=Access(environment=identity.lent_environment()),
    )


def open_throwaway(home: str) -> "Context":
    """Wire a context in a folder of its own, whatever this machine's settings say."""
    return open_context(load({"CARREL_HOME": home, "CARREL_WORKSPACE_DISK_THRESHOLD_GB": "0"}))


def open_coder(
    settings: Settings | None = None,
    clock: Clock | None = None,
    *,
    lent: tuple[str, str] | None = None,
) -> "Coder":
    """Wire the Coder deployment that the settings name; nothing is sent yet.

    Args:
        settings: Read from the environment and `carrel.toml` when None.
        clock: The time that counts there; when None, this machine's.
        lent: A token, and who lends it; when None, the environment or the token file does.

    Raises:
        BadInputError: `bad_coder_url`, `no_coder_token`, `bad_ca_file` or `extra_missing`.
        RefusedError: `token_file_exposed`.
    """
    from carrel.settings.credentials import coder_token  # noqa: PLC0415 - for fleets only

    try:
        from carrel.backends.coder.coder import Coder  # noqa: PLC0415 - an HTTP library
        from carrel.backends.coder.tokens import find_token  # noqa: PLC0415 - with it
        from carrel.backends.coder.travelling import Travel  # noqa: PLC0415 - with it
    except ModuleNotFoundError as error:
        raise _extra_missing("coder", error) from error
    known = (settings if settings is not None else load()).coder
    token = find_token(lent or coder_token(), known.token_file)
    return Coder(
        known.url,
        token,
        clock or SystemClock(),
        Travel(known.ca_file, known.timeout_seconds, known.requests_per_minute),
    )


def coder_address(settings: Settings) -> str:
    """Return the address of the deployment that the settings name, without any secret.

    Raises:
        BadInputError: `bad_coder_url`.
    """
    from carrel.backends.coder.address import checked_address  # noqa: PLC0415 - for fleets only

    return checked_address(settings.coder.url)


def open_fleet(
    settings: Settings | None = None,
    *,
    store: Store | None = None,
    actor: str | None = None,
    say: Callable[[str], None] | None = None,
    verbose: bool = False,
) -> "FleetContext":
    """Wire a fleet; nothing is sent before something needs it.

    A freeze needs neither an address nor a token, nor policies that can be read.

    Args:
        settings: Read from the environment and `carrel.toml` when None.
        store: A database of the caller's; the one of the settings when None.
        actor: Who asks, for the ledger; `user@host` when None.
        say: Told what a person should know though nothing failed.
        verbose: Log everything, whatever the settings say.

    Raises:
        BadInputError: `bad_coder_url`, `bad_policy`, `unknown_policy` or `extra_missing`.
        FailedError: `log_unwritable`.
    """
    from carrel.backends.coder.timing import DeploymentClock  # noqa: PLC0415 - as above
    from carrel.control.fleet.context import FleetContext  # noqa: PLC0415 - as above
    from carrel.system.notifier import AppriseNotifier  # noqa: PLC0415 - as above

    known = settings if settings is not None else load()
    address = coder_address(known)
    clock = DeploymentClock(SystemClock(), address)
    ctx = FleetContext(
        store=store if store is not None else Database(known.database.url),
        clock=clock,
        connect=lambda: open_coder(known, clock),
        address=address,
        actor=actor or identity.actor(),
        notifier=AppriseNotifier(),
        policies=_written_policies(known),
        compliance=_compliance(known),
        configure=lambda tables: _overlaid(known, tables),
        safety=_safety(known),
        recipients=_recipients(known),
        remember=timedelta(days=known.coder.record_days),
        keep_plans=timedelta(days=known.coder.plan_days),
    )
    book = _logbook(known, verbose=verbose)
    if book is not None:
        ctx.log, ctx.ending = book.note, (book.close,)
    if say is not None:
        ctx.say = say
    return ctx


def open_throwaway_fleet(home: str, url: str, token: str, clock: Clock) -> "FleetContext":
    """Wire a fleet with a folder of its own, whatever this machine's settings say.

    Args:
        home: Holds carrel.toml and the database.
        url: Where the deployment is.
        token: For it.
        clock: Its time.
    """
    variables = {"CARREL_HOME": home, "CODER_URL": url, "CARREL_CODER_REQUESTS_PER_MINUTE": "0"}
    known = load(variables)
    ctx = open_fleet(known)
    ctx.clock = clock
    ctx.connect = lambda: open_coder(known, clock, lent=("the demonstration", token))
    return ctx


def open_freezer() -> "FleetContext":
    """Wire what a freeze needs: the database, and nothing that could be wrong besides."""
    from carrel.control.fleet.context import FleetContext  # noqa: PLC0415 - for fleets only
    from carrel.system.notifier import AppriseNotifier  # noqa: PLC0415 - as above

    known = load()
    return FleetContext(
        store=Database(known.database.url),
        clock=SystemClock(),
        connect=lambda: open_coder(known),
        address=known.coder.url,
        actor=identity.actor(),
        notifier=AppriseNotifier(),
    )


@dataclass(frozen=True, slots=True)
class KnownPolicy:
    """A policy that could be in force.

    Attributes:
        name: Its name.
        summary: What it does, a sentence.
        state: `always` in force; `on` or `off` by its table; `unset` without one.
        keeps: It only ever keeps a workspace.
        needs: Without these it can't answer.
        table: Its table in carrel.toml.
    """

    name: str
    summary: str
    state: str
    keeps: bool
    needs: frozenset[str]
    table: Mapping[str, object]


def known_policies() -> tuple[KnownPolicy, ...]:
    """Return every policy that there is, those in force first, in the order of asking.

    Raises:
        BadInputError: `unknown_policy`.
    """
    from carrel.planning.deciding import ALWAYS, in_force  # noqa: PLC0415 - for fleets only

    tables = dict(load().policies)
    catalog = _policy_catalog()
    acting = in_force(tables)
    found: list[KnownPolicy] = []
    for name in dict.fromkeys((*acting, *tables, *catalog.names())):
        policy = cast("Policy", catalog.load(name))
        ruled = "off" if name in tables or name in ALWAYS else "unset"
        state = ("on" if name in tables else "always") if name in acting else ruled
        table = tables.get(name, {})
        found.append(KnownPolicy(name, policy.summary, state, policy.protects, policy.needs, table))
    return tuple(found)


def policies(settings: Settings | None = None) -> "tuple[Configured, ...]":
    """Return the policies in force, with their settings.

    Args:
        settings: Read from the environment and `carrel.toml` when None.

    Raises:
        BadInputError: `bad_policy` or `unknown_policy`.
    """
    from carrel.planning.deciding import in_force  # noqa: PLC0415 - for fleets only

    known = settings if settings is not None else load()
    return tuple(_configured(known, name) for name in in_force(dict(known.policies)))


def _written_policies(settings: Settings) -> "tuple[Configured, ...]":
    """Return the policies in force; what is wrong with one is said with the name of the file."""
    try:
        return policies(settings)
    except BadInputError as error:
        cure = f"{error.cure} The settings are in {settings_path()}."
        raise BadInputError(error.code, error.what, why=error.why, cure=cure) from error


def _overlaid(settings: Settings, over: "Tables") -> "tuple[Configured, ...]":
    """Return the policies in force when tables are laid over those of the settings."""
    from carrel.planning.deciding import overlaid  # noqa: PLC0415 - for fleets only

    tables = overlaid(dict(settings.policies), over)
    return policies(replace(settings, policies=tuple(tables.items())))


def _compliance(settings: Settings) -> "Configured":
    """Return the rules on times to live: what is not in force can still be reported against."""
    return _configured(settings, "time_to_live")


def _configured(settings: Settings, name: str) -> "Configured":
    from carrel.planning.deciding import Configured, table_of  # noqa: PLC0415 - for fleets only

    policy = cast("Policy", _policy_catalog().load(name))
    return Configured(policy, policy.read(table_of(dict(settings.policies), name)))


def _policy_catalog() -> Catalog:
    return Catalog("carrel.policies", "POLICY", "unknown_policy")


def _safety(settings: Settings) -> "Safety":
    from carrel.domain.governance.safety import Safety  # noqa: PLC0415 - for fleets only

    told = settings.safety
    return Safety(
        max_stops_per_minute=told.max_stops_per_minute,
        batch_size=told.batch_size,
        max_concurrent_stops=told.max_concurrent_stops,
        max_stops=told.max_stops,
        max_percent=told.max_percent,
        max_emergency_stops=told.max_emergency_stops,
        emergency_stops_per_minute=told.emergency_stops_per_minute,
        max_failures=told.max_failures,
        max_queue=told.max_queue,
        rollback=timedelta(hours=told.rollback_hours),
        freshness=timedelta(minutes=told.freshness_minutes),
        emergency_stop_enabled=told.emergency_stop_enabled,
    )


def _recipients(settings: Settings) -> "Recipients":
    from carrel.control.fleet.context import Recipients  # noqa: PLC0415 - for fleets only

    told = settings.notifications
    routes = dict(told.routes)
    return Recipients(
        enabled=told.enabled,
        lead=timedelta(minutes=told.lead_minutes),
        mail=routes.pop("mail", ""),
        routes=tuple(routes.items()),
    )


def _logbook(settings: Settings, *, verbose: bool) -> "Logbook | None":
    from carrel.system.logbook import Logbook, LogFile  # noqa: PLC0415 - for fleets only

    told = settings.logging
    if not told.log_file:
        return None
    level = "debug" if verbose else str(told.level)
    return Logbook(LogFile(told.log_file, level, int(told.max_mb * 1_000_000), told.keep))


def settings() -> Settings:
    """Return the settings in force."""
    return load()


def settings_of(path: str) -> Settings:
    """Return the settings as they would be with another file.

    Raises:
        BadInputError: `settings_file_missing`, `bad_settings_file`, `unknown_setting` or
            `bad_setting`.
    """
    return load_with(path)


def settings_file() -> str:
    """Return where the settings file is, or would be."""
    return settings_path()


def settings_import(source: str) -> "Import":
    """Plan to take the settings of a file into the settings file; nothing is written.

    Raises:
        BadInputError: `bad_import`, `bad_setting`, `unknown_setting`, or `bad_policy` when a
            policy could not read what it would get.
    """
    from carrel.settings.importing import plan_import  # noqa: PLC0415 - YAML and TOML, rarely

    planned = plan_import(source, settings_path())
    tables = planned.policies()
    for name in tables:
        _configured(Settings("", policies=tuple(tables.items())), name)
    return planned


def schema_current() -> tuple[str | None, str]:
    """Return the revision of the database, and the one that this program needs."""
    from carrel.stores import revisions, schema  # noqa: PLC0415 - Alembic, rarely

    return schema.current(Database()), revisions.HEAD


def schema_upgrade() -> tuple[str | None, str]:
    """Bring the database to this program's schema; return the revisions before and after."""
    from carrel.stores import schema  # noqa: PLC0415 - Alembic, rarely

    return schema.upgrade(Database())


def schema_check() -> list[str]:
    """Return what is wrong with the database, a sentence each."""
    from carrel.stores import schema  # noqa: PLC0415 - Alembic, rarely

    return schema.check(Database())


class Database(DatabaseService):
    """A database: that of `url`, else that of the settings.

    Args:
        url: `sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`.
    """

    def __init__(self, url: str | None = None) -> None:
        super().__init__(url if url is not None else load().database.url)


def _extra_missing(extra: str, error: ModuleNotFoundError) -> BadInputError:
    return BadInputError(
        "extra_missing",
        f"A package is not installed that the extra {extra!r} brings.",
        why=f"{error}.",
        cure=f"Install it: pip install 'carrel[{extra}]'.",
    )


def _config(settings: Settings) -> "Config":
    from carrel.control.context import Config  # noqa: PLC0415 - not for fleets
    from carrel.domain.conflicts import Rules  # noqa: PLC0415 - as above
    from carrel.domain.limits import Limits  # noqa: PLC0415 - as above
    from carrel.domain.retention import Retention  # noqa: PLC0415 - as above

    space, kept = settings.workspace, settings.retention
    return Config(
        home=settings.home,
        workspace_root=space.root,
        driver=space.driver,
        limits=Limits(space.max_count, space.max_depth, space.disk_threshold_gb),
        retention=Retention(
            merged=timedelta(hours=kept.merged_hours),
            failed=timedelta(hours=kept.failed_hours),
            idle=timedelta(hours=kept.idle_hours),
            trash=timedelta(hours=kept.trash_hours),
        ),
        rules=Rules(
            default=space.conflict_strategy,
            globs=settings.merge.globs,
            kinds=dict(settings.merge.kinds),
            tie=settings.merge.tie,
            command=settings.merge.command,
        ),
        max_file_bytes=int(settings.checkpoint.max_file_mb * 1_000_000),
        auto_checkpoint=timedelta(minutes=settings.checkpoint.auto_minutes),
        auto_merge=space.auto_merge,
        identity=(settings.identity.name, settings.identity.email),
        copy=settings.files.copy,
        share=settings.files.share,
        allow_filters=settings.git.allow_filters,
    )
