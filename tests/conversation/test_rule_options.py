"""Rules as config.yml holds them; what cannot be used is named with its place and its remedy."""

import re
from datetime import time

import pytest
from ruamel.yaml import YAML

from rasa_emotion.conversation.conditions import (
    Accumulated,
    Contradicted,
    Lasting,
    NotUnderstood,
    Requested,
    Rising,
    TurnedAngry,
)
from rasa_emotion.conversation.rule_options import DEFAULT_OPTIONS, escalation_rules
from rasa_emotion.errors import ConfigError


def made(**options):
    return escalation_rules("EmotionPolicy", {**DEFAULT_OPTIONS, **options})


def rule(when, **more):
    return made(rules=[{"when": when, **more}]).rules[0]


@pytest.mark.parametrize(
    ("when", "condition", "name", "urgency"),
    [
        ({"emotion": "angry"}, Lasting(), "anger", "high"),
        (
            {"at_least": 0.6, "turns": 2, "of": 3, "at_once": 0.9},
            Lasting(("angry",), "both", True, 0.6, 2, 3, 0.9),
            "anger",
            "high",
        ),
        ({"emotion": "upset", "source": "voice"}, Lasting(("disgust", "sad"), "voice"), "disgust_sadness", "normal"),
        ({"emotion": ["worried", "sad"]}, Lasting(("fear", "sad")), "fear_sadness", "urgent"),
        (
            {"emotion": ["angry", "disgust"], "sarcasm": False},
            Lasting(("angry", "disgust"), sarcasm=False),
            "anger_disgust",
            "high",
        ),
        ({"level": 2.5, "decay": 0.5}, Accumulated(level=2.5, decay=0.5), "anger", "high"),
        ({"emotion": "fear", "rise": 0.3}, Rising(("fear",), rise=0.3), "rising_fear", "urgent"),
        ({"intents": ["ask_human"]}, Requested(frozenset({"ask_human"})), "request", "normal"),
        ({"fallbacks": 3}, NotUnderstood(3), "fallback", "normal"),
        ({"conflict": "sarcastic", "turns": 2, "of": 4}, Contradicted("sarcastic", 2, 4), "conflict", "normal"),
        ({"turned_angry": 0.7}, TurnedAngry(0.7), "turned_angry", "high"),
    ],
)
def test_conditions(when, condition, name, urgency):
    found = rule(when)
    assert (found.when, found.name, found.urgency, found.do) == (condition, name, urgency, "handover")


def test_a_rule_may_say_everything_itself():
    found = rule({"emotion": "sad"}, name="grief", do="alert", urgency="normal")
    assert (found.name, found.do, found.urgency) == ("grief", "alert", "normal")


def test_without_rules_a_caller_who_has_turned_angry_is_handed_over():
    (found,) = made().rules
    assert (found.name, found.do, found.urgency) == ("anger", "handover", "high")


def test_counting_angry_turns_in_short():
    (found,) = made(threshold=0.6).rules
    assert found.when == Lasting(at_least=0.6, turns=2, of=3, at_once=0.85)


def test_requests_come_first():
    assert [one.name for one in made(handoff_intents=["ask_human"], rules=[{"when": {"fallbacks": 2}}]).rules] == [
        "request",
        "fallback",
    ]
    assert made(rules=[]).rules == ()


def test_quiet_hours():
    night = {"from": "20:00", "until": "08:30", "days": ["sunday"], "time_zone": "Europe/Berlin", "do": "call_back"}
    hours = made(quiet_hours=night).quiet_hours
    assert (hours.start, hours.until, hours.days, hours.zone.key) == (
        time(20),
        time(8, 30),
        {"sunday"},
        "Europe/Berlin",
    )
    assert hours.call_back
    assert not made(quiet_hours={"days": ["sunday"], "time_zone": "UTC"}).quiet_hours.call_back


