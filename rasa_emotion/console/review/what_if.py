"""What other thresholds would have decided: the rules are played again over the turns of past conversations.

A caller who is handed over says no more to the bot, and one who is not goes on: what would have come after a decision
that was not taken is unknown. Of each conversation only its first decision that brings a human is compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from rasa_emotion.console.review.figures import shown
from rasa_emotion.console.review.past import Session, since_choice
from rasa_emotion.conversation.conditions import Lasting, TurnedAngry
from rasa_emotion.conversation.decision import ALERT, ASK, OFFER
from rasa_emotion.conversation.escalation import EscalationRules, Rule, decide
from rasa_emotion.conversation.history import Recorded


@dataclass(frozen=True)
class Change:
    """What is tried.

    Args:
        threshold: of each rule on anger or another emotion, above 0 and at most 1; None leaves them.
        cooldown: turns; None leaves it.
        cap: of offers and alerts; None leaves it.
    """

    threshold: float | None = None
    cooldown: int | None = None
    cap: int | None = None


def changed(rules: EscalationRules, change: Change) -> EscalationRules:
    """The rules with other numbers. Raises ConfigError for a threshold that no rule can have.

    >>> changed(EscalationRules(), Change(threshold=0.8)).rules[0].when
    TurnedAngry(turned_angry=0.8)
    """
    numbers = {name: getattr(change, name) for name in ("cooldown", "cap") if getattr(change, name) is not None}
    if change.threshold is not None:
        numbers["rules"] = tuple(_at(rule, change.threshold) for rule in rules.rules)
    return replace(rules, **numbers)


def _at(rule: Rule, threshold: float) -> Rule:
    when = rule.when
    if isinstance(when, TurnedAngry):
        return replace(rule, when=replace(when, turned_angry=threshold))
    if isinstance(when, Lasting):
        at_once = when.at_once if when.at_once is None or when.at_once >= threshold else threshold
        return replace(rule, when=replace(when, at_least=threshold, at_once=at_once))
    return rule


def first_human(rules: EscalationRules, session: Session) -> int | None:
    """Number of the turn, from 0, in which the rules first bring or offer a human; None where in none of them."""
    earlier: list[Recorded] = []
    for number in range(len(session.turns)):
        earlier = [replace(past, turns_ago=past.turns_ago + 1) for past in earlier]
        offered = bool(earlier) and earlier[-1].turns_ago == 1 and earlier[-1].decision.action in (OFFER, ASK)
        decision = decide(rules, since_choice(session.turns, number), earlier=earlier, offered=offered)
        if decision is None:
            continue
        if decision.action != ALERT:
            return number
        earlier.append(Recorded(decision, 0))
    return None


def what_if(sessions: Sequence[Session], rules: EscalationRules, change: Change) -> dict[str, Any]:
    """How many conversations would change.

    Args:
        sessions: past ones.
        rules: the bot's; quiet hours and dry runs are left aside, so that only the numbers differ.
        change: what is tried.

    Returns:
        "conversations"; and, null where fewer than five callers are behind them: "now" and "then", in how many a human
        would have been brought; "more", "fewer", "sooner", "later" and "same".
    """
    if not shown(sessions):
        return {"conversations": None, **dict.fromkeys(("now", "then", "more", "fewer", "sooner", "later", "same"))}
    plain = replace(rules, quiet_hours=None, dry_run=False)
    other = changed(plain, change)
    pairs = [(first_human(plain, session), first_human(other, session)) for session in sessions]
    both = [(now, then) for now, then in pairs if now is not None and then is not None]
    return {
        "conversations": len(sessions),
        "now": sum(now is not None for now, _ in pairs),
        "then": sum(then is not None for _, then in pairs),
        "more": sum(now is None and then is not None for now, then in pairs),
        "fewer": sum(now is not None and then is None for now, then in pairs),
        "sooner": sum(then < now for now, then in both),
        "later": sum(then > now for now, then in both),
        "same": sum(now == then for now, then in pairs),
    }
