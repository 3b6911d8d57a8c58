"""What a token may do: by the roles of its user, less what the token itself is denied."""

from carrel.domain.records import dataclass
from carrel.simulators.coder.model.people import Person, Token
from carrel.simulators.coder.model.workspaces import Space

EVERYBODY = frozenset({"template:read", "organization:read", "user:read"})
OWN = frozenset({"workspace", "task", "user", "api_key"})
"""Kinds of things that everybody may do everything with, where they are one's own."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks."""

    person: Person
    token: Token

    def may(self, resource: str, action: str, owner_id: str = "") -> bool:
        """Tell whether the caller may do something.

        Args:
            resource: A kind of thing, such as `workspace` or `audit_log`.
            action: What is done with it, such as `read` or `stop`.
            owner_id: Whose it is; empty: anybody's.
        """
        wish = f"{resource}:{action}"
        if wish in self.token.denied:
            return False
        roles = self.person.roles
        if "owner" in roles or ("auditor" in roles and action.startswith("read")):
            return True
        mine = owner_id == self.person.user_id and resource in OWN
        return mine or wish in EVERYBODY

    def sees(self, space: Space) -> bool:
        """Tell whether the caller may see a workspace."""
        return self.may("workspace", "read", space.owner_id)
