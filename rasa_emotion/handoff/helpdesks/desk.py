"""The embedded desk: what it is given is in the database already, where `rasa-emotion desk` shows it."""

from collections.abc import Mapping
from typing import Any

from rasa_emotion.handoff.helpdesk import Helpdesk, Message
from rasa_emotion.handoff.packet import Packet
from rasa_emotion.settings import checked


class Desk(Helpdesk):
    """People at `rasa-emotion desk`, on this machine or on any other that reaches the database."""

    name = "desk"
    two_way = True

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Raises ConfigError for an option: it has none."""
        checked("The helpdesk 'desk'", options, {})

    async def deliver(self, packet: Packet) -> str:
        """The packet's key is its ticket (see parent class for full docstring)."""
        return packet.key

    async def send(self, ticket: str, message: Message) -> None:
        """Does nothing: the desk reads the message where it is kept (see parent class for full docstring)."""
