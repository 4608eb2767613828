"""Who uses the console."""

from dataclasses import dataclass

from rasa_emotion.turn.roles import RIGHTS, Identity, Right, Role


@dataclass(frozen=True)
class Person:
    """Somebody who has signed in.

    Args:
        name: theirs, as the users file has it.
        identity: the role, as everywhere in this package.
        csrf: what each of their requests that changes something carries.
        signs_out: whether the console keeps their session; False behind a proxy that does, and without users.
    """

    name: str
    identity: Identity
    csrf: str
    signs_out: bool = True

    @property
    def role(self) -> Role:
        return self.identity.role

    def may(self, right: Right) -> bool:
        """Whether the role has a right.

        >>> Person("ada", Identity(Role.AGENT), "").may(Right.WATCH)
        False
        """
        return right in RIGHTS[self.identity.role]
