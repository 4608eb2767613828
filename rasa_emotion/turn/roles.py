"""Who may do what: one table, which every route, the service and the pages for people ask."""

import getpass
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType

from rasa_emotion.turn.refusal import TurnRefused

LONGEST_NAME = 64

PERSON_NAME = re.compile(rf"[\w.@+-]{{1,{LONGEST_NAME}}}")
"""The name of a person who attends to callers, at the console and in the terminal."""


def login_name() -> str:
    """The name under which somebody is logged in at this machine, as a person's name.

    >>> bool(PERSON_NAME.fullmatch(login_name()))
    True
    """
    try:
        login = getpass.getuser()
    except (KeyError, OSError, ImportError):  # Pythons differ where a user has no name
        login = ""
    return re.sub(r"[^\w.@+-]", "_", login)[:LONGEST_NAME] or "desk"


class Role(str, Enum):
    """Who somebody is. docs/security.md says how each of them proves it."""

    CALLER = "caller"
    """A caller, or the program through which callers speak."""

    HELPDESK = "helpdesk"
    """The helpdesk's server; it signs what it reports."""

    AGENT = "agent"
    """A person who takes conversations over."""

    SUPERVISOR = "supervisor"
    """A person who watches over conversations and agents."""

    OPERATOR = "operator"
    """Whoever runs the bot."""


class Right(str, Enum):
    """What somebody may do."""

    SPEAK = "speak"
    """Say something in a caller's name."""

    CHOOSE = "choose"
    """Say yes or no to the analysis of a caller's emotions."""

    READ = "read"
    """Get what a person says to a caller."""

    REPORT = "report"
    """Say what happened in the helpdesk: a person's words, a hand-back."""

    ATTEND = "attend"
    """See handovers, write to their callers, give them back."""

    WATCH = "watch"
    """See the moods and figures of all conversations."""

    WORDS = "words"
    """Read what callers say, with personal data struck out."""

    TRY = "try"
    """Analyse recordings that they bring themselves."""

    OPERATE = "operate"
    """Change settings, delete a caller's data."""


RIGHTS: Mapping[Role, frozenset[Right]] = MappingProxyType(
    {
        Role.CALLER: frozenset({Right.SPEAK, Right.CHOOSE, Right.READ}),
        Role.HELPDESK: frozenset({Right.REPORT}),
        Role.AGENT: frozenset({Right.ATTEND, Right.WORDS, Right.TRY}),
        Role.SUPERVISOR: frozenset({Right.ATTEND, Right.WATCH, Right.WORDS, Right.TRY}),
        Role.OPERATOR: frozenset({Right.WATCH, Right.TRY, Right.OPERATE}),
    }
)
"""The table. A caller's consent is the caller's alone: nobody who works for the operator may change it."""


@dataclass(frozen=True)
class Identity:
    """Who a request comes from.

    Args:
        role: what decides about the rights.
        name: the one caller (Rasa's sender) or person; None for the holder of a key, who speaks for all callers.
        channel: the only `input_channel` that is allowed; None where the key's holder may name any.
    """

    role: Role = Role.CALLER
    name: str | None = None
    channel: str | None = None

    def require(self, right: Right) -> None:
        """Raises TurnRefused (403) where the role lacks the right.

        >>> Identity(Role.CALLER).require(Right.SPEAK)
        """
        if right not in RIGHTS[self.role]:
            raise TurnRefused(403, f"The role '{self.role.value}' may not do this; it lacks the right '{right.value}'.")

    def own(self, sender: str | None) -> str | None:
        """The sender of a request: the one that it names, or the only one that it may name.

        Raises:
            TurnRefused: the ticket is another caller's (403).

        >>> Identity(name="ada").own(None), Identity().own("ada")
        ('ada', 'ada')
        """
        if self.name is None or self.role is not Role.CALLER:
            return sender
        if sender is not None and sender != self.name:
            raise TurnRefused(403, "The ticket is another caller's; ask for one for this 'sender'.")
        return self.name

    def own_channel(self, input_channel: str | None) -> str | None:
        """The `input_channel` of a request; a ticket's holder does not choose it. Raises TurnRefused (403)."""
        if self.name is None or input_channel in (None, self.channel):
            return self.channel or input_channel
        raise TurnRefused(403, "The ticket is not for this 'input_channel'; leave it out.")

    def on(self, channel: str) -> "Identity":
        """The same, bound to one channel."""
        return replace(self, channel=channel)


ANYBODY = Identity()
"""Who comes to an address that asks for nothing."""
