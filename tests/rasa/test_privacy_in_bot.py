"""A trained bot, with what `init` adds: callers are told, their no holds, and nothing of them is stored or logged."""

import asyncio
import json
import logging
import shutil
import sqlite3
from pathlib import Path

import pytest
from fake_analyzer import FakeAnalyzer, evidence, install

from rasa_emotion.cli.bot_files import write
from rasa_emotion.cli.bot_plan import plan

pytestmark = pytest.mark.rasa

HERE = Path(__file__).resolve().parent
OWN = "not_intent: [voice_without_words, emotion_off, emotion_on]"
TOLD = "I am an automated assistant, and I analyse how you sound"
STOPPED = "I no longer analyse how you feel."
HANDOFF = "I am getting a colleague."
SENDER = "+44 7700 900123"
MARK = "marzipan"


@pytest.fixture(scope="module")
def trained(train, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The model of the test bot after `rasa-emotion init`."""
    folder = tmp_path_factory.mktemp("private") / "bot"
    shutil.copytree(HERE / "bot", folder)
    domain = folder / "domain.yml"
    domain.write_text(domain.read_text().replace("not_intent: voice_without_words", OWN))
    write(plan(folder))
    return train(folder).model


@pytest.fixture
def bot(trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`bot()`: the bot as after a start of its server, in a folder of its own."""
    from rasa.core.agent import Agent  # noqa: PLC0415 -- loads TensorFlow
    from rasa.shared.core.domain import Domain  # noqa: PLC0415
    from rasa.utils.endpoints import EndpointConfig  # noqa: PLC0415

    from rasa_emotion.bot.tracker_store import EmotionTrackerStore  # noqa: PLC0415
    from rasa_emotion.turn import consent  # noqa: PLC0415

    install(monkeypatch)
    monkeypatch.delenv("RASA_EMOTION_ENDPOINTS", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "endpoints.yml").write_text("tracker_store: {type: rasa_emotion.EmotionTrackerStore, db: tracker.db}")

    def start() -> "Bot":
        consent._open.cache_clear()
        store = EmotionTrackerStore(Domain.empty(), dialect="sqlite", db="tracker.db")
        nlg = EndpointConfig.from_dict({"type": "rasa_emotion.EmotionResponses"})
        return Bot(Agent.load(trained, generator=nlg, tracker_store=store))

    return start


class Bot:
    """The bot as one channel after another sees it."""

    def __init__(self, agent) -> None:
        self.agent = agent

    def say(self, text: str, *, voice: str | None = None, sender: str = SENDER, channel: str = "emotion") -> list[str]:
        """The bot's answers to words, beside which a channel of ours may have heard a voice."""
        from rasa.core.channels.channel import UserMessage  # noqa: PLC0415

        from rasa_emotion.turn.evidence import EVIDENCE_KEY, ChannelEvidence  # noqa: PLC0415

        metadata = {EVIDENCE_KEY: ChannelEvidence.of([evidence("acoustic", voice, 0.96)])} if voice else None
        identity = "emotion-1" if voice else None
        message = UserMessage(text, None, sender, input_channel=channel, message_id=identity, metadata=metadata)
        return [answer["text"] for answer in asyncio.run(self.agent.handle_message(message))]

    def slots(self) -> dict[str, object]:
        tracker = asyncio.run(self.agent.tracker_store.retrieve(SENDER))
        return {name: slot.value for name, slot in tracker.slots.items()}


def stored(after: int = 0) -> list[str]:
    """The raw events in the tracker store's file."""
    with sqlite3.connect("tracker.db") as connection:
        return [data for (data,) in connection.execute("SELECT data FROM events WHERE id > ? ORDER BY id", (after,))]


def packets() -> int:
    with sqlite3.connect("tracker.db") as connection:
        return int(connection.execute("SELECT count(*) FROM emotion_handoffs").fetchone()[0])


def bears_emotions(event: str) -> bool:
    data = json.loads(event)
    estimate = (data.get("parse_data") or {}).get("emotion_estimate") or {}
    return "angry" in event or "acoustic" in event or bool(estimate.get("evidence") or estimate.get("probabilities"))


@pytest.mark.parametrize("no", ["/emotion_off", "please stop analysing my emotions", "oh, no emotion analysis please"])
@pytest.mark.parametrize("channel", ["emotion", "rest"])
def test_a_no_holds_at_once_and_nothing_is_stored(bot, no, channel):
    voice = "angry" if channel == "emotion" else None
    here = bot()
    (answer,) = here.say("hello, I am annoyed", channel=channel)
    assert answer.startswith(TOLD)
    assert bears_emotions("".join(event for event in stored() if '"event": "user"' in event))
    before = len(stored())
    (answer,) = here.say(no, voice=voice, channel=channel)
    assert answer.startswith(STOPPED)
    for _ in range(3):
        (answer,) = here.say("hello, I am furious", voice=voice, channel=channel)
        assert answer.startswith("Hello")
    assert here.slots()["emotion"] == here.slots()["caller_mood"] == "unknown"
    again = bot()  # after a restart
    assert again.say("hello, I am furious", voice=voice, channel=channel)[0].startswith("Hello")
    assert not [event for event in stored(before) if bears_emotions(event)]
    assert packets() == 0


def test_a_no_as_the_first_words_of_all_leaves_nothing(bot):
    (answer,) = bot().say("stop analysing my emotions", voice="angry")
    assert answer.startswith(STOPPED)
    assert not [event for event in stored() if bears_emotions(event)]


def test_a_yes_resumes_with_the_next_turn(bot):
    here = bot()
    here.say("/emotion_off")
    (answer,) = here.say("you may analyse my emotions again", voice="angry")
    assert answer.startswith(TOLD)  # now it holds, and nobody has said so yet
    assert "take into account again" in answer
    assert packets() == 0
    assert here.say("hello, I am furious", voice="angry") == [f"I can hear that this is annoying. {HANDOFF}"]
    assert packets() == 1


def test_a_no_inside_a_form_is_no_answer_to_it(bot):
    here = bot()
    (answer,) = here.say("it is broken")
    assert answer.startswith(TOLD)
    assert answer.endswith("Which line?")
    stopped, question = here.say("stop analysing my emotions")
    assert stopped.startswith(STOPPED)
    assert question == "Which line?"
    assert here.slots()["line"] is None
    assert here.say("line 5, and I am furious", voice="angry") == ["What is wrong with line 5, and I am furious?"]


def test_others_are_heard_as_ever(bot):
    here = bot()
    here.say("/emotion_off")
    assert here.say("hello, I am furious", sender="other", voice="angry")[0].endswith(HANDOFF)


def test_who_was_forgotten_after_a_no_is_still_not_analysed(bot):
    from rasa_emotion.privacy.forget import Forgetter  # noqa: PLC0415

    bot().say("hello, I am annoyed")
    bot().say("/emotion_off")
    forgetter = Forgetter()
    assert forgetter.delete(forgetter.find(SENDER)).choice == "kept"
    assert stored() == []
    assert bot().say("hello, I am furious", voice="angry")[0].startswith("Hello")
    assert not [event for event in stored() if bears_emotions(event)]


def test_a_conversation_outside_of_nlu_counts_too(bot):
    """A button of the operator's that Rasa's `trigger_intent` reports."""
    from rasa.core.channels.channel import CollectingOutputChannel  # noqa: PLC0415

    async def press(agent) -> None:
        processor = agent.processor
        tracker = await processor.fetch_tracker_and_update_session(SENDER)
        await processor.trigger_external_user_uttered("emotion_off", None, tracker, CollectingOutputChannel())

    here = bot()
    here.say("hello")
    asyncio.run(press(here.agent))
    before = len(stored())
    assert here.say("hello, I am furious", voice="angry")[0].startswith("Hello")
    assert not [event for event in stored(before) if bears_emotions(event)]


def test_logs_hold_neither_callers_nor_their_words(bot, monkeypatch):
    from rasa_emotion.turn import consent  # noqa: PLC0415

    said: list[str] = []
    handler = logging.Handler(logging.DEBUG)
    formatter = logging.Formatter("%(name)s %(levelname)s %(message)s")
    handler.emit = lambda record: said.append(formatter.format(record))
    logger = logging.getLogger("rasa_emotion")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)

    def fail(*_, **__):
        raise RuntimeError(f"{MARK} of {SENDER}")

    try:
        here = bot()
        here.say(f"hello {MARK}", voice="neutral")
        here.say(f"{MARK} {MARK}")
        here.say(f'/greet{{"name": "{MARK}"}}')
        here.say("/emotion_off")
        here.say("/emotion_on")
        here.say(f"hello, I am furious about {MARK}", voice="angry")
        for target in ("read", "fuse"):
            with monkeypatch.context() as patch:
                patch.setattr(FakeAnalyzer, target, fail)
                here.say(f"hello {MARK}", sender=f"{SENDER}-{target}")
        for target in (
            "rasa_emotion.bot.policy.EmotionPolicy._move",
            "rasa_emotion.bot.responses._Making.disclosed",
            "rasa_emotion.turn.consent.last_choice",
            "rasa_emotion.bot.tracker_store.due",
        ):
            with monkeypatch.context() as patch:
                patch.setattr(target, fail)
                here.say(f"hello {MARK}, I am furious", sender=f"{SENDER}-{target}", voice="angry")
        Path("broken.db").write_bytes(b"no database" * 1000)
        Path("endpoints.yml").write_text("rasa_emotion: {database: 'sqlite:///broken.db'}")
        consent._open.cache_clear()
        assert not consent.may_analyse(SENDER)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    assert len(said) >= 6
    everything = "\n".join(said)
    assert MARK not in everything
    assert "900123" not in everything
