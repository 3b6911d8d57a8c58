"""The logs: all of their rows, each once, and only those of the span."""

from datetime import UTC, datetime, timedelta

import pytest

AT = datetime(2026, 3, 3, 9, tzinfo=UTC)


def _log(key, rows, cap=0):
    def answer(request):
        limit, offset = int(request.url.params["limit"]), int(request.url.params["offset"])
        assert limit > 0, "the logs take 0 for 100 rows"
        page = rows[offset : offset + min(limit, 100)]
        count = min(len(rows), cap) if cap else len(rows)
        return {key: page, "count": count, "count_cap": cap}

    return answer


@pytest.mark.parametrize("cap", [0, 200])
def test_an_audit_log_is_read_to_its_end_even_where_its_total_is_capped(coder, deployment, cap):
    rows = [
        {"id": f"a{n}", "time": (AT - timedelta(minutes=n)).isoformat(), "action": "stop"}
        for n in range(730)
    ]
    deployment.on("GET", "/audit", _log("audit_logs", rows, cap))
    found = list(coder.audit(AT - timedelta(minutes=599), AT))
    assert [entry.entry_id for entry in found] == [f"a{n}" for n in range(600)]
    assert deployment.asked[0].url.params["q"] == "date_from:2026-03-02 date_to:2026-03-03"


def test_a_row_that_moves_to_the_next_page_is_told_once(coder, deployment):
    pages = [["c", "b"], ["b", "a"], []]

    def answer(request):
        page = pages.pop(0)
        rows = [{"id": name, "time": AT.isoformat()} for name in page]
        return {"audit_logs": rows, "count": 0}

    deployment.on("GET", "/audit", answer)
    assert [one.entry_id for one in coder.audit(AT, AT)] == ["c", "b", "a"]


def test_connections_that_touch_a_span_of_time(coder, deployment):
    def row(name, begun, ended, kind="ssh"):
        info = {} if ended is None else {"disconnect_time": (AT + ended).isoformat()}
        at = (AT + begun).isoformat()
        return {"id": name, "connect_time": at, "type": kind, "ssh_info": info}

    hour = timedelta(hours=1)
    rows = [
        row("over", -3 * hour, -2 * hour),
        row("into", -3 * hour, hour),
        row("within", hour, 2 * hour),
        row("open", -5 * hour, None),
        row("web", hour, None, "workspace_app"),
        row("early-web", -hour, None, "workspace_app"),
    ]
    deployment.on("GET", "/connectionlog", _log("connection_logs", rows))
    found = {one.connection_id: one for one in coder.connections(AT, AT + 8 * hour)}
    assert set(found) == {"into", "within", "open", "web"}
    assert found["open"].disconnected_at is None
    assert found["web"].disconnected_at == found["web"].connected_at


def test_a_search_string_quotes_its_moments(coder, deployment):
    deployment.on("GET", "/connectionlog", _log("connection_logs", []))
    assert list(coder.connections(AT, AT)) == []
    assert 'connected_before:"2026-03-03T09:00:00.000Z"' in deployment.asked[0].url.params["q"]


def test_builds_newest_first_from_all_pages(coder, deployment):
    builds = [{"id": f"b{n}", "build_number": n} for n in range(1, 131)]

    def answer(request):
        offset = int(request.url.params["offset"])
        return builds[offset : offset + 100]

    deployment.on("GET", "/workspaces/ws-1/builds", answer)
    assert [build.number for build in coder.builds("ws-1")] == list(range(130, 0, -1))


def test_the_queue_is_that_of_all_organizations(coder, deployment):
    deployment.on("GET", "/organizations", [{"id": "o1"}, {"id": "o2"}])
    for name in ("o1", "o2"):
        deployment.on(
            "GET",
            f"/organizations/{name}/provisionerjobs",
            lambda request: [{}] * (3 if request.url.params["status"] == "pending" else 1),
        )
    queue = coder.queue()
    assert (queue.pending, queue.running) == (6, 2)
