"""Forms whose slots are validated, asked for as needed, filled by intents and interrupted, beside the policy."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import requests
from fake_analyzer import install
from rasa.core.agent import Agent
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.utils.endpoints import EndpointConfig

pytestmark = pytest.mark.rasa

HERE = Path(__file__).resolve().parent
START_SECS = 120

POLICY = """rasa_emotion.EmotionPolicy
    handoff_intents: [ask_name]
    offer_action: utter_offer
    nobody_action: utter_nobody_available
    rules:
      - {name: fury, when: {emotion: angry, at_least: 0.9}, do: handover}
      - {name: fear, when: {emotion: fear, at_least: 0.7}, do: ask}
      - {name: grief, when: {emotion: sad, at_least: 0.7}, do: alert}
"""
INTENTS = """
  - intent: affirm
    examples: |
      - yes
  - intent: deny
    examples: |
      - no
  - intent: opening_hours
    examples: |
      - when are you open
  - intent: order
    examples: |
      - order
  - intent: stop
    examples: |
      - forget it
"""
RESPONSES = """responses:
  utter_offer:
    - text: "Do you want a colleague?"
  utter_nobody_available:
    - text: "Nobody is there."
  utter_hours:
    - text: "We are open."
  utter_ask_urgent:
    - text: "Is it urgent?"
  utter_ask_floor:
    - text: "Which floor?"
  utter_ask_size:
    - text: "Which size?"
  utter_ordered:
    - text: "Ordered: {size}."
  utter_stopped:
    - text: "Stopped."
"""
SLOTS = """slots:
  urgent:
    type: bool
    influence_conversation: false
    mappings:
      - type: from_intent
        intent: affirm
        value: true
        conditions: [{active_loop: fault_form, requested_slot: urgent}]
      - type: from_intent
        intent: deny
        value: false
        conditions: [{active_loop: fault_form, requested_slot: urgent}]
  floor:
    type: any
    mappings:
      - {type: from_text, conditions: [{active_loop: fault_form, requested_slot: floor}]}
  size:
    type: any
    mappings:
      - {type: from_text, conditions: [{active_loop: order_form, requested_slot: size}]}
  wanted:
    type: any
    mappings:
      - {type: from_trigger_intent, intent: order, value: goods, conditions: [{active_loop: order_form}]}
  remark:
    type: any
    mappings:
      - {type: from_text, conditions: [{active_loop: fault_form}, {active_loop: order_form}]}
"""
RULES = """rules:
  - rule: hours
    steps:
      - intent: opening_hours
      - action: utter_hours
  - rule: hours in the form
    condition:
      - active_loop: fault_form
    steps:
      - intent: opening_hours
      - action: utter_hours
      - action: fault_form
      - active_loop: fault_form
  - rule: order
    steps:
      - intent: order
      - action: order_form
      - active_loop: order_form
  - rule: ordered
    condition:
      - active_loop: order_form
    steps:
      - action: order_form
      - active_loop: null
      - slot_was_set:
          - requested_slot: null
      - action: utter_ordered
  - rule: stop
    condition:
      - active_loop: fault_form
    steps:
      - intent: stop
      - action: action_deactivate_loop
      - active_loop: null
      - action: utter_stopped
"""
OLD_POLICY = """rasa_emotion.EmotionPolicy
    exempt_intents: [goodbye]
    threshold: 0.4
    nobody_action: null
"""
REQUIRED = """required_slots: [line, urgent, symptom]
  order_form:
    required_slots: [size, wanted]"""
NOT_AN_ANSWER = "[voice_without_words, opening_hours, stop]"
CHANGES = [
    ("config.yml", OLD_POLICY, POLICY),
    ("data/nlu.yml", "\nnlu:\n", f"\nnlu:{INTENTS}"),
    ("data/rules.yml", "rules:\n", RULES),
    ("domain.yml", "intents:\n", "intents:\n  - affirm\n  - deny\n  - opening_hours\n  - order\n  - stop\n"),
    ("domain.yml", "not_intent: voice_without_words", f"not_intent: {NOT_AN_ANSWER}"),
    ("domain.yml", "responses:\n", RESPONSES),
    ("domain.yml", "slots:\n", SLOTS),
    ("domain.yml", "required_slots: [line, symptom]", REQUIRED),
    ("domain.yml", "session_config:", "actions: [validate_fault_form]\n\nsession_config:"),
]


CATEGORICAL = """    type: categorical
    values: [angry, calm, disgust, fear, happy, neutral, sad, surprise, unknown]
    influence_conversation: true
