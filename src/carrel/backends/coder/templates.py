"""From the wire to a template."""

from datetime import timedelta

from carrel.backends.coder.reading import Record, milliseconds, number, record, text
from carrel.domain.fleet.templates import Template

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NONE = timedelta(0)


def read_template(item: Record) -> Template | None:
    """Return what an answer shows of a template; None when it has no id."""
    template_id = text(item.get("id"))
    if not template_id:
        return None
    required = record(item.get("autostop_requirement"))
    return Template(
        template_id=template_id,
        name=text(item.get("name")),
        organization_id=text(item.get("organization_id")),
        default_ttl=milliseconds(item.get("default_ttl_ms")),
        activity_bump=milliseconds(item.get("activity_bump_ms")) or _NONE,
        required_days=_days(required.get("days_of_week")),
        required_weeks=max(number(required.get("weeks")), 1),
        failure_ttl=milliseconds(item.get("failure_ttl_ms")),
        time_til_dormant=milliseconds(item.get("time_til_dormant_ms")),
        time_til_delete=milliseconds(item.get("time_til_dormant_autodelete_ms")),
        allow_user_autostop=item.get("allow_user_autostop") is not False,
        allow_user_autostart=item.get("allow_user_autostart") is not False,
        notify_lead=milliseconds(item.get("time_til_autostop_notify_ms")) or _NONE,
        active_version_id=text(item.get("active_version_id")),
        deprecated=item.get("deprecated") is True,
    )


def _days(written: object) -> frozenset[int]:
    if not isinstance(written, list):
        return frozenset()
    return frozenset(number for number, day in enumerate(_DAYS) if day in written)
