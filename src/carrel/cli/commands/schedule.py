"""`carrel schedule`: print files that run `carrel govern` by a timer."""

import re
from datetime import timedelta
from typing import Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.options import Json
from carrel.cli.output import Output
from carrel.errors import BadInputError

app = group(
    "Print files that run 'carrel govern' by a timer; nothing is installed.",
    "carrel schedule cron",
    "carrel schedule systemd > carrel-govern.service",
    "carrel schedule kubernetes --image registry.example.com/carrel:1 > carrel.yaml",
)

_Every = Annotated[str, typer.Option("--every", metavar="SPAN", help="From one pass to the next.")]


@command(
    app,
    "carrel schedule cron --every 15m",
    "(crontab -l; carrel schedule cron) | crontab -",
    name="cron",
)
def cron(every: _Every = "15m", as_json: Json = False) -> None:
    """Print lines for a crontab: a pass of 'govern', and a report of times to live each hour."""
    from carrel.cli.schedules.cron import crontab
    from carrel.cli.schedules.place import find_place

    _print("carrel.crontab", crontab(find_place(), _span(every)), as_json=as_json)


@command(
    app,
    "carrel schedule systemd > carrel-govern.service",
    "carrel schedule systemd --every 2m",
    name="systemd",
)
def systemd(every: _Every = "5m", as_json: Json = False) -> None:
    """Print a systemd unit that governs for ever, as the user and with the home of now."""
    from carrel.cli.schedules.place import find_place
    from carrel.cli.schedules.systemd import unit

    _print("carrel-govern.service", unit(find_place(), _span(every)), as_json=as_json)


@command(
    app,
    "carrel schedule kubernetes --image example.com/carrel:1 | kubectl apply -f -",
    "carrel schedule kubernetes --namespace ops --every 10m",
    name="kubernetes",
)
def kubernetes(
    image: Annotated[
        str, typer.Option(metavar="IMAGE", help="A container image that has Carrel in it.")
    ] = "carrel:latest",
    namespace: Annotated[str, typer.Option(metavar="NAME", help="Where it is to run.")] = "carrel",
    every: _Every = "5m",
    as_json: Json = False,
) -> None:
    """Print a manifest for Kubernetes: a timed job, and a volume for its database.

    Token and settings are read from a secret; the first lines tell how to make it.
    """
    from carrel.cli.schedules.kubernetes import Cluster, manifest
    from carrel.cli.schedules.place import find_place

    cluster = Cluster(_checked(namespace, _LABEL), _checked(image, _IMAGE))
    _print("carrel.yaml", manifest(find_place(), _span(every), cluster), as_json=as_json)


_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_IMAGE = re.compile(r"[\w][\w.:/@-]*", re.ASCII)


def _checked(value: str, shape: re.Pattern[str]) -> str:
    if shape.fullmatch(value):
        return value
    raise BadInputError("usage", f"{value!r} can't be one.", cure="See 'carrel schedule --help'.")


def _span(every: str) -> timedelta:
    from carrel.cli.fleets.spans import span_of

    return span_of(every, unit="m")


def _print(name: str, content: str, *, as_json: bool) -> None:
    out = Output(as_json=as_json)
    out.document({"files": [{"name": name, "content": content}]})
    out.line(content.removesuffix("\n"))
