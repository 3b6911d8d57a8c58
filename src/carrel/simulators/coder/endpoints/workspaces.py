"""Endpoints that show workspaces."""

from typing import TYPE_CHECKING

from carrel.simulators.coder.endpoints.finding import matching
from carrel.simulators.coder.protocol.call import Answer, Call
from carrel.simulators.coder.protocol.routing import Route
from carrel.simulators.coder.refusals import hidden
from carrel.simulators.coder.wire.builds import build

if TYPE_CHECKING:
    from carrel.simulators.coder.model.workspaces import Space


def listed(call: Call) -> Answer:
    """List workspaces; a limit of 0, or none, is no limit."""
    tests, deleted = matching(call.world, call.caller.person, call.query.get("q", ""))
    deleted = deleted or call.query.get("include_deleted") == "true"
    found = [
        space
        for space in call.site.shelf.ordered()
        if (deleted or not space.deleted)
        and call.caller.sees(space)
        and all(test(space) for test in tests)
    ]
    offset, limit = call.number("offset"), call.number("limit")
    page = found[offset : offset + limit] if limit else found[offset:]
    return Answer(content=call.site.shelf.page(page, len(found)))


def shown(call: Call) -> Answer:
    """Show one workspace."""
    return Answer(content=call.site.shelf.one(call.space()))


def named(call: Call) -> Answer:
    """Show one workspace by its owner and its name; the last one deleted, if that is wanted."""
    person, name = call.person(), call.names["name"]
    deleted = call.query.get("include_deleted") == "true"
    found: Space | None = None
    for space in call.world.spaces.values():
        if (
            space.owner_id == person.user_id
            and space.name == name
            and (deleted or not space.deleted)
        ):
            found = space
    if found is None or not call.caller.sees(found):
        raise hidden()
    return Answer(content=call.site.shelf.one(found))


def builds(call: Call) -> Answer:
    """List the builds of a workspace, newest first; since: only those asked for after it."""
    space = call.space()
    found = list(reversed(space.builds))
    if "since" in call.query:
        since = call.moment(call.query["since"], "since")
        found = [job for job in found if job.created_at > since]
    after = call.query.get("after_id", "")
    ids = [job.build_id for job in found]
    if after in ids:
        found = found[ids.index(after) + 1 :]
    offset, limit = call.number("offset"), call.number("limit")
    page = found[offset : offset + limit] if limit else found[offset:]
    return Answer(content=[build(call.world, space, job) for job in page])


ROUTES = (
    Route("GET", "/workspaces", listed),
    Route("GET", "/workspaces/{workspace}", shown),
    Route("GET", "/workspaces/{workspace}/builds", builds),
    Route("GET", "/users/{user}/workspace/{name}", named),
)
