"""What follows a handover: the packet that the person gets, a few words with the caller, and the hand-back."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from playback.server import Bot
from rasa_emotion.database import open_database
from rasa_emotion.endpoints import read_endpoints
from rasa_emotion.handoff.packet import Packet
from rasa_emotion.handoff.record import Handover, Record
from rasa_emotion.handoff.tables import TO_HUMAN

CALLER, HUMAN, BOT = "caller", "human", "bot"
SCRIPT = (
    (HUMAN, "Hello, I am taking over from the bot. I have read what you told it, so you need not repeat anything."),
    (CALLER, "At last! Please just make it work again."),
    (HUMAN, "I see to it myself and call you back within the hour. For anything else, I give you back to the bot."),
)
OUTCOME = "a colleague calls back within the hour"
AFTERWARDS = "Thank you very much."


@dataclass(frozen=True)
class Heard:
    """One line as its listener got it: words of the caller or the human that went through the relay, or the bot's."""

    speaker: str
    text: str


@dataclass(frozen=True)
class Exchange:
    """What happened after the bot fell silent.

    Args:
        packet: what the person saw.
        lines: what was said, as the other side got it, in order.
        outcome: what the bot knows of it afterwards.
    """

    packet: Packet
    lines: tuple[Heard, ...]
    outcome: str

    def to_dict(self) -> dict[str, Any]:
        return {
            "packet": self.packet.to_dict(),
            "exchange": [asdict(line) for line in self.lines],
            "outcome": self.outcome,
        }


def exchange_with(bot: Bot, sender: str, endpoints: Path) -> Exchange | None:
    """Play the person at the desk, who reads the packet, talks to the caller and hands back; None where nobody has the
    conversation.

    The person's side is the record that `rasa-emotion desk` works on, the caller's side the channel over HTTP.
    """
    record = Record(open_database(read_endpoints(endpoints).database))
    handover = record.holder(sender)
    if handover is None:
        return None
    lines = list(_talk(bot, record, handover))
    record.close(handover.key, OUTCOME)
    answers, _ = bot.send(sender, AFTERWARDS, None)
    lines += [Heard(CALLER, AFTERWARDS), *(Heard(BOT, answer) for answer in answers)]
    outcome = bot.tracker(sender)["slots"].get("handoff_outcome") or ""
    return Exchange(Packet.from_dict(json.loads(handover.packet)), tuple(lines), outcome)


def _talk(bot: Bot, record: Record, handover: Handover) -> Iterator[Heard]:
    """Each line of the script, read where it arrived."""
    to_caller = to_human = 0
    for speaker, text in SCRIPT:
        if speaker == HUMAN:
            record.to_caller(handover.key, text, uuid4().hex)
            for message in bot.messages(handover.sender, to_caller):
                to_caller = message["id"]
                yield Heard(HUMAN, message["text"])
        else:
            bot.send(handover.sender, text, None)
            for said in record.messages_after(handover.sender, to_human, TO_HUMAN):
                to_human = said.id
                yield Heard(CALLER, said.text)
