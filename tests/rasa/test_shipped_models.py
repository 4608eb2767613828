"""The bot with the models that ship."""

import pytest
from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage
from rasa.utils.endpoints import EndpointConfig

from rasa_emotion.conversation.history import latest_turn
from rasa_emotion.turn.evidence import EVIDENCE_KEY
from rasa_emotion.turn.listening import listen
from rasa_emotion.turn.message import Audio
from rasa_emotion.turn.shared import shared_analyzer

pytestmark = pytest.mark.rasa

FURIOUS = "You are useless and I hate this company!"


@pytest.fixture(scope="module")
def agent(bot):
    responses = EndpointConfig(type="rasa_emotion.EmotionResponses")
    return Agent.load(str(next((bot / "models").glob("*.tar.gz"))), generator=responses)


@pytest.fixture
def say(agent):
    """`await say(sender, text, metadata=None)`: the texts of the answers."""

    async def send(sender, text, metadata=None):
        answers = await agent.handle_message(UserMessage(text, sender_id=sender, metadata=metadata))
        return [answer["text"] for answer in answers]

    return send


async def test_a_friendly_caller_stays_with_the_bot(say, agent):
    for text in ("hello", "hi, thank you so much, that was wonderful!", "hello, what a lovely day"):
        assert await say("friendly", text) == ["Hello."]
    tracker = await agent.tracker_store.retrieve("friendly")
    assert tracker.get_slot("emotion") == "happy"
    assert tracker.get_slot("caller_mood") == "calm"
    assert not tracker.get_slot("escalated")


async def test_an_angry_caller_is_handed_over(say, agent):
    await say("angry", FURIOUS)
    await say("angry", FURIOUS)
    tracker = await agent.tracker_store.retrieve("angry")
    assert tracker.get_slot("escalated") is True
    assert tracker.get_slot("caller_mood") == "hostile"
    assert tracker.is_paused()


async def test_a_voice_is_heard_beside_the_words(say, agent, speech):
    heard = listen(shared_analyzer(), Audio(speech("Hello, I would like to ask about my bill.").read_bytes()))
    assert heard.warning is None
    await say("voice", "hello", {EVIDENCE_KEY: heard.evidence})
    estimate = latest_turn((await agent.tracker_store.retrieve("voice")).events).estimate
    assert estimate.modalities == ("acoustic", "text")
    assert sum(estimate.probabilities.values()) == pytest.approx(1, abs=1e-3)