def test_the_rest():
    found = made(
        exempt_intents=["praise"], accept_intents=["yes"], decline_intents=["no"], cooldown=0, cap=1, dry_run=True
    )
    assert found.exempt_intents == {"praise", "restart", "back", "session_start"}
    assert (found.accept_intents, found.decline_intents) == ({"yes"}, {"no"})
    assert (found.cooldown, found.cap, found.dry_run) == (0, 1, True)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"rules": {"when": {}}}, "EmotionPolicy: 'rules' is {'when': {}}; give a list of rules"),
        ({"rules": ["anger"]}, "EmotionPolicy, rule 1 is 'anger'; give 'when' and 'do'."),
        ({"rules": [{"wenn": {}}]}, "EmotionPolicy, rule 1 has no option 'wenn'; did you mean 'when'?"),
        ({"rules": [{"do": "alert"}]}, "EmotionPolicy, rule 1: 'when' is None; give a condition"),
        (
            {"rules": [{"when": {"emotoin": "angry"}}]},
            "EmotionPolicy, rule 1, when has no option 'emotoin'; did you mean 'emotion'?",
        ),
        (
            {"rules": [{"when": {"emotion": "anger"}}]},
            "rule 1, when: there is no emotion 'anger'; did you mean 'angry'?",
        ),
        ({"rules": [{"when": {"emotion": "xyz"}}]}, "there is no emotion 'xyz'; choose from angry, calm, disgust"),
        ({"rules": [{"when": {"emotion": 3}}]}, "rule 1, when: 'emotion' is 3; give a list of names."),
        ({"rules": [{"when": {"emotion": []}}]}, "rule 1, when: 'emotion' is []; choose from"),
        (
            {"rules": [{"when": {"fallbacks": 2}}, {"when": {"level": 0}}]},
            "EmotionPolicy, rule 2, when: 'level' is 0; give a number",
        ),
        ({"rules": [{"when": {"level": 3, "turns": 2}}]}, "rule 1, when has no option 'turns'; it knows"),
        (
            {"rules": [{"when": {"intents": "ask_human"}}]},
            "rule 1, when: 'intents' is 'ask_human'; give a list of names.",
        ),
        ({"rules": [{"when": {"intents": []}}]}, "rule 1, when: 'intents' is empty; name"),
        ({"rules": [{"when": {"emotion": "angry"}, "do": "shout"}]}, "rule 1, 'do' is 'shout'; choose from offer, ask"),
        ({"rules": [{"when": {"turned_angy": 0.5}}]}, "when has no option 'turned_angy'; did you mean 'turned_angry'?"),
        ({"rules": [{"when": {"emotion": "angry"}, "name": ""}]}, "rule 1: 'name' is ''; give a name."),
        (
            {"rules": [{"when": {"emotion": "angry"}}] * 2},
            "EmotionPolicy has 2 rules named 'anger'; give each a 'name' of its own.",
        ),
        ({"rules": [], "threshold": 0.3}, "'threshold' stands beside 'rules'; write it into a rule as 'at_least'."),
        ({"threshold": 2}, "EmotionPolicy: 'threshold' is 2; give a number above 0 and at most 1."),
        ({"extreme": 0.3}, "EmotionPolicy: 'extreme' (0.3) is below 'threshold' (0.4); raise it."),
        ({"angry_turns": 4}, "EmotionPolicy: 'angry_turns' (4) exceeds 'window' (3); lower it."),
        ({"angry_turns": 0}, "EmotionPolicy: 'angry_turns' is 0; give a whole number from 1 to 20."),
        ({"cooldown": -1}, "'cooldown' is -1; give a whole number of at least 0."),
        ({"cap": 0}, "'cap' is 0; give a whole number of at least 1."),
        ({"cap": True}, "'cap' is True; give a whole number of at least 1."),
        ({"dry_run": "yes"}, "'dry_run' is 'yes'; give true or false."),
        ({"decline_intents": "deny"}, "'decline_intents' is 'deny'; give a list of names."),
        ({"quiet_hours": "20:00"}, "EmotionPolicy, quiet_hours: it is '20:00'; give 'from', 'until' and 'time_zone'."),
        (
            {"quiet_hours": {"from": "20:00", "time_zone": "UTC"}},
            "quiet_hours: give both 'from' and 'until', or 'days'.",
        ),
        ({"quiet_hours": {"time_zone": "UTC"}}, "quiet_hours: give both 'from' and 'until', or 'days'."),
        (
            {"quiet_hours": {"from": "20", "until": "8pm", "time_zone": "UTC"}},
            "quiet_hours: 'until' is '8pm'; give a time in quotes",
        ),
        (
            {"quiet_hours": {"from": 20, "until": 8, "time_zone": "UTC"}},
            "quiet_hours: 'from' is 20; give a time in quotes",
        ),
        ({"quiet_hours": {"from": "08:00", "until": "08:00", "time_zone": "UTC"}}, "are both 08:00; name 'days'"),
        ({"quiet_hours": {"days": ["funday"], "time_zone": "UTC"}}, "'days' names 'funday'; choose from monday"),
        ({"quiet_hours": {"days": ["sunday"]}}, "'time_zone' is None; name one, such as Europe/Berlin."),
        ({"quiet_hours": {"days": ["sunday"], "time_zone": "Europe/Berln"}}, "did you mean 'Europe/Berlin'?"),
        (
            {"quiet_hours": {"days": ["sunday"], "time_zone": "UTC", "do": "ring"}},
            "'do' is 'ring'; choose from alert, call_back.",
        ),
        ({"quiet_hours": {"day": ["sunday"]}}, "EmotionPolicy, quiet_hours has no option 'day'; did you mean 'days'?"),
    ],
)
def test_what_cannot_be_used_is_named(options, sentence):
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        made(**options)


def test_the_rules_that_are_documented(repository):
    text = (repository / "docs" / "escalation.md").read_text(encoding="utf-8")
    policy = YAML(typ="safe").load(re.search(r"```yaml\n(# config.yml.*?)```", text, re.DOTALL).group(1))["policies"][1]
    found = made(**{name: value for name, value in policy.items() if name in DEFAULT_OPTIONS})
    assert [(rule.name, rule.do, rule.urgency) for rule in found.rules] == [
        ("request", "handover", "normal"),
        ("distress", "ask", "urgent"),
        ("anger", "handover", "high"),
        ("lost", "offer", "normal"),
        ("sarcasm", "alert", "normal"),
    ]


def test_the_quiet_hours_that_are_documented(repository):
    text = (repository / "docs" / "rasa.md").read_text(encoding="utf-8")
    hours = YAML(typ="safe").load(re.search(r"```yaml\n(  quiet_hours:.*?)```", text, re.DOTALL).group(1))
    assert made(**hours).quiet_hours.call_back
