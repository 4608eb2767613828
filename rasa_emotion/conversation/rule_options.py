"""Rules of escalation as a bot's config.yml holds them, checked."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from datetime import time
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from rasa_emotion.conversation.conditions import (
    Accumulated,
    Condition,
    Contradicted,
    Felt,
    Lasting,
    NotUnderstood,
    Requested,
    Rising,
    TurnedAngry,
)
from rasa_emotion.conversation.decision import ALERT, HANDOVER, HIGH, NORMAL, URGENT
from rasa_emotion.conversation.escalation import ALWAYS_EXEMPT, ANGER, EscalationRules, Rule
from rasa_emotion.conversation.quiet import DAYS, QuietHours
from rasa_emotion.emotions import EMOTIONS, FAMILIES
from rasa_emotion.errors import ConfigError
from rasa_emotion.settings import check_flag, check_keys, check_names, check_number, check_text, checked

CALL_BACK = "call_back"

SHORTHAND: Mapping[str, tuple[str, float]] = {
    "threshold": ("at_least", 0.4),
    "angry_turns": ("turns", 2),
    "window": ("of", 3),
    "extreme": ("at_once", 0.85),
}
"""Options of a bot that counts angry turns: their name in a rule, and what holds where only others are given."""

DEFAULT_OPTIONS: Mapping[str, Any] = {
    # What is done when, the first that applies; null for one rule: hand over a caller who has turned angry.
    "rules": None,
    # Instead of `rules`, count angry turns (see `SHORTHAND`): the probability of anger from which on a turn is angry,
    # how many such turns of how many last ones hand over, and the probability at which a single turn is enough.
    **dict.fromkeys(SHORTHAND),
    # Intents with which a caller asks for a human; they hand over whatever the emotion is.
    "handoff_intents": [],
    # Intents in whose turns nothing is decided, besides restart, back and session_start.
    "exempt_intents": [],
    # Intents that accept an offer in the next turn, and those that decline it.
    "accept_intents": ["affirm"],
    "decline_intents": ["deny"],
    # Turns that must pass after an alert or a declined offer.
    "cooldown": 3,
    # At most so many offers, and so many alerts, in a conversation.
    "cap": 3,
    # When no human is there: {from:, until:, days:, time_zone:, do: alert or call_back}.
    "quiet_hours": None,
    # Record what would be done, and do nothing.
    "dry_run": False,
}
"""The options that `escalation_rules` takes, with their defaults; the only place that states them."""

DISTRESS = frozenset({"fear", "sad"})

# The option that tells a kind of condition from the others; what has none of them is about a lasting emotion.
_KINDS: Mapping[str, type[Any]] = {
    "intents": Requested,
    "fallbacks": NotUnderstood,
    "conflict": Contradicted,
    "turned_angry": TurnedAngry,
    "level": Accumulated,
    "rise": Rising,
    "emotion": Lasting,
}


def escalation_rules(owner: str, settings: Mapping[str, Any]) -> EscalationRules:
    """The rules of a bot.

    Args:
        owner: whose options they are, for the errors.
        settings: the options `rules`, those of `SHORTHAND`, `handoff_intents`, `exempt_intents`, `accept_intents`,
            `decline_intents`, `cooldown`, `cap`, `quiet_hours` and `dry_run`.

    Raises:
        ConfigError: an option does not exist or has a value that cannot be used.
    """
    for name in ("exempt_intents", "handoff_intents", "accept_intents", "decline_intents"):
        check_names(owner, name, settings[name])
    for name, least in (("cooldown", 0), ("cap", 1)):
        value = settings[name]
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ConfigError(f"{owner}: '{name}' is {value!r}; give a whole number of at least {least}.")
    check_flag(owner, "dry_run", settings["dry_run"])
    return EscalationRules(
        rules=_rules(owner, settings),
        accept_intents=frozenset(settings["accept_intents"]),
        decline_intents=frozenset(settings["decline_intents"]),
        exempt_intents=ALWAYS_EXEMPT | frozenset(settings["exempt_intents"]),
        cooldown=settings["cooldown"],
        cap=settings["cap"],
        quiet_hours=None if settings["quiet_hours"] is None else _quiet_hours(owner, settings["quiet_hours"]),
        dry_run=settings["dry_run"],
    )


def _rules(owner: str, settings: Mapping[str, Any]) -> tuple[Rule, ...]:
    asked = settings["handoff_intents"]
    own = [Rule("request", Requested(frozenset(asked)))] if asked else []
    given = settings["rules"]
    if given is None:
        return (*own, _anger(owner, settings))
    if not isinstance(given, list):
        raise ConfigError(f"{owner}: 'rules' is {given!r}; give a list of rules, each with 'when' and 'do'.")
    for name, (option, _) in SHORTHAND.items():
        if settings[name] is not None:
            raise ConfigError(f"{owner}: '{name}' stands beside 'rules'; write it into a rule as '{option}'.")
    own += [_rule(f"{owner}, rule {number}", rule) for number, rule in enumerate(given, start=1)]
    names = [rule.name for rule in own]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{owner} has {names.count(name)} rules named '{name}'; give each a 'name' of its own.")
    return tuple(own)


def _anger(owner: str, settings: Mapping[str, Any]) -> Rule:
    """The rule of a bot that names none: the shipped one, or one that counts angry turns where an option says so."""
    given = {name: settings[name] for name in SHORTHAND if settings[name] is not None}
    if not given:
        return ANGER
    for name in ("threshold", "extreme"):
        check_number(owner, name, settings[name], above=0, at_most=1, optional=True)
    try:
        options = {option: given.get(name, default) for name, (option, default) in SHORTHAND.items()}
        return Rule("anger", Lasting(**options), urgency=HIGH)
    except ConfigError as error:
        # In this bot's words.
        sentence = str(error).removeprefix("when: ")
        for name, (option, _) in SHORTHAND.items():
            sentence = sentence.replace(f"'{option}'", f"'{name}'")
        raise ConfigError(f"{owner}: {sentence}") from error


def _rule(owner: str, given: Any) -> Rule:
    defaults = {"name": None, "when": None, "do": HANDOVER, "urgency": None}
    if not isinstance(given, dict):
        raise ConfigError(f"{owner} is {given!r}; give 'when' and 'do'.")
    options = checked(owner, given, defaults)
    check_text(owner, "name", options["name"], optional=True)
    if not isinstance(options["when"], dict) or not options["when"]:
        raise ConfigError(f"{owner}: 'when' is {options['when']!r}; give a condition, such as {{emotion: angry}}.")
    try:
        when = _condition(options["when"])
        urgency = _urgency(when) if options["urgency"] is None else options["urgency"]
        return Rule(options["name"] or _name(when), when, options["do"], urgency)
    except ConfigError as error:
        raise ConfigError(f"{owner}, {error}") from error


def _condition(given: Mapping[str, Any]) -> Condition:
    kind = next((kind for option, kind in _KINDS.items() if option in given), Lasting)
    names = {field.name: None if field.default is MISSING else field.default for field in fields(kind)}
    if "emotions" in names:
        del names["emotions"]
        names["emotion"] = "angry"
        check_keys("when", given, {**names, **_KINDS})  # which option was meant may decide on the kind
    options = checked("when", given, names)
    if "emotion" in options:
        options["emotions"] = _emotions(options.pop("emotion"))
    if "intents" in options:
        check_names("when", "intents", options["intents"])
        options["intents"] = frozenset(options["intents"])
    condition: Condition = kind(**options)
    return condition


def _emotions(value: Any) -> tuple[str, ...]:
    """The emotions that one name or a list of names stands for; a family stands for all of its own."""
    names = [value] if isinstance(value, str) else value
    check_names("when", "emotion", names)
    found: list[str] = []
    for name in names:
        members = [name] if name in EMOTIONS else [emotion for emotion, family in FAMILIES.items() if family == name]
        if not members:
            raise ConfigError(f"when: there is no emotion '{name}'; {_hint(name, (*EMOTIONS, *FAMILIES.values()))}")
        found += members
    return tuple(dict.fromkeys(found))


def _urgency(when: Condition) -> str:
    if isinstance(when, TurnedAngry):
        return HIGH
    if not isinstance(when, Felt):
        return NORMAL
    if DISTRESS.issuperset(when.emotions):
        return URGENT
    return HIGH if "angry" in when.emotions else NORMAL


def _name(when: Condition) -> str:
    if isinstance(when, Felt):
        felt = when.noun.replace(" or ", "_")
        return f"rising_{felt}" if isinstance(when, Rising) else felt
    return {TurnedAngry: "turned_angry", Requested: "request", NotUnderstood: "fallback", Contradicted: "conflict"}[
        type(when)
    ]


def _quiet_hours(owner: str, given: Any) -> QuietHours:
    owner = f"{owner}, quiet_hours"
    if not isinstance(given, dict):
        raise ConfigError(f"{owner}: it is {given!r}; give 'from', 'until' and 'time_zone'.")
    options = checked(owner, given, {"from": None, "until": None, "days": [], "time_zone": None, "do": ALERT})
    check_names(owner, "days", options["days"], DAYS)
    start, until = (_clock(owner, name, options[name]) for name in ("from", "until"))
    if (start is None) != (until is None) or (start is None and not options["days"]):
        raise ConfigError(f"{owner}: give both 'from' and 'until', or 'days'.")
    if start is not None and start == until:
        raise ConfigError(f"{owner}: 'from' and 'until' are both {start:%H:%M}; name 'days' for whole days.")
    if options["do"] not in (ALERT, CALL_BACK):
        raise ConfigError(f"{owner}: 'do' is {options['do']!r}; choose from {ALERT}, {CALL_BACK}.")
    return QuietHours(
        _zone(owner, options["time_zone"]),
        start or time(0),
        until or time(0),
        frozenset(options["days"]),
        options["do"] == CALL_BACK,
    )


def _clock(owner: str, name: str, value: Any) -> time | None:
    if value is None:
        return None
    try:
        return time.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{owner}: '{name}' is {value!r}; give a time in quotes, such as \"20:00\".") from error


def _zone(owner: str, name: Any) -> ZoneInfo:
    known = available_timezones()
    if name not in known:
        hint = _hint(str(name), known) if name else "name one, such as Europe/Berlin."
        raise ConfigError(f"{owner}: 'time_zone' is {name!r}; {hint}")
    return ZoneInfo(name)


def _hint(name: str, known: Iterable[str]) -> str:
    choices = sorted(set(known))
    close = difflib.get_close_matches(name, choices, n=1)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"choose from {', '.join(choices)}." if len(choices) < 20 else "name one, such as Europe/Berlin."
