"""The audit log and the connection log as JSON."""

from carrel.simulators.coder.chance import identity
from carrel.simulators.coder.model.history import WEB, Deed, Link
from carrel.simulators.coder.model.people import Org
from carrel.simulators.coder.model.world import World
from carrel.simulators.coder.wire.builds import Document
from carrel.simulators.coder.wire.people import user
from carrel.simulators.coder.wire.writing import NO_ID, stamp


def audit_entry(world: World, deed: Deed) -> Document:
    """Write one line of the audit log."""
    person = world.people[deed.user_id]
    org = world.orgs.get(deed.organization_id)
    return {
        "id": deed.deed_id,
        "request_id": identity("request", deed.deed_id),
        "time": stamp(deed.at),
        "ip": "10.1.2.3",
        "user_agent": "simulation",
        "resource_type": deed.resource_type,
        "resource_id": deed.resource_id,
        "resource_target": deed.resource,
        "resource_icon": "",
        "action": deed.action,
        "diff": {},
        "status_code": deed.status,
        "additional_fields": dict(deed.fields),
        "description": f"{{user}} {deed.action} {deed.resource_type} {{target}}",
        "resource_link": "",
        "is_deleted": False,
        "organization_id": org.organization_id if org else NO_ID,
        "organization": _minimal(org) if org else None,
        "user": user(person),
    }


def connection(world: World, link: Link) -> Document:
    """Write one line of the connection log; who connected is known of web connections alone."""
    space = world.spaces[link.workspace_id]
    owner = world.people[space.owner_id]
    document: Document = {
        "id": link.link_id,
        "connect_time": stamp(link.opened_at),
        "organization": _minimal(world.orgs[space.organization_id]),
        "workspace_owner_id": owner.user_id,
        "workspace_owner_username": owner.username,
        "workspace_id": space.workspace_id,
        "workspace_name": space.name,
        "agent_name": "main",
        "ip": "10.1.2.3",
        "type": link.kind,
    }
    if link.kind in WEB:
        document["web_info"] = {
            "user_agent": "simulation",
            "user": user(world.people[link.user_id]),
            "slug_or_port": "code",
            "status_code": 200,
        }
    else:
        info: Document = {"connection_id": identity("connection", link.link_id)}
        if link.closed_at is not None:
            info["disconnect_time"] = stamp(link.closed_at)
            info["disconnect_reason"] = link.reason
            info["exit_code"] = 0
        document["ssh_info"] = info
    return document


def _minimal(org: Org) -> Document:
    return {
        "id": org.organization_id,
        "name": org.name,
        "display_name": org.display_name,
        "icon": "",
    }
