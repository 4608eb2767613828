"""The interface behind which every helpdesk stands."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rasa_emotion.errors import RasaEmotionError
from rasa_emotion.handoff.packet import Packet


class HelpdeskError(RasaEmotionError):
    """The helpdesk did not take what it was given: one sentence with what it said and the remedy."""


class TemporaryFailure(HelpdeskError):
    """Trying again may help: unreachable, overloaded, or failing by itself (429, 5xx, timeout, broken connection).

    Args:
        retry_after: seconds that the helpdesk asks to wait; None where it does not say.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PermanentFailure(HelpdeskError):
    """Trying again as it is will not help: a wrong key, an address that does not exist, a packet that is refused."""


class BadRequest(PermanentFailure):
    """A request to us comes from the helpdesk, but cannot be understood."""


class ConversationGone(HelpdeskError):
    """The helpdesk no longer knows the conversation or ticket: somebody deleted or closed it there."""


@dataclass(frozen=True)
class Message:
    """One message between a caller and the person who has the conversation.

    Args:
        id: the same at every try, so that a helpdesk, or we, can tell a repetition.
        text: what was said.
        created: seconds since 1970.
        note: not the caller's words but for the person alone, such as what the caller could not be told.
    """

    id: str
    text: str
    created: float
    note: bool = False


@dataclass(frozen=True)
class FromHuman:
    """What came from the helpdesk: words for the caller, or the hand-back to the bot.

    Args:
        ticket: what `deliver` returned for this conversation.
        id: the helpdesk's own number of it, so that one that is sent twice is taken once.
        text: words for the caller; empty in a hand-back without any.
        hand_back: the bot should go on.
        outcome: what the person leaves for the bot to know; only with `hand_back`.
        key: of the packet, where the helpdesk repeats it: its answer may be here before the ticket is noted.
        at: when it happened, in seconds since 1970, where the helpdesk says it.
        spoken: `text` for a voice, without marks and addresses; None where it is the same.
        machine: no person wrote it, but a rule, a campaign or an assistant of the helpdesk. The caller gets it, and it
            does not count as a person's word.
        undelivered: what of the message cannot be told to the caller, for whoever wrote it.
    """

    ticket: str
    id: str
    text: str = ""
    hand_back: bool = False
    outcome: str = ""
    key: str = ""
    at: float | None = None
    spoken: str | None = None
    machine: bool = False
    undelivered: str = ""


class Helpdesk(ABC):
    """One helpdesk. Everything may be called again after a failure or a crash: the same key must not make a second
    visible ticket wherever the helpdesk has an idempotency key or a look-up.
    """

    name: ClassVar[str]
    """What `type` says in endpoints.yml."""

    two_way: ClassVar[bool]
    """Whether words can be exchanged with the person; where not, there are packets only."""

    max_bytes: ClassVar[int | None] = None
    """The largest text that it takes, in bytes of UTF-8; what is larger is shortened from the middle."""

    async def check(self) -> None:
        """Ask whether address and key are right. Raises HelpdeskError where they are not."""
        return

    @abstractmethod
    async def deliver(self, packet: Packet) -> str:
        """Make the packet visible to people, once, and return the ticket: what the helpdesk calls it.

        Raises:
            TemporaryFailure, PermanentFailure
        """

    async def send(self, ticket: str, message: Message) -> None:
        """Give the caller's words to the person who has the ticket.

        Raises:
            TemporaryFailure, PermanentFailure, ConversationGone
        """
        raise PermanentFailure(f"The helpdesk '{self.name}' takes no messages; choose one that does, such as desk.")

    def receive(self, headers: Mapping[str, str], body: bytes) -> Sequence[FromHuman]:
        """What a request of the helpdesk to us says; empty where it is about something else.

        Raises:
            BadRequest: the request is signed as it should be, and cannot be understood.
            PermanentFailure: it is not signed as it should be.
        """
        raise PermanentFailure(f"The helpdesk '{self.name}' sends nothing to the bot.")

    async def close(self) -> None:
        """Give back connections."""
        return
