"""What the simulator answers, against the description that the API's maker publishes."""

import json
from pathlib import Path

import jsonschema
import pytest

SPEC = Path(__file__).parents[5] / "shared" / "specs" / "coder-openapi.json"
PATHS = {
    "buildinfo": "/buildinfo",
    "users/me": "/users/{user}",
    "users": "/users",
    "organizations": "/organizations",
    "groups": "/groups",
    "templates": "/templates",
    "tasks": "/tasks",
    "workspaces": "/workspaces",
    "entitlements": "/entitlements",
    "deployment/config": "/deployment/config",
    "appearance": "/appearance",
    "audit": "/audit",
    "connectionlog": "/connectionlog",
    "prebuilds/settings": "/prebuilds/settings",
    "insights/daus": "/insights/daus",
    "insights/user-status-counts": "/insights/user-status-counts",
    "organizations/default/provisionerjobs": "/organizations/{organization}/provisionerjobs",
    "organizations/default/provisionerdaemons": "/organizations/{organization}/provisionerdaemons",
    "users/me/keys/tokens": "/users/{user}/keys/tokens",
    "workspace-quota/me": "/workspace-quota/{user}",
}
KNOWN_ERRORS = {
    *("task_id", "parent_id", "workspace_id", "workspace_agent_id", "workspace_app_id"),
    "reason",
}
"""Described as objects `{uuid, valid}` that travel as strings; a list of reasons cut short."""


@pytest.fixture(scope="module")
def spec() -> dict:
    if not SPEC.exists():
        pytest.skip(f"needs Coder's API description: {SPEC}")
    return json.loads(SPEC.read_text())


@pytest.mark.shared
@pytest.mark.parametrize("path", PATHS)
def test_answers_are_as_described(api, simulator, spec, path):
    schema = spec["paths"][f"/api/v2{PATHS[path]}"]["get"]["responses"]["200"]["content"]
    wanted = next(iter(schema.values()))["schema"]
    answer = api.get(path, limit=300)
    assert answer.status_code == 200
    components = {"schemas": {k: _strict(v) for k, v in spec["components"]["schemas"].items()}}
    validator = jsonschema.Draft4Validator({**_strict(wanted), "components": components})
    errors = [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
        for error in validator.iter_errors(_present(answer.json()))
        if not KNOWN_ERRORS & set(error.absolute_path)
    ]
    assert errors[:5] == []


@pytest.mark.shared
@pytest.mark.parametrize("path", PATHS)
def test_no_field_is_made_up(api, spec, path):
    """Every field is described; one is newer than the description."""
    schema = spec["paths"][f"/api/v2{PATHS[path]}"]["get"]["responses"]["200"]["content"]
    wanted = next(iter(schema.values()))["schema"]
    unknown = set(_unknown(spec, wanted, api.get(path, limit=50).json()))
    assert unknown <= {"time_til_autostop_notify_ms"}


def _present(value: object) -> object:
    """Leave out null: Go's pointers may be null, which the description never says."""
    if isinstance(value, dict):
        return {key: _present(one) for key, one in value.items() if one is not None}
    return [_present(one) for one in value] if isinstance(value, list) else value


def _strict(schema: object) -> object:
    """Drop what is no JSON Schema."""
    if isinstance(schema, dict):
        dropped = {"example", "xml", "externalDocs", "discriminator", "readOnly"}
        return {key: _strict(one) for key, one in schema.items() if key not in dropped}
    return [_strict(one) for one in schema] if isinstance(schema, list) else schema


def _unknown(spec: dict, schema: dict, value: object):
    while "$ref" in schema:
        schema = spec["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    if "allOf" in schema:
        yield from _unknown(spec, schema["allOf"][0], value)
    elif isinstance(value, list) and "items" in schema:
        for one in value:
            yield from _unknown(spec, schema["items"], one)
    elif isinstance(value, dict) and schema.get("properties"):
        for key, one in value.items():
            if key in schema["properties"]:
                yield from _unknown(spec, schema["properties"][key], one)
            else:
                yield key
