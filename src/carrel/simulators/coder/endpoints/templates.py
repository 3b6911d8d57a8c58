"""Endpoints about templates."""

from dataclasses import replace
from datetime import timedelta

from carrel.domain.fleet.templates import Template
from carrel.simulators.coder.model.templates import Blueprint
from carrel.simulators.coder.protocol.call import Answer, Call, a_list, an_object
from carrel.simulators.coder.protocol.routing import Route
from carrel.simulators.coder.refusals import hidden, invalid
from carrel.simulators.coder.wire.templates import template
from carrel.simulators.coder.wire.writing import DAYS

SPANS = {
    "default_ttl_ms": "default_ttl",
    "activity_bump_ms": "activity_bump",
    "failure_ttl_ms": "failure_ttl",
    "time_til_dormant_ms": "time_til_dormant",
    "time_til_dormant_autodelete_ms": "time_til_delete",
    "time_til_autostop_notify_ms": "notify_lead",
}
NEVER_NONE = frozenset({"activity_bump", "notify_lead"})


def listed(call: Call) -> Answer:
    """List templates, of one organization or of all; there are no pages."""
    call.need("template", "read")
    wanted = call.names.get("organization", "")
    return Answer(
        content=[
            template(call.world, one)
            for one in call.world.blueprints.values()
            if not wanted or wanted in _org_names(call, one)
        ]
    )


def shown(call: Call) -> Answer:
    """Show one template."""
    call.need("template", "read")
    return Answer(content=template(call.world, _found(call)))


def change(call: Call) -> Answer:
    """Change the rules of a template; what is not named stays."""
    call.need("template", "update")
    blueprint = _found(call)
    blueprint.rules = _changed(blueprint.rules, call)
    blueprint.updated_at = call.world.now
    if "deprecation_message" in call.body:
        blueprint.deprecation = str(call.body["deprecation_message"])
    if "require_active_version" in call.body:
        blueprint.require_active = call.body["require_active_version"] is True
    call.world.changed_for_all()
    call.site.life.executor.plan_all()
    return Answer(content=template(call.world, blueprint))


def _changed(rules: Template, call: Call) -> Template:
    spans = {
        field: _span(call.body[name], name, field)
        for name, field in SPANS.items()
        if name in call.body
    }
    flags = {
        name: call.body[name] is True
        for name in ("allow_user_autostop", "allow_user_autostart")
        if name in call.body
    }
    required = an_object(call.body.get("autostop_requirement"))
    rules = replace(rules, **spans, **flags)  # type: ignore[arg-type]
    if required is None:
        return rules
    days, weeks = a_list(required.get("days_of_week") or []), required.get("weeks") or 1
    if days is None or not set(days) <= set(DAYS) or not isinstance(weeks, int):
        invalid("autostop_requirement", "names days of the week, and a number of weeks")
    return replace(
        rules,
        required_days=frozenset(DAYS.index(str(day)) for day in days),
        required_weeks=max(1, weeks),
    )


def _span(value: object, name: str, field: str) -> timedelta | None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        invalid(name, "Must be a positive integer.")
    if not value and field not in NEVER_NONE:
        return None
    return timedelta(milliseconds=value)


def _found(call: Call) -> Blueprint:
    found = call.world.blueprints.get(call.names["template"])
    if found is None:
        raise hidden()
    return found


def _org_names(call: Call, blueprint: Blueprint) -> tuple[str, str]:
    key = blueprint.rules.organization_id
    return key, call.world.orgs[key].name


ROUTES = (
    Route("GET", "/templates", listed),
    Route("GET", "/templates/{template}", shown),
    Route("PATCH", "/templates/{template}", change),
    Route("GET", "/organizations/{organization}/templates", listed),
)
