"""Rasa Pro without a licence key: what differs from Open Source, the recogniser, the hook. `make test` runs these."""

import asyncio
import importlib.util
import pkgutil
from types import SimpleNamespace

import numpy as np
import pytest
from fake_analyzer import FakeAnalyzer, estimate

if importlib.util.find_spec("rasa.core.tracker_stores") is None:
    pytest.skip("Rasa Pro is not installed; 'make test' runs these in .venv-pro", allow_module_level=True)

from rasa.core.channels.voice_stream.asr.asr_engine import ASREngine
from rasa.core.channels.voice_stream.asr.asr_event import NewTranscript, UserIsSpeaking
from rasa.core.channels.voice_stream.audio_bytes import L16_16KHZ, RasaAudioBytes
from rasa.core.channels.voice_stream.call_state import CallState, _call_state
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ConversationPaused, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.exceptions import InvalidConfigException
from structlog.contextvars import bound_contextvars

import rasa_emotion.bot
from rasa_emotion.bot import rasa_versions
from rasa_emotion.bot.pro.asr import EmotionASR
from rasa_emotion.bot.pro.channels import EmotionBrowserAudio, EmotionJsonAudio
from rasa_emotion.bot.responses import EmotionResponses
from rasa_emotion.turn.consent import shared_consents
from rasa_emotion.turn.evidence import EVIDENCE_KEY, ChannelEvidence, trusted_evidence

DOMAIN = """
version: "3.1"
slots: {emotion: {type: text, mappings: [{type: from_entity, entity: emotion}]}}
entities: [emotion]
responses:
  utter_greet:
    - text: "Hello {name}."
    - text: "I am sorry."
      condition: [{type: slot, name: emotion, value: angry}]
"""


class Inner(ASREngine):
    """A recogniser that needs no network: it hears two words for each second of sound."""

    def __init__(self, audio_format, config) -> None:
        self.audio_format, self.options = audio_format, config
        self.events: asyncio.Queue = asyncio.Queue()
        self.received = b""
        self.closed = False

    @classmethod
    def from_config_dict(cls, config, format, rasa_language, additional_languages=None):
        return cls(format, config)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.closed = True
        return False

    async def send_audio_chunks(self, chunk):
        self.received += chunk.data

    async def stream_asr_events(self):
        while (event := await self.events.get()) is not None:
            yield event


@pytest.fixture(autouse=True)
def choices(tmp_path, monkeypatch):
    endpoints = tmp_path / "endpoints.yml"
    endpoints.write_text(f"rasa_emotion: {{database: 'sqlite:///{tmp_path}/emotion.db'}}")
    monkeypatch.setenv("RASA_EMOTION_ENDPOINTS", str(endpoints))
    return shared_consents()


@pytest.fixture
def engine(monkeypatch) -> EmotionASR:
    config = {"inner": {"name": f"{__name__}.Inner", "voice": "x"}, "max_secs": 5}
    made = EmotionASR.from_config_dict(config, L16_16KHZ, "en")
    monkeypatch.setattr(made.intake, "_analyzer", FakeAnalyzer)
    return made


@pytest.fixture
def call():
    """A call's state, as Rasa's voice channel sets it."""
    token = _call_state.set(CallState())
    yield _call_state.get()
    _call_state.reset(token)


def spoken(tone, pitch: float, secs: float = 1.0) -> RasaAudioBytes:
    samples = (tone(pitch, secs) * 32767).astype("<i2")
    return RasaAudioBytes(samples.tobytes(), L16_16KHZ)


def test_every_module_of_the_bot_imports() -> None:
    assert rasa_versions.PRO
    names = [found.name for found in pkgutil.walk_packages(rasa_emotion.bot.__path__, "rasa_emotion.bot.")]
    assert len(names) > 15
    for name in names:
        importlib.import_module(name)


def test_a_paused_conversation_is_known() -> None:
    tracker = DialogueStateTracker.from_events("a", [UserUttered("hi")])
    assert not rasa_versions.is_paused(tracker)
    tracker.update(ConversationPaused())
    assert rasa_versions.is_paused(tracker)


async def test_a_reply_is_fitted_to_the_caller() -> None:
    domain = Domain.from_yaml(DOMAIN)
    tracker = DialogueStateTracker.from_events("a", [UserUttered("hi")], slots=domain.slots)
    replies = EmotionResponses(None, domain)
    output = SimpleNamespace(name=lambda: "rest")
    assert (await replies.generate("utter_greet", tracker, output, name="Ada"))["text"] == "Hello Ada."
    angry = estimate("angry", 0.9).to_dict()
    said = UserUttered("hi", parse_data={"emotion_estimate": angry, "intent": {"name": "greet"}, "entities": []})
    tracker = DialogueStateTracker.from_events("a", [said], slots=domain.slots)
    assert (await replies.generate("utter_greet", tracker, output))["text"] == "I am sorry."


async def events_of(engine: EmotionASR, *events) -> list:
    for event in (*events, None):
        engine.inner.events.put_nowait(event)
    return [event async for event in engine.stream_asr_events()]


