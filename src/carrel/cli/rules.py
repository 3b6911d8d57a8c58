"""Rules of merging, as options name them."""

from dataclasses import replace
from enum import Enum
from typing import TypeVar

from carrel.domain.conflicts import ConflictKind, Rules, Side, Strategy
from carrel.errors import BadInputError

Choice = TypeVar("Choice", bound=Enum)


def chosen(
    configured: Rules,
    strategy: Strategy | None,
    globs: list[str],
    kinds: list[str],
    tie: Side | None,
) -> Rules | None:
    """Return the rules of one merge: the options on top of the settings, or None without any.

    A strategy named alone holds for everything: the settings' globs and kinds don't count.

    Raises:
        BadInputError: `bad_rule`.
    """
    if strategy is None and not globs and not kinds and tie is None:
        return None
    base = configured if strategy is None else replace(configured, globs=(), kinds={})
    own_globs = tuple((glob, _known(Strategy, s)) for glob, s in map(_parted, globs))
    own_kinds = {_known(ConflictKind, k): _known(Strategy, s) for k, s in map(_parted, kinds)}
    return replace(
        base,
        default=strategy or base.default,
        globs=(*own_globs, *base.globs),
        kinds={**base.kinds, **own_kinds},
        tie=tie or base.tie,
    )


def _parted(rule: str) -> tuple[str, str]:
    left, equals, right = rule.rpartition("=")
    if not equals or not left:
        raise BadInputError(
            "bad_rule",
            f"{rule!r} is no rule.",
            why="A rule has a pattern or a kind, '=', and a strategy.",
            cure="Write it as 'docs/**=union' or 'modify/delete=fail'.",
        )
    return left, right


def _known(choice: type[Choice], name: str) -> Choice:
    try:
        return choice(name)
    except ValueError as error:
        raise BadInputError(
            "bad_rule",
            f"{name!r} is unknown.",
            why=f"Known are: {', '.join(str(one.value) for one in choice)}.",
            cure="Choose one of those.",
        ) from error
