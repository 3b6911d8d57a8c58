"""The published description of Coder's API: which operation a request is, and what fits it.

The description is kept outside the repository, and has known errors; each is named here.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from jsonschema import Draft7Validator, FormatChecker

FILE = Path(__file__).parents[4] / "shared" / "specs" / "coder-openapi.json"

CREATED = ("POST", "/api/v2/workspaces/{workspace}/builds")
"""Described as 200; deployments answer 201."""
ONE_OBJECT = ("GET", "/api/v2/users/{user}/quiet-hours")
"""Described as a list; deployments send one object."""
OPTIONAL = ("GET", "/api/v2/groups")
"""Its parameters are marked required; they are optional."""
UNDESCRIBED = {304, 400, 401, 403, 404, 406, 409, 410, 412, 428, 429, 500, 502, 503, 504}
"""Answers that the description leaves out, with a body of the usual error shape or none."""
ERROR = {"$ref": "#/components/schemas/codersdk.Response"}
TASK_ID = "uuid.NullUUID"
"""Described as an object; travels as a text or null."""


@cache
def document() -> dict[str, Any]:
    return json.loads(FILE.read_text())


@cache
def _schemas() -> dict[str, Any]:
    found = json.loads(json.dumps(document()["components"]["schemas"]))
    found[TASK_ID] = {"type": ["string", "null", "object"]}
    _drop_old_lists(found)
    return found


def _drop_old_lists(schema: object) -> None:
    """Leave out lists of values beside a reference: older than the list that is referred to."""
    inner: list[Any] = []
    if isinstance(schema, dict):
        if "allOf" in schema:
            schema.pop("enum", None)
        inner = list(schema.values())
    elif isinstance(schema, list):
        inner = schema
    for one in inner:
        _drop_old_lists(one)


def _without_nulls(value: object) -> object:
    """Leave out null fields: nil pointers of Go, which nothing describes; they mean missing."""
    if isinstance(value, list):
        return [_without_nulls(one) for one in value]
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    return value


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    paths = sorted(document()["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), path) for path in paths]


def operation(method: str, path: str) -> tuple[str, dict[str, Any]]:
    """Return the described path that a request goes to, and its operation."""
    for pattern, described in _patterns():
        if pattern.fullmatch(path) and method.lower() in document()["paths"][described]:
            return described, document()["paths"][described][method.lower()]
    raise AssertionError(f"{method} {path} is not described")


def misfits_of_request(method: str, path: str, query: str, body: bytes) -> list[str]:
    """Return what of a request does not fit."""
    described, what = operation(method, path)
    known = {one["name"]: one for one in what.get("parameters", ()) if one["in"] == "query"}
    given = dict(parse_qsl(query, keep_blank_values=True))
    wrong = [f"{name} is no parameter" for name in given if name not in known]
    for name, one in known.items():
        if one.get("required") and name not in given and (method, described) != OPTIONAL:
            wrong.append(f"{name} is missing")
        if one["schema"].get("type") == "integer" and not given.get(name, "0").isdigit():
            wrong.append(f"{name} is no number")
        if (
            "enum" in one["schema"]
            and given.get(name, one["schema"]["enum"][0]) not in one["schema"]["enum"]
        ):
            wrong.append(f"{name} can't be {given[name]}")
    content = what.get("requestBody", {}).get("content", {}).get("application/json")
    if content:
        wrong += _misfits(content["schema"], json.loads(body or b"null"))
    elif body and body != b"null":
        wrong.append("a body is sent, and none is described")
    return wrong


def misfits_of_answer(method: str, path: str, status: int, body: bytes) -> list[str]:
    """Return what of an answer does not fit."""
    described, what = operation(method, path)
    expected = what["responses"]
    key = (method, described)
    if key == CREATED and status == 201:
        status = 200
    if str(status) not in expected:
        if status not in UNDESCRIBED:
            return [f"{status} is no answer to it"]
        return (
            _misfits({"$ref": "#/components/schemas/codersdk.Response"}, json.loads(body))
            if body
            else []
        )
    content = expected[str(status)].get("content")
    if not content:
        return []
    schema = next(iter(content.values()))["schema"]
    if key == ONE_OBJECT:
        schema = schema["items"]
    return _misfits(schema, json.loads(body))


def _misfits(schema: dict[str, Any], value: object) -> list[str]:
    whole = {"components": {"schemas": _schemas()}, "allOf": [schema]}
    checker = Draft7Validator(whole, format_checker=FormatChecker())
    return [
        f"{error.json_path}: {error.message[:200]}"
        for error in checker.iter_errors(_without_nulls(value))
    ]
