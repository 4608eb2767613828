"""What the review reads: conversations of the last days, feedback, and the bot's own rules."""

from pathlib import Path
from typing import Any

from rasa_emotion.console.events import EventTable
from rasa_emotion.console.frame import Console, consents_of
from rasa_emotion.console.review.figures import by_day, by_feedback, drift
from rasa_emotion.console.review.past import Session, sessions
from rasa_emotion.console.review.what_if import Change, what_if
from rasa_emotion.conversation.escalation import EscalationRules
from rasa_emotion.conversation.rule_options import DEFAULT_OPTIONS, escalation_rules
from rasa_emotion.evaluation.bot_rules import POLICY, rules_of
from rasa_emotion.handoff.desk_record import DeskRecord

DAY_SECS = 86_400.0
MOST_DAYS = 365
AT_ONCE = 400
"""Conversations whose events are in memory at the same time."""

SHIPPED, BOTS = "the rules that ship", "the rules of the bot's config.yml"


class Review:
    """Reads and counts; each method blocks. Raises SQLAlchemyError where a database fails.

    Args:
        console: whose databases are read.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._table = EventTable(console.tracker_engine or console.engine)

    def past(self, days: int) -> list[Session]:
        """The sessions of the last days, of callers who allow the analysis."""
        if not self._table.there():
            return []
        since = self._console.clock() - days * DAY_SECS
        senders = self._table.senders_since(since)
        allows = consents_of(self._console).allows
        found: list[Session] = []
        for start in range(0, len(senders), AT_ONCE):
            found += sessions(self._table.of(senders[start : start + AT_ONCE]), allows)
        return [one for one in found if (one.turns[0].timestamp or 0.0) >= since]

    def figures(self, days: int) -> dict[str, Any]:
        """Everything of the page, JSON-safe; see `figures`."""
        past = self.past(days)
        daily = by_day(past)
        judgements = DeskRecord(self._console.engine, self._console.clock).judgements()
        return {"days": daily, "drift": drift(daily), "feedback": by_feedback(past, judgements)}

    def what_if(self, days: int, change: Change) -> dict[str, Any]:
        """What would change, and by whose rules; see `what_if`."""
        rules, whose = bot_rules(self._console.endpoints_file)
        return {"rules": whose, **what_if(self.past(days), rules, change)}


def bot_rules(endpoints: Path | None) -> tuple[EscalationRules, str]:
    """The rules in the config.yml beside a bot's endpoints.yml, and whose they are; those that ship where none is.

    Raises:
        ConfigError: that file has no rules, or wrong ones.
    """
    config = None if endpoints is None else endpoints.with_name("config.yml")
    if config is None or not config.is_file():
        return escalation_rules(POLICY, DEFAULT_OPTIONS), SHIPPED
    return rules_of(config), BOTS
