"""Version, licence and permissions of a deployment: what it does itself, what is left to us."""

from concurrent.futures import ThreadPoolExecutor

from carrel.backends.coder.answers import answer_unknown
from carrel.backends.coder.client import Client
from carrel.backends.coder.reading import Record, record, text
from carrel.domain.fleet.deployment import Deployment, Feature, Source
from carrel.domain.records import dataclass
from carrel.errors import FailedError

_UNAUTHORIZED = "token_refused"
_AT_ONCE = 4
"""Questions beside the first; none needs another's answer."""


@dataclass(frozen=True, slots=True)
class _Licensed:
    """A feature that a licence decides.

    Attributes:
        name: What we call it.
        key: What the licence calls it.
        otherwise: Who provides it without.
        without: What it means that it is not licensed.
    """

    name: str
    key: str
    otherwise: Source
    without: str


_SCHEDULING = "advanced_template_scheduling"
_OURS, _NONE = Source.OURS, Source.UNAVAILABLE
_LICENSED = (
    _Licensed("quiet_hours", _SCHEDULING, _OURS, "Windows come from carrel.toml."),
    _Licensed("autostop_requirement", _SCHEDULING, _OURS, "Policies of carrel.toml stop instead."),
    _Licensed(
        "dormancy", _SCHEDULING, _OURS, "Carrel makes workspaces dormant when a policy says so."
    ),
    _Licensed("groups", "template_rbac", _NONE, "Rules for groups match nobody."),
    _Licensed("audit", "audit_log", _NONE, "There is no audit log to read."),
    _Licensed(
        "connections",
        "connection_log",
        _NONE,
        "Idle is judged from last use, agents and tasks alone.",
    ),
    _Licensed("prebuilds", "workspace_prebuilds", _NONE, "There are no prebuilt workspaces."),
    _Licensed("organizations", "multiple_organizations", _NONE, "There is one organization."),
)
_ALWAYS = (
    Feature("time_to_live", Source.NATIVE, "Every deployment has it."),
    Feature("autostart", Source.NATIVE, "Every deployment has it."),
    Feature("budget", Source.OURS, "Coder counts credits, not money."),
    Feature("keep_alive", Source.OURS, "Coder only moves one deadline."),
    Feature("undo", Source.OURS, "Coder has none."),
)


@dataclass(frozen=True, slots=True)
class _Right:
    resource: str
    action: str
    without: str


_RIGHTS = (
    _Right("workspace", "read", "It may not see other people's workspaces."),
    _Right("workspace", "stop", "It may not stop other people's workspaces."),
    _Right("workspace", "start", "It may not start other people's workspaces."),
    _Right("workspace", "update", "It may not change time to live, deadline or dormancy."),
    _Right("workspace", "delete", "It may not delete other people's workspaces."),
    _Right("template", "read", "It may not see all templates."),
    _Right("user", "read", "It may not see all users."),
    _Right("group", "read", "It may not see all groups."),
    _Right("audit_log", "read", "It may not read the audit log."),
    _Right("connection_log", "read", "It may not read the connection log."),
    _Right("deployment_config", "read", "It may not read the deployment's settings."),
    _Right("provisioner_jobs", "read", "It may not see how busy the provisioners are."),
)


def find_out(client: Client) -> Deployment:
    """Ask a deployment what it is, what it offers, and what the token may do: all at once.

    Raises:
        FailedError: `fleet_unreachable`, `token_refused`, `fleet_answer_unknown`.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        me = pool.submit(client.document, "/users/me")
        licensed, tasks = pool.submit(_features, client), pool.submit(_tasks, client)
        missing = pool.submit(_missing, client)
        build = record(client.document("/buildinfo"))
        version = text(build.get("version"))
        if not version:
            raise answer_unknown(client.address, "/buildinfo", "It does not tell a version.")
        return Deployment(
            url=client.address,
            deployment_id=text(build.get("deployment_id")),
            version=version,
            user=text(record(me.result()).get("username")),
            features=(*licensed.result(), tasks.result(), *_ALWAYS),
            missing=missing.result(),
        )


def _features(client: Client) -> tuple[Feature, ...]:
    try:
        answer = record(client.document("/entitlements"))
        if not isinstance(answer.get("features"), dict):
            raise answer_unknown(client.address, "/entitlements", "It names no features.")
        known = record(answer.get("features"))
    except FailedError as error:
        if error.code == _UNAUTHORIZED:
            raise
        why = f"What is licensed could not be seen. {error.why}".strip()
        return tuple(Feature(one.name, Source.UNAVAILABLE, why) for one in _LICENSED)
    return tuple(_licensed(one, record(known.get(one.key))) for one in _LICENSED)


def _licensed(one: _Licensed, found: Record) -> Feature:
    entitlement = text(found.get("entitlement"))
    if entitlement not in {"entitled", "grace_period"}:
        return Feature(one.name, one.otherwise, f"It is not licensed here. {one.without}")
    if found.get("enabled") is not True:
        return Feature(one.name, one.otherwise, f"It is licensed, but off. {one.without}")
    late = " The licence has ended; its time of grace runs." if entitlement != "entitled" else ""
    return Feature(one.name, Source.NATIVE, f"It is licensed and on.{late}")


def _tasks(client: Client) -> Feature:
    """Tell whether there are AI tasks: asked for with a search that few tasks match."""
    try:
        client.read("/tasks", {"q": "owner:me"})
    except FailedError as error:
        if error.code == _UNAUTHORIZED:
            raise
        if error.code == "fleet_not_offered":
            return Feature("tasks", Source.UNAVAILABLE, "This version has no AI tasks to pause.")
    return Feature("tasks", Source.NATIVE, "AI tasks are paused, not stopped.")


def _missing(client: Client) -> tuple[str, ...]:
    checks = {
        f"{right.resource}.{right.action}": {
            "object": {"resource_type": right.resource},
            "action": right.action,
        }
        for right in _RIGHTS
    }
    try:
        content = client.ask("/authcheck", {"checks": checks})
        allowed = record(client.decoded("/authcheck", content))
    except FailedError as error:
        if error.code == _UNAUTHORIZED:
            raise
        return ("What the token may do could not be seen.",)
    return tuple(
        right.without
        for right in _RIGHTS
        if allowed.get(f"{right.resource}.{right.action}") is False
    )


def licence_hidden(deployment: Deployment) -> bool:
    """Whether it could not be seen what is licensed: then nobody knows who provides what."""
    return deployment.source("quiet_hours") is Source.UNAVAILABLE
