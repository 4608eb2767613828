"""Bots of the shapes found in public, trained by Rasa: `init` keeps what they say, and an angry caller gets a human.

Actions of their own have no server here, as on the day when it is down: where a form is validated by one, Rasa says
nothing, and the angry caller is handed over all the same. The bank has trained classifiers, DIET, TED and a response
selector, and slots and an entity that are named as ours.
"""

from dataclasses import dataclass

import pytest
from bot_shapes import BANK, GERMAN, HELPDESK, SHOP, TABLE, make
from fake_analyzer import install
from rasa.core.agent import Agent
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from rasa_emotion.cli.bot_files import write
from rasa_emotion.cli.bot_plan import Wishes, plan
from rasa_emotion.cli.wording import Given, read_replies

pytestmark = pytest.mark.rasa

ANGRY = "I am furious about this"
HANDOFF = "I am putting you through to a colleague."
NOBODY_LISTENS = EndpointConfig("http://127.0.0.1:9/webhook")

REPLIES = """
utter_handoff: Ich verbinde Sie mit einer Kollegin.
utter_nobody_available: Gerade kann ich leider niemanden erreichen.
"""


@dataclass(frozen=True)
class Shape:
    """What a bot says without emotions, and what it says at a handover.

    Args:
        files: of the bot.
        talk: pairs of a caller's words and the bot's answers; the last ones are in the middle of something.
        before: slots that this has filled, and a slot of the bot's own with a name of ours, which is left to the bot.
        handoff: begins or ends the last answer to an angry caller.
    """

    files: dict[str, str]
    talk: tuple[tuple[str, tuple[str, ...]], ...]
    before: dict[str, object]
    handoff: str = HANDOFF


SHAPES = {
    "from_text form": Shape(
        TABLE,
        (
            ("hello", ("Hello! What can I do for you?",)),
            ("a table for tonight please", ("What would you like to eat?",)),
            ('/inform{"cuisine": "greek"}', ("Would you like to sit outside?",)),
            ("yes please", ("Is there anything that we should know?",)),
        ),
        {"cuisine": "greek", "outside": True, "wish": None},
    ),
    "actions without a server": Shape(
        HELPDESK,
        (("hello", ("Hi, I am the helpdesk.",)), ("my laptop is broken", ())),
        {"email": None},
        "whether somebody of the team is free to take over this conversation.",
    ),
    "two stages and several languages": Shape(
        SHOP,
        (
            ("hello", ("Hello! Which language do you speak?",)),
            ('/speak{"language": "de"}', ("Understood.",)),
            ("wo ist meine bestellung", ("Ihre Bestellung ist unterwegs.",)),
        ),
        {"language": "de"},
    ),
    "another language": Shape(
        GERMAN,
        (
            ("guten tag", ("Guten Tag, was kann ich für Sie tun?",)),
            ("meine leitung ist tot", ("Unter welcher Nummer können wir Sie zurückrufen?",)),
        ),
        {"nummer": None},
        "Ich verbinde Sie mit einer Kollegin.",
    ),
    "DIET, TED and a response selector": Shape(
        BANK,
        (
            ("hello", ("Welcome to the bank.",)),
            ("what are your opening hours", ("We are open from nine to five.",)),
            ("are there any fees", ("An account costs nothing.",)),
            ("I want to transfer money", ()),
        ),
        {"amount": None, "purpose": None, "emotion": None},
    ),
}


class Caller:
    """One conversation with a trained bot."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent

    async def say(self, text: str) -> list[str]:
        channel = CollectingOutputChannel()
        await self.agent.handle_message(UserMessage(text, channel, "caller"))
        return [message["text"] for message in channel.messages if "text" in message]

    async def tracker(self) -> DialogueStateTracker:
        found = await self.agent.tracker_store.retrieve("caller")
        assert found is not None
        return found


@pytest.fixture(scope="module", params=SHAPES)
def shape(request: pytest.FixtureRequest) -> Shape:
    return SHAPES[request.param]


@pytest.fixture(scope="module")
def model(shape: Shape, train, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The trained bot, after init."""
    folder = make(shape.files, tmp_path_factory.mktemp("shape") / "bot")
    given = Given()
    if shape.files is GERMAN:
        (folder / "replies.yml").write_text(REPLIES, encoding="utf-8")
        given = read_replies(folder / "replies.yml")
        (folder / "replies.yml").unlink()
    write(plan(folder, wishes=Wishes(given=given)))
    train(folder)
    return str(next((folder / "models").glob("*.tar.gz")))


@pytest.fixture
def caller(model: str, monkeypatch: pytest.MonkeyPatch) -> Caller:
    install(monkeypatch)
    return Caller(Agent.load(model, action_endpoint=NOBODY_LISTENS))


async def test_it_says_what_it_said_and_hands_an_angry_caller_over(shape: Shape, caller: Caller) -> None:
    for number, (words, answers) in enumerate(shape.talk):
        said = await caller.say(words)
        # Before the first answer, whoever speaks English is told that emotions are analysed.
        assert tuple(said[-1:] if number == 0 else said) == answers, words
        assert (await caller.tracker()).get_slot("caller_mood") == "calm"
    assert shape.before.items() <= (await caller.tracker()).current_slot_values().items()
    for _ in range(2):
        before = (await caller.tracker()).current_slot_values()
        said = await caller.say(ANGRY)
        tracker = await caller.tracker()
        if tracker.get_slot("escalated"):
            break
    assert said[-1].endswith(shape.handoff)
    assert tracker.is_paused()
    assert tracker.active_loop_name is None
    assert tracker.get_slot("emotion") == shape.before.get("emotion", "angry")
    assert {name: tracker.get_slot(name) for name in shape.before} == {name: before[name] for name in shape.before}
    assert await caller.say("is anybody there?") == []
