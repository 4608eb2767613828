"""The channel in a Sanic server of its own, with a bot that only notes what it is told."""

import asyncio
import base64
import io
import socket
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from types import SimpleNamespace

import fake_analyzer
import pytest
import requests
import soundfile
from fake_analyzer import ENOUGH, SLOW_PITCH, SLOWLY, install
from rasa.shared.exceptions import InvalidConfigException
from sanic import Sanic
from voice_kit import start_server

from rasa_emotion.bot.channels.rest import EmotionRestInput
from rasa_emotion.conversation.commands import HEARD_PREFIX
from rasa_emotion.turn import intake
from rasa_emotion.turn.consent import shared_consents
from rasa_emotion.turn.evidence import EVIDENCE_KEY, ChannelEvidence
from rasa_emotion.turn.message import FAILED


class Bot:
    """Answers with the text that it got; what it `thinks_about`, when it may go on."""

    def __init__(self):
        self.messages = []
        self.domain = SimpleNamespace(intents=["voice_without_words"])
        self.thinks_about = None
        self.begun, self.may_go_on = threading.Event(), threading.Event()

    async def __call__(self, message):
        if message.text == self.thinks_about:
            self.begun.set()
            while not self.may_go_on.is_set():
                await asyncio.sleep(0.01)
        self.messages.append(message)
        if message.text == "fail":
            raise RuntimeError("on purpose")
        if message.text == "exit":
            raise SystemExit("as a tracker store does that gives up")
        await message.output_channel.send_text_message(message.sender_id, message.text)