async def test_the_evidence_is_there_when_the_channel_makes_the_turn(engine, call, tone) -> None:
    channel = EmotionJsonAudio.__new__(EmotionJsonAudio)
    parameters = _call_parameters()
    with bound_contextvars(conversation_id="alice"):
        async with engine:
            chunk = spoken(tone, 600)
            for start in range(0, len(chunk), 3200):
                await engine.send_audio_chunks(chunk[start : start + 3200])
            heard = await events_of(engine, UserIsSpeaking("it is"), NewTranscript("it is broken"))
    assert engine.inner.closed
    assert [event.text for event in heard] == ["it is", "it is broken"]
    assert engine.inner.received == chunk.data
    metadata = channel.build_turn_metadata(parameters)
    (piece,) = trusted_evidence(dict(metadata))
    assert (piece.modality, piece.emotion) == ("acoustic", "angry")
    assert metadata["call_id"] == parameters.call_id
    # The next turn without sound has none.
    assert EVIDENCE_KEY not in channel.build_turn_metadata(parameters)


async def test_each_turn_has_its_own_sound(engine, call, tone) -> None:
    with bound_contextvars(conversation_id="alice"):
        await engine.send_audio_chunks(spoken(tone, 600))
        await events_of(engine, NewTranscript("one"))
        first = call.channel_data[EVIDENCE_KEY]
        await engine.send_audio_chunks(spoken(tone, 800))
        await events_of(engine, NewTranscript("two"))
        second = call.channel_data[EVIDENCE_KEY]
        await events_of(engine, NewTranscript("three"))
    assert [found.pieces()[0].emotion for found in (first, second)] == ["angry", "happy"]
    assert isinstance(first, ChannelEvidence)
    assert EVIDENCE_KEY not in call.channel_data


async def test_who_said_no_is_not_heard(engine, call, tone, choices, monkeypatch) -> None:
    monkeypatch.setattr("rasa_emotion.turn.intake.listen", lambda *_, **__: pytest.fail("it was listened to"))
    choices.set("alice", False)
    with bound_contextvars(conversation_id="alice"):
        await engine.send_audio_chunks(spoken(tone, 600))
        await events_of(engine, NewTranscript("it is broken"))
    assert call.channel_data == {}


async def test_a_long_turn_is_kept_in_part(engine, call, tone) -> None:
    for _ in range(20):
        await engine.send_audio_chunks(spoken(tone, 600))
    assert len(engine._heard) == 5 * L16_16KHZ.bytes_per_second
    assert len(engine.inner.received) == 20 * L16_16KHZ.bytes_per_second


async def test_what_the_intake_refuses_does_not_stop_the_call(engine, call, tone, caplog) -> None:
    with bound_contextvars(conversation_id="x" * 300):
        await engine.send_audio_chunks(spoken(tone, 600))
        heard = await events_of(engine, NewTranscript("hello"))
    assert [event.text for event in heard] == ["hello"]
    assert "255" in caplog.text


@pytest.mark.parametrize("config", [{}, {"inner": "deepgram"}, {"inner": {"name": f"{__name__}.Inner"}, "max_sec": 1}])
def test_what_cannot_be_used_is_named(config) -> None:
    with pytest.raises(InvalidConfigException, match=r"inner|max_secs"):
        EmotionASR.from_config_dict(config, L16_16KHZ, "en")


def test_channels_need_no_licence_to_be_made() -> None:
    for kind in (EmotionJsonAudio, EmotionBrowserAudio):
        assert kind.requires_voice_license is False


async def test_the_hook_of_the_page_tells_the_model(repository, tone) -> None:
    from rasa.mantle.hooks import ChannelInfo, IncomingMessagePayload, ModelRequestPayload  # noqa: PLC0415

    page = (repository / "docs" / "rasa-pro.md").read_text(encoding="utf-8")
    source = next(block.split("```")[0] for block in page.split("```python\n")[1:] if "modify_model_request" in block)
    hooks: dict = {}
    exec(compile(source, "hooks/emotion.py", "exec"), hooks)
    evidence = ChannelEvidence.of([FakeAnalyzer().hear(_waveform(tone(600, 1.0)))])
    channel = ChannelInfo(name="json_audio", metadata={EVIDENCE_KEY: evidence})
    await hooks["remember"](IncomingMessagePayload(sender_id="alice", text="it is broken", channel=channel))
    request = ModelRequestPayload(sender_id="alice", messages=[{"role": "user", "content": "it is broken"}])
    told = await hooks["tell"](request)
    assert "angry" in told.messages[0]["content"]
    assert told.messages[1:] == request.messages
    other = ModelRequestPayload(sender_id="bob", messages=[])
    assert (await hooks["tell"](other)).messages == []


def _waveform(samples: np.ndarray):
    from rasa_emotion.audio import Waveform  # noqa: PLC0415

    return Waveform(samples)


def _call_parameters():
    from rasa.core.channels.voice_stream.voice_channel import CallParameters  # noqa: PLC0415

    return CallParameters("call-1", "1", "2")
