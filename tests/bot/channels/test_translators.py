"""The channels translate and do nothing else: each duty is asked of the intake, which here only records."""

import ast
import inspect
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from rasa.core.channels.channel import InputChannel, UserMessage

from rasa_emotion.bot.channels import relay, rest
from rasa_emotion.bot.channels.relay import RelayInput
from rasa_emotion.bot.channels.rest import EmotionRestInput
from rasa_emotion.turn.message import Taken, Turn, TurnRefused

DUTIES = {
    "rasa_emotion.turn.consent",  # whether the caller may be analysed, and what they choose
    "rasa_emotion.turn.listening",  # decoding and hearing
    "rasa_emotion.turn.shared",  # which analyzer
    "rasa_emotion.turn.evidence",  # the trusted mark
    "rasa_emotion.analyzer",
    "rasa_emotion.protocol",
    "rasa_emotion.privacy",
    "concurrent",  # where the analysis runs
}
TAKEN = Taken("someone", "/else", {"from": "the intake"}, "emotion-1", "line", "A warning.")


class Recording:
    """An intake that notes what it is asked and takes every turn to be another one."""

    def __init__(self, refusal: TurnRefused | None = None) -> None:
        self.asked: list[tuple[Turn, object]] = []
        self.refusal = refusal
        self.options: dict = {}

    def check_room(self):
        """There always is some."""

    async def take(self, turn, hand_on, *, intents=None):
        self.asked.append((turn, intents))
        if self.refusal:
            raise self.refusal
        await hand_on(TAKEN)
        return TAKEN


class Wrapped(InputChannel):
    """A channel of somebody else's."""

    @classmethod
    def name(cls):
        return "theirs"

    def blueprint(self, on_new_message):
        from sanic import Blueprint  # noqa: PLC0415

        self.on_new_message = on_new_message
        return Blueprint("theirs", __name__)


class Body:
    """A request's body as Sanic streams it."""

    def __init__(self, content: bytes) -> None:
        self.parts = [content, None]

    async def read(self):
        return self.parts.pop(0)


def request(content: bytes, body: object) -> SimpleNamespace:
    agent = SimpleNamespace(domain=SimpleNamespace(intents=["greet"]))
    app = SimpleNamespace(ctx=SimpleNamespace(agent=agent))
    headers = {"content-type": "application/json"}
    return SimpleNamespace(
        method="POST",
        stream=Body(content),
        headers=headers,
        content_type="application/json",
        json=body,
        app=app,
        args={},
    )


async def posted(channel: EmotionRestInput, body: dict) -> tuple[list[UserMessage], object]:
    told: list[UserMessage] = []

    async def on_new_message(message):
        told.append(message)
        await message.output_channel.send_text_message(message.sender_id, "answer")

    (route, *_) = [one for one in channel.blueprint(on_new_message)._future_routes if one.uri == "/webhook"]
    return told, await route.handler(request(b"{}", body))


async def test_the_rest_channel_says_what_the_intake_says() -> None:
    channel = EmotionRestInput()
    channel.intake = recording = Recording()
    body = {"sender": "alice", "message": " hello ", "metadata": {"a": 1}, "input_channel": "phone"}
    (message,), answer = await posted(channel, body)
    assert recording.asked == [(Turn("alice", " hello ", None, {"a": 1}, "phone"), ["greet"])]
    found = (message.sender_id, message.text, message.metadata, message.message_id, message.input_channel)
    assert found == ("someone", "/else", {"from": "the intake"}, "emotion-1", "line")
    assert answer.headers["X-Emotion-Warning"] == "A warning."
    assert json.loads(answer.body) == [{"recipient_id": "someone", "text": "answer", "warnings": ["A warning."]}]


async def test_the_rest_channel_refuses_what_the_intake_refuses() -> None:
    channel = EmotionRestInput()
    channel.intake = Recording(TurnRefused(429, "Later."))
    told, answer = await posted(channel, {"message": "hello"})
    assert (told, answer.status) == ([], 429)


async def test_the_relay_asks_for_a_channel_that_has_no_intake(caplog: pytest.LogCaptureFixture) -> None:
    wrapped = Wrapped()
    channel = RelayInput(wrapped, {})
    told: list[UserMessage] = []

    async def on_new_message(message):
        told.append(message)

    channel.blueprint(on_new_message)
    channel._intake = recording = Recording()
    message = UserMessage("hello", None, "alice", input_channel="theirs", message_id="7", metadata={"a": 1})
    await wrapped.on_new_message(message)
    assert recording.asked == [(Turn("alice", "hello", None, {"a": 1}, "theirs", "7"), None)]
    assert [(one.text, one.metadata) for one in told] == [("/else", {"from": "the intake"})]
    channel._intake = Recording(TurnRefused(413, "Too much."))
    await wrapped.on_new_message(UserMessage("hello", None, "alice"))
    assert len(told) == 1
    assert "Too much." in caplog.text


async def test_the_relay_asks_nothing_twice() -> None:
    channel = RelayInput(EmotionRestInput(), {})
    assert channel._intake is None
    assert isinstance(channel.channel.intake.options, dict)


@pytest.mark.parametrize("module", [rest, relay])
def test_a_channel_does_none_of_it_itself(module: object) -> None:
    tree = ast.parse(Path(inspect.getfile(module)).read_text(encoding="utf-8"))
    names = {
        name
        for node in ast.walk(tree)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [one.name for one in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    assert {name for name in names if any(name == duty or name.startswith(f"{duty}.") for duty in DUTIES)} == set()
    assert not any(
        isinstance(node, ast.Attribute) and node.attr in ("Lock", "run_in_executor") for node in ast.walk(tree)
    )