"""
ON_ANGER = """rules:
  - rule: greet an angry caller
    condition:
      - slot_was_set:
          - emotion: angry
    steps:
      - intent: greet
      - action: utter_calm
"""


def trained(train: Callable[..., object], folder: Path, changes: list[tuple[str, str, str]]) -> str:
    """The archive of the small bot with these changes."""
    shutil.copytree(HERE / "bot", folder)
    for file, old, new in changes:
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text, old
        (folder / file).write_text(text.replace(old, new), encoding="utf-8")
    train(folder)
    return str(next((folder / "models").glob("*.tar.gz")))


@pytest.fixture(scope="module")
def model(train, tmp_path_factory: pytest.TempPathFactory) -> str:
    return trained(train, tmp_path_factory.mktemp("forms") / "bot", CHANGES)


@pytest.fixture(scope="module")
def actions() -> Iterator[EndpointConfig]:
    """A real action server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "rasa_sdk", "--actions", "form_actions", "--port", str(port)], cwd=HERE
    )
    until = time.monotonic() + START_SECS
    while True:
        try:
            requests.get(f"http://127.0.0.1:{port}/health", timeout=5)
            break
        except requests.ConnectionError:
            assert server.poll() is None, "the action server did not start"
            assert time.monotonic() < until, "the action server did not start"
            time.sleep(0.2)
    yield EndpointConfig(f"http://127.0.0.1:{port}/webhook")
    server.terminate()
    server.wait()


class Caller:
    """One conversation."""

    def __init__(self, agent: Agent) -> None:
        self.agent, self.sender = agent, uuid4().hex

    async def say(self, text: str) -> list[str]:
        """The texts of the answers."""
        channel = CollectingOutputChannel()
        await self.agent.handle_message(UserMessage(text, channel, self.sender))
        return [message["text"] for message in channel.messages]

    async def plays(self, *lines: tuple[str, str]) -> None:
        """What the caller says, and what the bot answers to it."""
        for said, answer in lines:
            assert " ".join(await self.say(said)) == answer, said

    async def slots(self, *names: str) -> list[object]:
        tracker = await self.agent.tracker_store.retrieve(self.sender)
        return [tracker.get_slot(name) for name in names]


@pytest.fixture
def caller(model: str, actions: EndpointConfig, monkeypatch: pytest.MonkeyPatch) -> Caller:
    install(monkeypatch)
    return Caller(Agent.load(model, action_endpoint=actions))


BROKEN, LINE, BUSINESS = ("broken", "Which line?"), ("Line 5", "Is it urgent?"), ("Business 5", "Is it urgent?")
URGENT, SYMPTOM = ("yes", "What is wrong with line 5?"), ("no tone", "Noted: no tone.")
FURIOUS = "I am getting a colleague."
ASKED = "Do you want a colleague?"


async def test_a_validated_form_has_not_heard_the_turn_that_hands_over(caller: Caller) -> None:
    await caller.plays(BROKEN, LINE, URGENT, ("furious, no tone", FURIOUS))
    assert await caller.slots("line", "urgent", "symptom") == ["line 5", True, None]


async def test_nor_has_a_slot_that_any_form_fills(caller: Caller) -> None:
    await caller.plays(BROKEN, LINE)
    assert await caller.slots("remark") == ["Line 5"]
    await caller.say("furious")
    assert await caller.slots("remark") == ["Line 5"]


