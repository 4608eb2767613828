"""A trained bot that asks before it hands over: the answer is not the form's, and the form goes on after a no."""

import shutil
from pathlib import Path
from uuid import uuid4

import pytest
from fake_analyzer import install
from rasa.core.agent import Agent
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage

from rasa_emotion.conversation.history import escalations

pytestmark = pytest.mark.rasa

HERE = Path(__file__).resolve().parent

POLICY = """rasa_emotion.EmotionPolicy
    handoff_intents: [ask_name]
    offer_action: utter_offer
    rules:
      - {name: fury, when: {emotion: angry, at_least: 0.9}, do: ask}
      - {when: {fallbacks: 2}, do: offer}
      - {name: grief, when: {emotion: sad, at_least: 0.7}, do: alert}
"""
INTENTS = """
  - intent: affirm
    examples: |
      - yes
  - intent: deny
    examples: |
      - no
  - intent: complain
    examples: |
      - awful
"""
RESPONSES = """responses:
  utter_offer:
    - text: "Do you want a colleague?"
  utter_fine:
    - text: "Fine."
  utter_sorry:
    - text: "I am sorry."
"""
RULES = """rules:
  - rule: nothing to deny
    steps:
      - intent: deny
      - action: utter_fine
  - rule: a complaint in the form
    condition:
      - active_loop: fault_form
    steps:
      - intent: complain
      - action: utter_sorry
      - action: fault_form
      - active_loop: fault_form
"""
CHANGES = [
    ("config.yml", "rasa_emotion.EmotionPolicy\n    exempt_intents: [goodbye]\n    threshold: 0.4\n", POLICY),
    ("data/nlu.yml", "\nnlu:\n", f"\nnlu:{INTENTS}"),
    ("data/rules.yml", "rules:\n", RULES),
    ("domain.yml", "intents:\n", "intents:\n  - affirm\n  - deny\n  - complain\n"),
    ("domain.yml", "not_intent: voice_without_words", "not_intent: [voice_without_words, complain]"),
    ("domain.yml", "responses:\n", RESPONSES),
]
ASKED, HANDOFF = ["Do you want a colleague?"], ["I am getting a colleague."]


@pytest.fixture(scope="module")
def model(train, tmp_path_factory):
    """The trained bot's archive."""
    folder = tmp_path_factory.mktemp("asking") / "bot"
    shutil.copytree(HERE / "bot", folder)
    for file, old, new in CHANGES:
        text = (folder / file).read_text()
        assert old in text, old
        (folder / file).write_text(text.replace(old, new))
    train(folder)
    return str(next((folder / "models").glob("*.tar.gz")))


class Caller:
    """One conversation."""

    def __init__(self, agent):
        self.agent, self.sender = agent, uuid4().hex

    async def say(self, text):
        """The texts of the answers."""
        channel = CollectingOutputChannel()
        await self.agent.handle_message(UserMessage(text, channel, self.sender))
        return [message["text"] for message in channel.messages]

    async def tracker(self):
        return await self.agent.tracker_store.retrieve(self.sender)

    async def decisions(self):
        """Action and rule of each decision that the tracker holds."""
        found = escalations((await self.tracker()).events)
        return [(one.decision.action, one.decision.rule) for one in found]


@pytest.fixture
def caller(model, monkeypatch):
    install(monkeypatch)
    return Caller(Agent.load(model))


async def test_a_no_does_not_answer_the_forms_question(caller):
    assert await caller.say("it is broken") == ["Which line?"]
    assert await caller.say("awful, I am furious") == ASKED
    assert await caller.say("no") == ["Which line?"]
    assert (await caller.tracker()).get_slot("line") is None
    assert await caller.say("line 5") == ["What is wrong with line 5?"]
    assert await caller.say("no tone") == ["Noted: no tone."]


async def test_the_form_has_not_heard_the_turn_that_was_taken_over(caller):
    await caller.say("it is broken")
    assert await caller.say("line 5, and I am furious") == ASKED
    assert (await caller.tracker()).get_slot("line") is None
    assert await caller.say("no") == ["Which line?"]
    assert await caller.say("line 5") == ["What is wrong with line 5?"]
    assert await caller.say("no tone") == ["Noted: no tone."]


@pytest.mark.parametrize("way", ["who am I", "/ask_name", '/ask_name{"name": "Ada"}'])
async def test_nor_when_a_human_is_asked_for(caller, way):
    await caller.say("it is broken")
    assert await caller.say("line 5") == ["What is wrong with line 5?"]
    assert await caller.say(way) == HANDOFF
    tracker = await caller.tracker()
    assert (tracker.get_slot("line"), tracker.get_slot("symptom")) == ("line 5", None)


async def test_a_yes_hands_over_and_fills_nothing(caller):
    await caller.say("it is broken")
    assert await caller.say("awful, I am furious") == ASKED
    assert await caller.say("yes") == HANDOFF
    tracker = await caller.tracker()
    assert tracker.active_loop_name is None
    assert tracker.get_slot("line") is None
    assert tracker.is_paused()
    assert tracker.get_slot("escalated") is True
    assert tracker.get_slot("escalation_reason").startswith("The caller accepted the offer of a human, made because")
    assert await caller.decisions() == [("ask", "fury"), ("handover", "fury")]


async def test_a_question_that_was_not_answered_is_asked_once_more(caller):
    await caller.say("it is broken")
    assert await caller.say("awful, I am furious") == ASKED
    assert await caller.say("line 5") == ASKED
    assert await caller.say("line 5") == ["What is wrong with line 5?"]


async def test_outside_of_a_form_the_bot_answers_the_no(caller):
    assert await caller.say("hello, I am furious") == ASKED
    assert await caller.say("no") == ["Fine."]
    assert await caller.say("hello, I am furious") == ["I am sorry for the trouble."]


async def test_after_two_fallbacks_an_offer_may_be_taken(caller):
    assert await caller.say("blargh") == ["Pardon?"]
    assert await caller.say("blargh") == ASKED
    assert await caller.say("yes") == HANDOFF
    assert await caller.decisions() == [("offer", "fallback"), ("handover", "fallback")]


async def test_or_ignored(caller):
    await caller.say("blargh")
    assert await caller.say("blargh") == ASKED
    assert await caller.say("it is broken") == ["Which line?"]


async def test_an_alert_lets_the_bot_go_on(caller):
    await caller.say("it is broken")
    assert await caller.say("awful, I am sad") == ["I am sorry.", "Which line?"]  # the form rejects this turn first
    assert await caller.say("line 5") == ["What is wrong with line 5?"]
    assert await caller.decisions() == [("alert", "grief")]
    assert not (await caller.tracker()).get_slot("escalated")


async def test_an_alert_outlives_the_turn_that_was_not_understood(caller):
    assert await caller.say("blargh, I am sad") == ["Pardon?"]
    assert await caller.decisions() == [("alert", "grief")]


async def test_a_request_needs_no_question(caller):
    await caller.say("it is broken")
    assert await caller.say("who am I") == HANDOFF
    assert await caller.decisions() == [("handover", "request")]
