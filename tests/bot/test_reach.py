"""Where nobody is behind the handover, the caller is told so and the bot goes on; one line in the log says why."""

import logging

import pytest
from fake_analyzer import estimate
from rasa.core.channels.rest import RestInput
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from sanic import Sanic

from rasa_emotion import RelayInput
from rasa_emotion.bot.policy import EmotionPolicy
from rasa_emotion.bot.reach import reachable, unreachable_channels

DOMAIN = """
version: "3.1"
intents: [inform, ask_human, affirm, deny]
slots:
  escalated: {type: bool, influence_conversation: false, mappings: [{type: custom}]}
  escalation: {type: any, mappings: [{type: custom}]}
  line: {type: any, mappings: [{type: from_text, conditions: [{active_loop: form}]}]}
forms:
  form: {required_slots: [line]}
actions: [action_transfer]
responses:
  utter_handoff: [{text: "A colleague takes over."}]
  utter_offer: [{text: "Do you want a colleague?"}]
"""
NOBODY = '  utter_nobody_available: [{text: "Nobody is there."}]\n'
CONFIG = {"threshold": 0.4, "handoff_intents": ["ask_human"]}


class Kiosk(RestInput):
    @classmethod
    def name(cls) -> str:
        return "kiosk"


@pytest.fixture
def serving(monkeypatch):
    """A process that serves `rest` without a relay and `kiosk` with one."""
    monkeypatch.setattr(Sanic, "_app_registry", {})
    app = Sanic("serving")
    app.ctx.input_channels = [RestInput(), RelayInput(Kiosk())]
    return app


@pytest.fixture
def domain():
    return Domain.from_yaml(DOMAIN + NOBODY)


def conversation(domain, channel="rest", intent="inform", emotion="angry", earlier=()):
    parsed = {"emotion_estimate": estimate(emotion, 0.95).to_dict()}
    said = UserUttered("words", {"name": intent}, parse_data=parsed, input_channel=channel)
    events = [ActionExecuted("action_listen"), *earlier, said]
    return DialogueStateTracker.from_events("ada", events, domain.slots)


def predicted(policy, tracker, domain):
    """The action, or None, and the names and values of the slots that are set."""
    prediction = policy.predict_action_probabilities(tracker, domain)
    best = max(prediction.probabilities)
    action = domain.action_names_or_texts[prediction.probabilities.index(best)] if best else None
    events = [*prediction.events, *prediction.optional_events]
    return action, {event.key: event.value for event in events if isinstance(event, SlotSet)}, events


def test_which_channels_can_be_reached(serving):
    assert unreachable_channels() == {"rest"}
    assert [reachable(name) for name in ("rest", "kiosk", "another", None)] == [False, True, True, True]


@pytest.mark.parametrize("apps", [0, 2])
def test_where_there_is_no_server_all_can(monkeypatch, apps):
    """In `rasa test`, in a script, in a test."""
    monkeypatch.setattr(Sanic, "_app_registry", {})
    for number in range(apps):
        Sanic(f"app_{number}").ctx.input_channels = [RestInput()]
    assert reachable("rest")
    assert unreachable_channels() == frozenset()


@pytest.mark.parametrize(("intent", "emotion"), [("inform", "angry"), ("ask_human", "neutral")])
def test_the_caller_is_told_and_the_bot_goes_on(  # noqa: PLR0917 -- four of them are fixtures
    serving, graph, domain, caplog, intent, emotion
):
    policy = EmotionPolicy.create(CONFIG, *graph)
    tracker = conversation(domain, intent=intent, emotion=emotion)
    with caplog.at_level(logging.WARNING):
        action, slots, events = predicted(policy, tracker, domain)
    assert action == "utter_nobody_available"
    assert set(slots) == {"escalation"}, "not escalated"
    assert slots["escalation"]["action"] == "alert"
    assert "no human can talk to the caller on this channel" in slots["escalation"]["reason"]
    assert not [event for event in events if event.type_name in {"pause", "active_loop"}]
    (line,) = [record.getMessage() for record in caplog.records if "Nobody is behind" in record.getMessage()]
    assert "the channel 'rest' has no relay; the bot goes on" in line
    tracker.update_with_events([*events, ActionExecuted(action, policy="EmotionPolicy")], domain)
    assert predicted(policy, tracker, domain)[0] == "action_listen"


def test_a_form_goes_on(serving, graph, domain):
    policy = EmotionPolicy.create(CONFIG, *graph)
    tracker = conversation(domain, earlier=[ActiveLoop("form")])
    action, _, events = predicted(policy, tracker, domain)
    tracker.update_with_events([*events, ActionExecuted(action, policy="EmotionPolicy")], domain)
    assert predicted(policy, tracker, domain)[0] == "form"


@pytest.mark.parametrize("channel", ["kiosk", None])
def test_with_a_relay_a_human_takes_over(serving, graph, domain, channel):
    action, slots, _ = predicted(EmotionPolicy.create(CONFIG, *graph), conversation(domain, channel), domain)
    assert (action, slots["escalated"]) == ("utter_handoff", True)


@pytest.mark.parametrize(
    ("options", "action"),
    [({"nobody_action": None}, "utter_handoff"), ({"handoff_action": "action_transfer"}, "action_transfer")],
)
def test_people_who_come_in_another_way(serving, graph, domain, options, action):
    policy = EmotionPolicy.create({**CONFIG, **options}, *graph)
    assert predicted(policy, conversation(domain), domain)[0] == action


def test_a_bot_without_the_words_goes_on_with_its_own(serving, graph):
    """One that was trained before there were any."""
    domain = Domain.from_yaml(DOMAIN)
    policy = EmotionPolicy.create(CONFIG, *graph)
    policy.train([], domain)
    action, slots, _ = predicted(policy, conversation(domain), domain)
    assert (action, set(slots)) == (None, {"escalation"})


@pytest.mark.parametrize("do", ["offer", "ask"])
def test_nobody_is_offered_where_nobody_can_come(serving, graph, domain, do):
    config = {"rules": [{"when": {"emotion": "angry"}, "do": do}], "offer_action": "utter_offer"}
    policy = EmotionPolicy.create(config, *graph)
    action, slots, _ = predicted(policy, conversation(domain), domain)
    assert (action, slots["escalation"]["action"]) == (None, "alert")
    assert predicted(policy, conversation(domain, "kiosk"), domain)[0] == "utter_offer"


def load(config, graph, caplog):
    with caplog.at_level(logging.WARNING):
        EmotionPolicy.load(dict(EmotionPolicy.get_default_config(), **config), *graph)
    return [record.getMessage() for record in caplog.records if "Nobody is behind" in record.getMessage()]


def test_the_start_of_the_server_says_so_in_one_line(serving, graph, caplog):
    (line,) = load({}, graph, caplog)
    assert line.startswith("Nobody is behind the handover for callers on 'rest'")
    assert "`rasa-emotion init` adds the relay" in line


@pytest.mark.parametrize(
    "config", [{"nobody_action": None}, {"handoff_action": "action_transfer"}, {"dry_run": True}], ids=str
)
def test_it_says_nothing_where_that_is_wanted(serving, graph, caplog, config):
    assert load(config, graph, caplog) == []


def test_a_dry_run_needs_no_words(graph):
    """As `rasa-emotion init --observe` sets a bot up."""
    bare = Domain.from_yaml(DOMAIN.replace("utter_handoff", "utter_other"))
    EmotionPolicy.create({"dry_run": True}, *graph).train([], bare)