async def test_nor_one_that_the_action_server_asked_for(caller: Caller) -> None:
    await caller.plays(BROKEN, BUSINESS, ("yes", "What is wrong with business 5?"), ("no tone", "Which floor?"))
    await caller.plays(("worried, the third", ASKED), ("no", "Which floor?"))
    assert await caller.slots("floor") == [None]
    await caller.plays(("third", "Noted: no tone."))
    assert await caller.slots("floor", "symptom") == ["third", "no tone"]


async def test_a_no_to_the_offer_is_none_to_the_forms_question(caller: Caller) -> None:
    await caller.plays(BROKEN, LINE, ("worried", ASKED), ("no", "Is it urgent?"))
    assert await caller.slots("urgent") == [None]
    await caller.plays(URGENT, SYMPTOM)


async def test_a_yes_to_the_offer_is_none_to_the_forms_question(caller: Caller) -> None:
    await caller.plays(BROKEN, LINE, ("worried", ASKED), ("yes", FURIOUS))
    assert await caller.slots("line", "urgent") == ["line 5", None]


async def test_what_validation_refused_is_asked_for_again(caller: Caller) -> None:
    question = "That is a question. What is wrong with line 5?"
    await caller.plays(BROKEN, LINE, URGENT, ("why?", question), ("worried?", ASKED))
    await caller.plays(("no", "What is wrong with line 5?"), SYMPTOM)


async def test_an_interrupted_form(caller: Caller) -> None:
    hours = ("when are you open", "We are open. Is it urgent?")
    await caller.plays(BROKEN, LINE, hours, ("when are you open, worried", ASKED), ("no", "Is it urgent?"), hours)
    await caller.plays(URGENT, SYMPTOM)


async def test_an_interruption_that_hands_over(caller: Caller) -> None:
    await caller.plays(BROKEN, LINE, ("when are you open", "We are open. Is it urgent?"))
    await caller.plays(("forget it, furious", FURIOUS))
    assert await caller.slots("line", "urgent", "requested_slot") == ["line 5", None, None]


async def test_a_form_that_would_have_begun_does_not(caller: Caller) -> None:
    await caller.plays(("order, furious", FURIOUS))
    assert await caller.slots("wanted", "requested_slot", "remark") == [None, None, None]


async def test_after_a_no_to_that_it_begins_when_it_is_wanted(caller: Caller) -> None:
    await caller.plays(("order, worried", ASKED), ("no", "Pardon?"), ("order", "Which size?"), ("XL", "Ordered: XL."))
    assert await caller.slots("wanted") == ["goods"]


async def test_what_is_not_understood_after_an_offer_is_said_once(caller: Caller) -> None:
    await caller.plays(("broken, worried", ASKED), ("blargh", ASKED), ("blargh", "Pardon?"), BROKEN)


async def test_an_alert_takes_nothing_from_the_form(caller: Caller) -> None:
    await caller.plays(BROKEN, LINE, ("yes, I am sad", "What is wrong with line 5?"), SYMPTOM)


async def test_where_nobody_can_come_the_form_asks_again(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rasa_emotion.bot.policy.reachable", lambda channel: False)
    await caller.plays(BROKEN, ("furious, line 4", "Nobody is there. Which line?"))
    assert await caller.slots("line", "remark") == [None, "broken"]
    await caller.plays(LINE, URGENT, SYMPTOM)


async def test_the_emotion_may_take_part_in_rules(train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slot of ours with `influence_conversation: true`, in a bot whose rules know it."""
    changes = [
        ("domain.yml", "  emotion:\n    type: text\n    influence_conversation: false\n", "  emotion:\n" + CATEGORICAL),
        ("domain.yml", "responses:\n", 'responses:\n  utter_calm:\n    - text: "Let us see."\n'),
        ("data/rules.yml", "rules:\n", ON_ANGER),
        ("config.yml", "threshold: 0.4", "threshold: 0.8"),
    ]
    model = trained(train, tmp_path / "bot", changes)
    install(monkeypatch)
    caller = Caller(Agent.load(model))
    await caller.plays(("hello", "Hello."), ("hello, I am annoyed", "Let us see."), ("hello", "Hello."))
    await caller.plays(BROKEN, ("5, I am annoyed", "What is wrong with 5, I am annoyed?"), SYMPTOM)
