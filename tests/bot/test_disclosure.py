"""Callers are told once per conversation, with the first answer, and only who is analysed."""

import asyncio
from xml.etree import ElementTree

import pytest
from rasa.core.actions.action import create_bot_utterance
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, Restarted, SessionStarted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from rasa_emotion.bot.rasa_versions import named_output
from rasa_emotion.bot.responses import EmotionResponses
from rasa_emotion.conversation.history import HAND_BACK_KEY
from rasa_emotion.turn.consent import shared_consents

TOLD = "I listen to how you sound."
DOMAIN = """
version: "3.1"
responses:
  utter_greet: [{text: Hello.}]
  utter_picture: [{custom: {picture: a.png}}]
  utter_emotion_disclosure:
    - text: I listen to how you sound.
    - text: I note how you sound.
      channel: letters
"""


@pytest.fixture(autouse=True)
def bot_folder(tmp_path, monkeypatch):
    """The working folder of a bot."""
    monkeypatch.delenv("RASA_EMOTION_ENDPOINTS", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tracker():
    return DialogueStateTracker.from_events("alice", [SessionStarted(), UserUttered("hello")])


def answers(domain=DOMAIN, **options):
    config = EndpointConfig.from_dict({"type": "rasa_emotion.EmotionResponses", **options})
    generator = EmotionResponses(config, Domain.from_yaml(domain))

    def answer(tracker, name="utter_greet", channel="rest", *, note=True):
        found = asyncio.run(generator.generate(name, tracker, named_output(channel)))
        if note:
            tracker.update(create_bot_utterance(dict(found)))
        return found.get("text")

    return answer


def restored(tracker):
    """The conversation as another process reads it from a store."""
    return DialogueStateTracker.from_dict("alice", [event.as_dict() for event in tracker.events])


def test_the_first_answer_tells(tracker):
    answer = answers()
    assert answer(tracker) == f"{TOLD} Hello."
    assert answer(tracker) == "Hello."


def test_what_was_told_outlasts_the_process(tracker):
    answers()(tracker)
    assert answers()(restored(tracker)) == "Hello."


def test_several_answers_of_one_action_tell_once(tracker):
    answer = answers()
    assert [answer(tracker, note=False) for _ in range(2)] == [f"{TOLD} Hello.", "Hello."]


def test_a_new_session_is_told_again_and_a_restart_is_none(tracker):
    answer = answers()
    answer(tracker)
    tracker.update_with_events([ActionExecuted("action_restart"), Restarted(), UserUttered("hello")], Domain.empty())
    assert answer(restored(tracker)) == "Hello."
    tracker.update_with_events([SessionStarted(), UserUttered("hello")], Domain.empty())
    assert answer(restored(tracker)) == f"{TOLD} Hello."


def test_a_call_that_a_human_hands_back_is_not_told_again(tracker):
    back = [SessionStarted(metadata={HAND_BACK_KEY: "0284301b"}), UserUttered("hello")]
    tracker.update_with_events(back, Domain.empty())
    assert answers()(restored(tracker)) == "Hello."


def test_a_picture_is_told_beside(tracker):
    assert answers()(tracker, "utter_picture") == TOLD


def test_the_channels_own_words(tracker):
    assert answers()(tracker, channel="letters") == "I note how you sound. Hello."


def test_who_is_not_analysed_is_told_nothing_until_they_are(tracker):
    answer = answers()
    shared_consents().set("alice", False)
    assert answer(tracker) == "Hello."
    shared_consents().set("alice", True)
    assert answer(tracker) == f"{TOLD} Hello."


def test_opt_in_is_told_when_it_begins(tracker, bot_folder):
    (bot_folder / "endpoints.yml").write_text("rasa_emotion: {consent: opt_in}")
    answer = answers()
    assert answer(tracker) == "Hello."
    shared_consents().set("alice", True)
    assert answer(tracker) == f"{TOLD} Hello."


def test_a_bot_without_the_response_says_nothing(tracker):
    assert answers('version: "3.1"\nresponses:\n  utter_greet: [{text: Hello.}]')(tracker) == "Hello."


def test_a_voice_speaks_it_too(tracker):
    generator = EmotionResponses(
        EndpointConfig.from_dict({"type": "x", "ssml": "ssml", "voice_channels": ["rest"]}), Domain.from_yaml(DOMAIN)
    )
    found = asyncio.run(generator.generate("utter_greet", tracker, named_output("rest")))
    assert TOLD in "".join(ElementTree.fromstring(found["ssml"]).itertext())