@pytest.fixture(scope="module")
def served():
    """A bot and its channel's address. One server for all tests: Sanic can be started once in a process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    bot, app, loop = Bot(), Sanic("channel", configure_logging=False), asyncio.new_event_loop()
    app.ctx.agent = bot
    app.blueprint(EmotionRestInput.from_credentials({"workers": 2}).blueprint(bot), url_prefix="/")

    with pytest.MonkeyPatch.context() as monkeypatch:
        install(monkeypatch)
        loop.run_until_complete(start_server(app, port))
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        yield bot, f"http://127.0.0.1:{port}"
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


@pytest.fixture
def bot(served):
    """The bot, without memory of other tests."""
    served[0].__init__()
    return served[0]


@pytest.fixture
def post(served, tone):
    """`post(body, pitch=None, path="webhook")`: the response."""

    def send(body, *, pitch=None, path="webhook"):
        if pitch:
            stream = io.BytesIO()
            soundfile.write(stream, tone(pitch, 1.0), 16_000, format="WAV")
            body = {**body, "audio": {"content": base64.b64encode(stream.getvalue()).decode()}}
        return requests.post(f"{served[1]}/{path}", json=body, timeout=60)

    return send


def test_evidence_travels_in_the_metadata(post, bot):
    post({"sender": "a", "message": "hi", "metadata": {"shop": 7}}, pitch=400)
    (message,) = bot.messages
    assert isinstance(message.metadata[EVIDENCE_KEY], ChannelEvidence)
    assert message.metadata["shop"] == 7
    assert (message.text, message.sender_id, message.input_channel) == ("hi", "a", "emotion")
    assert message.output_channel.name() == "emotion"
    assert message.message_id.startswith(HEARD_PREFIX)


def test_words_alone_carry_no_metadata(post, bot):
    post({"message": "hi"})
    assert bot.messages[0].metadata is None
    assert not bot.messages[0].message_id.startswith(HEARD_PREFIX)


@pytest.mark.parametrize("path", ["webhook", "webhook?stream=true"])
def test_a_short_turn_does_not_overtake_a_long_one_of_the_same_caller(post, bot, path, monkeypatch):
    monkeypatch.setattr(fake_analyzer, "SLOW_SECS", 60.0)
    SLOWLY.clear()
    ENOUGH.clear()
    with ThreadPoolExecutor(3) as pool:
        pool.submit(post, {"sender": "a", "message": "first"}, pitch=SLOW_PITCH, path=path)
        assert SLOWLY.wait(60)
        pool.submit(post, {"sender": "a", "message": "second"}, path=path)
        pool.submit(post, {"sender": "b", "message": "other"}, path=path).result()
        ENOUGH.set()
    assert [message.text for message in bot.messages] == ["other", "first", "second"]


def test_a_turn_goes_on_when_its_client_hangs_up(served, bot, post):
    bot.thinks_about = "first"
    host, port = served[1].removeprefix("http://").split(":")
    body = b'{"sender": "a", "message": "first"}'
    head = f"POST /webhook?stream=true HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    with socket.create_connection((host, int(port)), timeout=60) as line:
        line.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        assert bot.begun.wait(60)
    post({"sender": "b", "message": "other"})  # by then the server has seen that the line is gone
    bot.may_go_on.set()
    post({"sender": "a", "message": "second"})
    assert [message.text for message in bot.messages] == ["other", "first", "second"]


def test_a_bot_without_an_intent_for_it_is_not_made_to_guess(post, bot, caplog):
    bot.domain.intents = ["greet"]
    response = post({"sender": "a"}, pitch=400)
    assert response.status_code == 500
    assert "no intent 'voice_without_words'" in response.json()["message"]
    assert bot.messages == []
    assert len([record for record in caplog.records if record.name == "rasa_emotion.turn.intake"]) == 1
    assert post({"sender": "a", "message": "hi"}, pitch=400).ok


@pytest.mark.parametrize("path", ["webhook", "webhook?stream=true"])
@pytest.mark.parametrize("text", ["fail", "exit"])
def test_a_failing_bot_is_a_failed_turn_with_an_answer(post, bot, path, text):
    response = post({"sender": "a", "message": text}, path=path)
    assert response.status_code == (200 if "stream" in path else 500)  # a stream has begun before the bot fails
    assert response.json() == {"status": "failure", "code": 500, "message": FAILED}
    assert [message.text for message in bot.messages] == [text]
    assert post({"sender": "a", "message": "hi"}, path=path).json()["text" if "stream" in path else 0]


@pytest.mark.parametrize(
    ("credentials", "sentence"),
    [
        ({"max_secs": 0}, "'max_secs' is 0"),
        ({"max_audio_mb": 200}, "at most 70"),
        ({"workers": "two"}, "'workers' is 'two'"),
        ({"voice_intent": ""}, "'voice_intent'"),
        ({"max_seconds": 3}, "did you mean 'max_secs'"),
    ],
)
def test_bad_options_are_refused(credentials, sentence):
    with pytest.raises(InvalidConfigException, match=sentence):
        EmotionRestInput.from_credentials(credentials)


def test_without_options():
    assert EmotionRestInput.from_credentials(None).config["max_audio_mb"] == 10


@pytest.fixture
def choices(tmp_path, monkeypatch):
    """The record of consents, in a folder of its own."""
    endpoints = tmp_path / "endpoints.yml"
    endpoints.write_text(f"rasa_emotion: {{database: 'sqlite:///{tmp_path}/emotion.db'}}")
    monkeypatch.setenv("RASA_EMOTION_ENDPOINTS", str(endpoints))
    return shared_consents()


def test_the_voice_of_who_said_no_is_not_even_decoded(post, bot, choices, monkeypatch):
    monkeypatch.setattr(intake, "listen", lambda *_, **__: pytest.fail("it was listened to"))
    choices.set("a", False)
    answer = post({"sender": "a", "message": "hi"}, pitch=400)
    assert answer.json()[0]["text"] == "hi"
    assert answer.headers["X-Emotion-Warning"] == "The caller's emotions are not to be analysed; the voice was not."
    assert bot.messages[0].metadata is None
    assert not bot.messages[0].message_id.startswith(HEARD_PREFIX)


def test_others_are_heard_and_who_changes_their_mind_too(post, bot, choices):
    choices.set("a", False)
    post({"sender": "b", "message": "hi"}, pitch=400)
    choices.set("a", True)
    post({"sender": "a", "message": "hi"}, pitch=400)
    assert [EVIDENCE_KEY in message.metadata for message in bot.messages] == [True, True]


def test_a_voice_beside_the_command_is_not_analysed(post, bot, choices):
    post({"sender": "a", "message": "/emotion_off"}, pitch=400)
    assert bot.messages[0].metadata is None


def test_agents_are_refused_without_a_legal_ground():
    with pytest.raises(InvalidConfigException, match=r"Article 5\(1\)\(f\)"):
        EmotionRestInput.from_credentials({"analyse": "agent"})
    with pytest.raises(InvalidConfigException, match="'legal_ground' is ' '"):
        EmotionRestInput.from_credentials({"analyse": "agent", "legal_ground": " "})
    with pytest.raises(InvalidConfigException, match="write one of caller, agent"):
        EmotionRestInput.from_credentials({"analyse": "staff"})


def test_the_stated_ground_is_logged(caplog):
    EmotionRestInput.from_credentials({"analyse": "agent", "legal_ground": "Alarm for drivers who fall asleep."})
    assert "Alarm for drivers who fall asleep." in caplog.text
    caplog.clear()
    EmotionRestInput.from_credentials({})
    assert caplog.text == ""


def test_a_client_cannot_make_itself_an_agent_or_switch_analysis_on(post, bot, choices):
    choices.set("a", False)
    post(
        {"sender": "a", "message": "hi", "metadata": {"analyse": "agent", "legal_ground": "x", "consent": True}},
        pitch=400,
    )
    assert EVIDENCE_KEY not in bot.messages[0].metadata


def test_too_much_is_refused_before_it_is_read(post, served, bot):
    # Nothing but the length is ever sent: the answer does not wait for the body.
    host, port = served[1].removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n")
        assert b" 413 " in connection.recv(1000).split(b"\r\n")[0]
    answer = post({"sender": "a", "message": "x" * 2001})
    assert (answer.status_code, answer.json()["code"]) == (413, 413)
    assert post({"sender": "a\x00b", "message": "hi"}).status_code == 400
    assert bot.messages == []


def test_a_body_of_unsaid_length_is_cut_off(served, bot):
    def parts():
        for _ in range(20):
            yield b" " * 1_000_000

    answer = requests.post(f"{served[1]}/webhook", data=parts(), timeout=60)
    assert answer.status_code == 413
    assert bot.messages == []


def test_more_than_may_wait_are_told_to_come_later(post, bot):
    bot.thinks_about = "slow"
    with ThreadPoolExecutor(11) as pool:
        asked = [pool.submit(post, {"sender": "a", "message": "slow"}) for _ in range(11)]
        assert [told.result().status_code for told in islice(as_completed(asked), 2)] == [429, 429]
        bot.may_go_on.set()
        answers = [told.result() for told in asked]
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [429] * 2
    assert len(bot.messages) == 9
