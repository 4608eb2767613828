"""When a human should take over, be offered, or be told: rules over the caller's turns."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from rasa_emotion.conversation.conditions import Condition, Requested, TurnedAngry
from rasa_emotion.conversation.decision import ACTIONS, ALERT, ASK, HANDOVER, NORMAL, OFFER, URGENCIES, URGENT, Decision
from rasa_emotion.conversation.history import Recorded, Turn
from rasa_emotion.conversation.quiet import QuietHours
from rasa_emotion.errors import ConfigError

ALWAYS_EXEMPT = frozenset({"restart", "back", "session_start"})
"""Intents that Rasa itself answers."""


@dataclass(frozen=True)
class Rule:
    """What is done when.

    Args:
        name: how decisions name it.
        when: the condition.
        do: one of `ACTIONS`.
        urgency: one of `URGENCIES`; an urgent rule does not wait for a cooldown, other than its own.

    Raises:
        ConfigError: an action or urgency that does not exist.
    """

    name: str
    when: Condition
    do: str = HANDOVER
    urgency: str = NORMAL

    def __post_init__(self) -> None:
        for key, value, known in (("do", self.do, ACTIONS), ("urgency", self.urgency, URGENCIES)):
            if value not in known:
                raise ConfigError(f"'{key}' is {value!r}; choose from {', '.join(known)}.")

    @property
    def asked_for(self) -> bool:
        """Whether the caller asks for it: then nothing holds it back."""
        return isinstance(self.when, Requested)


ANGER = Rule("anger", TurnedAngry(), HANDOVER, "high")
"""The rule of a bot that names none; how well it does is in docs/escalation.md."""


@dataclass(frozen=True)
class EscalationRules:
    """All that decides about a conversation.

    Args:
        rules: the first that applies decides.
        accept_intents, decline_intents: with which a caller accepts or declines the offer of a human.
        exempt_intents: in a turn with one of them nothing is decided.
        cooldown: turns after an alert in which its rule waits, and after an offer in which every rule waits that is
            neither urgent nor an alert; 0 for none.
        cap: at most so many offers and questions, and at most so many alerts, in a conversation.
        quiet_hours: when no human is there; None for never.
        dry_run: decisions say so, and count only among their like.
    """

    rules: tuple[Rule, ...] = (ANGER,)
    accept_intents: frozenset[str] = frozenset({"affirm"})
    decline_intents: frozenset[str] = frozenset({"deny"})
    exempt_intents: frozenset[str] = ALWAYS_EXEMPT
    cooldown: int = 3
    cap: int = 3
    quiet_hours: QuietHours | None = None
    dry_run: bool = False


def decide(
    rules: EscalationRules,
    turns: Sequence[Turn],
    *,
    now: datetime | None = None,
    earlier: Sequence[Recorded] = (),
    offered: bool = False,
) -> Decision | None:
    """What to do after the latest of these turns; None for nothing. A pure function.

    Args:
        rules: the bot's.
        turns: the caller's turns since the conversation began, oldest first; the last 20 are enough.
        now: the moment, with a time zone, for the quiet hours; the latest turn's timestamp by default.
        earlier: the decisions of this conversation so far, oldest first.
        offered: whether the bot's last reply was the offer of a human.

    >>> from rasa_emotion.estimate import EmotionEstimate
    >>> furious = Turn("complain", EmotionEstimate.from_probabilities({"angry": 0.9, "neutral": 0.1}, {}))
    >>> decide(EscalationRules(), [furious]).reason
    'The caller was very angry (anger 0.90).'
    """
    if not turns or turns[-1].intent in rules.exempt_intents:
        return None
    earlier = [past for past in earlier if past.decision.dry_run == rules.dry_run]
    if any(past.decision.action == HANDOVER for past in earlier):
        return None
    found = _first(rules, turns, earlier, offered)
    if found is None:
        return None
    if rules.quiet_hours and found.action != ALERT and _quiet(rules.quiet_hours, turns[-1], now):
        found = _when_quiet(found, rules.quiet_hours)
    return replace(found, dry_run=rules.dry_run)


def _first(
    rules: EscalationRules, turns: Sequence[Turn], earlier: Sequence[Recorded], offered: bool
) -> Decision | None:
    intent = turns[-1].intent
    last = earlier[-1] if offered and earlier and earlier[-1].turns_ago == 1 else None
    if offered and intent in rules.accept_intents:
        return _accepted(last)
    if offered and intent in rules.decline_intents:
        return None
    for rule in rules.rules:
        if not _waits(rule, rules, earlier):
            reason = rule.when.reason(turns)
            if reason:
                return Decision(rule.do, rule.name, reason, rule.urgency)
    return _asked_again(last, earlier) if last else None


def _waits(rule: Rule, rules: EscalationRules, earlier: Sequence[Recorded]) -> bool:
    """Whether earlier decisions hold the rule back."""
    if rule.asked_for or not earlier:
        return False
    if rule.do != HANDOVER and sum(_alike(past.decision.action, rule.do) for past in earlier) >= rules.cap:
        return True
    recent = [past.decision for past in earlier if past.turns_ago <= rules.cooldown]
    if any(past.rule == rule.name for past in recent):
        return True
    unasked = rule.do != ALERT and rule.urgency != URGENT
    return unasked and any(past.action != ALERT for past in recent)


def _alike(one: str, other: str) -> bool:
    return (one == ALERT) == (other == ALERT)


def _accepted(last: Recorded | None) -> Decision:
    if last is None:
        return Decision(HANDOVER, OFFER, "The caller accepted the offer of a human.")
    why = _because(last.decision)
    reason = f"The caller accepted the offer of a human, made because {why}"
    return Decision(HANDOVER, last.decision.rule, reason, last.decision.urgency)


def _asked_again(last: Recorded, earlier: Sequence[Recorded]) -> Decision | None:
    """A question that was answered by neither yes nor no is asked once more."""
    again = len(earlier) > 1 and earlier[-2].turns_ago == 2 and earlier[-2].decision.action == ASK
    if last.decision.action != ASK or again:
        return None
    return replace(
        last.decision,
        reason=f"The caller has not answered the offer of a human, made because {_because(last.decision)}",
    )


def _because(decision: Decision) -> str:
    return decision.reason[:1].lower() + decision.reason[1:]


def _quiet(hours: QuietHours, turn: Turn, now: datetime | None) -> bool:
    if now is None and turn.timestamp is not None:
        now = datetime.fromtimestamp(turn.timestamp, timezone.utc)
    return now is not None and hours.covers(now)


def _when_quiet(decision: Decision, hours: QuietHours) -> Decision:
    done = "the caller is offered a call back" if hours.call_back else "nothing is said"
    reason = f"{decision.reason[:-1]}; no human is there at this hour, so {done}."
    return replace(decision, action=ALERT, reason=reason, call_back=hours.call_back)


NO_RELAY = "no human can talk to the caller on this channel"
NOT_KEPT = "neither the database nor its spool can keep a handover now"
"""Why nobody is promised to a caller."""


def unreached(decision: Decision, why: str = NO_RELAY) -> Decision:
    """What becomes of a decision where no human can talk to the caller: people are told, and nobody is promised.

    >>> unreached(Decision("handover", "anger", "The caller was angry.")).reason
    'The caller was angry; no human can talk to the caller on this channel, so the bot goes on.'
    """
    return replace(decision, action=ALERT, reason=f"{decision.reason[:-1]}; {why}, so the bot goes on.")
