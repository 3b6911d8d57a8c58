"""What a fleet's backend can do: its version, what is licensed, what we may."""

from enum import StrEnum

from carrel.domain.records import dataclass


class Source(StrEnum):
    """Who provides a feature."""

    NATIVE = "native"
    """The backend does it itself, here and now."""
    OURS = "ours"
    """The backend can't, or may not; Carrel does it."""
    UNAVAILABLE = "unavailable"
    """Neither."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature and who provides it.

    Attributes:
        name: Stable, such as `quiet_hours`.
        source: Who provides it.
        why: One sentence.
    """

    name: str
    source: Source
    why: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """What was found out of a deployment.

    Attributes:
        url: Where it is, without any secret.
        deployment_id: The deployment's own id.
        version: Its release, such as `v2.35.3`.
        user: Who the token belongs to.
        features: What it offers, by name.
        missing: What the token may not do, a sentence each.
    """

    url: str
    deployment_id: str
    version: str
    user: str
    features: tuple[Feature, ...] = ()
    missing: tuple[str, ...] = ()

    def source(self, name: str) -> Source:
        """Return who provides a feature; unavailable when it is unknown."""
        return next((one.source for one in self.features if one.name == name), Source.UNAVAILABLE)
