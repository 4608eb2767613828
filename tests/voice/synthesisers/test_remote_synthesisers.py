"""Engines of others, against fakes that follow their documents, errors included."""

import asyncio
import io
import json
import sys
import wave
from xml.etree import ElementTree

import numpy as np
import pytest
from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from rasa_emotion.conversation.ssml import Prosody
from rasa_emotion.errors import ConfigError
from rasa_emotion.voice.synthesisers.azure import Azure
from rasa_emotion.voice.synthesisers.elevenlabs import ElevenLabs
from rasa_emotion.voice.synthesisers.open import SYNTHESISERS, open_synthesiser
from rasa_emotion.voice.synthesisers.piper import Piper
from rasa_emotion.voice.synthesisers.polly import Polly
from rasa_emotion.voice.synthesisers.speech import PLAIN, Speech, SynthesisError

PCM = (3000 * np.sin(np.arange(1600) / 5)).astype("<i2").tobytes()
TWO = "We are sorry. It works again."
KEY, AWS_ID, AWS_SECRET = "the-key", "AKIDEXAMPLE", "the-secret"


class Service:
    """A server that answers as an engine does; `problems` are statuses that it answers with first."""

    def __init__(self):
        self.problems, self.headers, self.asked = [], {}, []
        self.breaks_off = False
        self.address = ""

    def app(self):
        app = web.Application()
        app.router.add_post("/cognitiveservices/v1", self.azure)
        app.router.add_post("/v1/speech", self.polly)
        app.router.add_post("/v1/text-to-speech/{voice}/stream", self.elevenlabs)
        app.router.add_post("/synthesize", self.piper)
        return app

    async def azure(self, request):
        body = await request.text()
        speak = ElementTree.fromstring(body)
        assert request.headers["Content-Type"].startswith("application/ssml+xml")
        assert request.headers["X-Microsoft-OutputFormat"] == "raw-16khz-16bit-mono-pcm"
        known = request.headers.get("Ocp-Apim-Subscription-Key") == KEY
        return await self.answer(request, "".join(speak.itertext()), known, 401, body)

    async def polly(self, request):
        content = await request.read()
        body = json.loads(content)
        assert body["OutputFormat"] == "pcm"
        assert body["SampleRate"] in ("8000", "16000")
        assert body["TextType"] == "ssml"
        again = AWSRequest(
            "POST", f"http://{request.host}{request.path}", {"Content-Type": "application/json"}, content
        )
        again.context["timestamp"] = request.headers["X-Amz-Date"]
        again.headers["X-Amz-Date"] = request.headers["X-Amz-Date"]
        signer = SigV4Auth(Credentials(AWS_ID, AWS_SECRET), "polly", "eu-west-1")
        signed = signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
        known = request.headers["Authorization"].endswith(f"Signature={signed}")
        text = "".join(ElementTree.fromstring(body["Text"]).itertext())
        return await self.answer(request, text, known, 403, body)

    async def elevenlabs(self, request):
        body = await request.json()
        assert request.query["output_format"] == "pcm_16000"
        known = request.headers.get("xi-api-key") == KEY
        return await self.answer(request, body["text"], known, 401, body)

    async def piper(self, request):
        body = await request.json()
        return await self.answer(request, body["text"], True, 401, body, wav=True)

    async def answer(self, request, text, known, refusal, body, *, wav=False):
        self.asked.append((text, body))
        if not known:
            return web.json_response({"detail": {"status": "invalid_api_key"}}, status=refusal)
        if self.problems:
            return web.Response(status=self.problems.pop(0), headers=self.headers)
        answer = web.StreamResponse()
        await answer.prepare(request)
        content = as_wav(PCM) if wav else PCM
        for start in range(0, len(content), 333):  # which divides samples
            await answer.write(content[start : start + 333])
            if self.breaks_off:
                request.transport.abort()
                return answer
        await answer.write_eof()
        return answer


def as_wav(pcm, rate=22_050):
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm)
    return stream.getvalue()


@pytest.fixture
async def service():
    service = Service()
    runner = web.AppRunner(service.app())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    service.address = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    yield service
    await runner.cleanup()


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    monkeypatch.setenv("AZURE_SPEECH_KEY", KEY)
    monkeypatch.setenv("ELEVENLABS_API_KEY", KEY)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", AWS_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", AWS_SECRET)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for proxy in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(proxy, raising=False)


def voice_of(name, address):
    return {
        "azure": lambda: Azure(url=address, voice="en-GB-SoniaNeural"),
        "polly": lambda: Polly(url=address, region="eu-west-1", voice="Amy"),
        "elevenlabs": lambda: ElevenLabs(url=address, voice="v 1"),
        "piper": lambda: Piper(url=address),
    }[name]()


async def said(voice, text="Hello.", prosody=PLAIN, ssml=None):
    try:
        return b"".join([piece async for piece in voice.speak(Speech(text, prosody, ssml))])
    finally:
        await voice.close()


ALL = ["azure", "polly", "elevenlabs", "piper"]
CLOUD = ["azure", "polly", "elevenlabs"]


@pytest.mark.parametrize("name", ALL)
async def test_the_samples_come_whole(service, name):
    assert await said(voice_of(name, service.address)) == PCM
    assert service.asked[0][0] == "Hello."


@pytest.mark.parametrize("name", ALL)
async def test_nothing_to_say_asks_nobody(service, name):
    assert await said(voice_of(name, service.address), " \x00") == b""
    assert service.asked == []


async def test_the_tone_goes_out_as_markup_where_the_engine_takes_it(service):
    tone = Prosody(rate=-10, pitch=-1, volume=-2, pause_ms=300, style="empathetic")
    await said(voice_of("azure", service.address), TWO, tone)
    _, ssml = service.asked[-1]
    assert 'rate="-10%" pitch="-1st"' in ssml
    assert '<break time="300ms"/>' in ssml
    assert 'style="empathetic"' in ssml
    await said(voice_of("polly", service.address), TWO, tone)
    _, body = service.asked[-1]
    assert 'rate="90%" volume="-2dB"' in body["Text"]
    assert "pitch" not in body["Text"]


@pytest.mark.parametrize("name", ["elevenlabs", "piper"])
async def test_the_tone_is_made_here_where_it_does_not(service, name):
    tone = Prosody(rate=-10, volume=-6, pause_ms=300)
    voice = voice_of(name, service.address)
    sound = await said(voice, TWO, tone)
    assert [text for text, _ in service.asked] == ["We are sorry.", "It works again."]
    assert len(sound) == 2 * len(PCM) + 2 * round(0.3 * voice.sample_rate)
    loudest = np.abs(np.frombuffer(sound, "<i2")).max()
    assert loudest == pytest.approx(3000 * 10 ** (-6 / 20), rel=0.01)
    _, body = service.asked[0]
    if name == "elevenlabs":
        assert body["voice_settings"]["speed"] == 0.9
    else:
        assert 1.0 < body["length_scale"] < 1.3


@pytest.mark.parametrize(("rate", "speed"), [(-50, 0.7), (100, 1.2)])
async def test_a_speed_beyond_the_engine_s_is_its_limit(service, rate, speed):
    await said(voice_of("elevenlabs", service.address), "Hi.", Prosody(rate=rate))
    assert service.asked[0][1]["voice_settings"]["speed"] == speed


async def test_markup_of_the_engine_s_own_is_sent_as_it_is(service):
    await said(voice_of("azure", service.address), "x", ssml="<speak>Own markup</speak>")
    assert service.asked == [("Own markup", "<speak>Own markup</speak>")]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_fault_that_passes_is_tried_once_more(service, name, status):
    service.problems = [status]
    assert await said(voice_of(name, service.address)) == PCM
    assert len(service.asked) == 2


@pytest.mark.parametrize("name", ALL)
async def test_a_fault_that_stays_is_told_without_the_text(service, name):
    service.problems = [503, 503]
    with pytest.raises(SynthesisError, match=f"'{name}' refused to speak with status 503") as caught:
        await said(voice_of(name, service.address), "My number is 07700 900123.")
    assert "07700" not in str(caught.value)
    assert KEY not in str(caught.value)


async def test_a_server_that_wants_a_long_pause_is_not_waited_for(service):
    service.problems, service.headers = [429, 429], {"Retry-After": "60"}
    with pytest.raises(SynthesisError, match="429; too many requests"):
        await said(voice_of("azure", service.address))
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("name", "variable"),
    [("azure", "AZURE_SPEECH_KEY"), ("elevenlabs", "ELEVENLABS_API_KEY"), ("polly", "AWS_SECRET_ACCESS_KEY")],
)
async def test_a_wrong_key_is_told_with_its_remedy(service, name, variable, monkeypatch):
    monkeypatch.setenv(variable, "wrong")
    remedy = "may not call polly" if name == "polly" else f"correct {variable}"
    with pytest.raises(SynthesisError, match=remedy):
        await said(voice_of(name, service.address))
    assert len(service.asked) == 1


@pytest.mark.parametrize("name", CLOUD)
async def test_an_answer_that_breaks_off_is_told(service, name):
    service.breaks_off = True
    with pytest.raises(SynthesisError, match="broke off"):
        await said(voice_of(name, service.address))


@pytest.mark.parametrize("name", ALL)
async def test_a_server_that_is_not_there_is_told(unused_tcp_port, name):
    with pytest.raises(SynthesisError, match="did not answer"):
        await said(voice_of(name, f"http://127.0.0.1:{unused_tcp_port}"))


async def test_another_server_in_piper_s_place_is_told(service):
    with pytest.raises(SynthesisError, match="set its 'sample_rate'"):
        await said(Piper(url=service.address, sample_rate=16_000))


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"name": "azure"}, "region"),
        ({"name": "azure", "region": "westeurope", "sample_rate": 11_000}, "take one of 8000"),
        ({"name": "azure", "region": "westeurope", "voise": "x"}, "did you mean 'voice'"),
        ({"name": "polly", "sample_rate": 22_050}, "take 8000 or 16000"),
        ({"name": "elevenlabs", "voice": ""}, "give a name"),
        ({"name": "piper", "sample_rate": "fast"}, "rate in Hz"),
        ({"name": "espeak", "cache_mb": -5}, "cache_mb"),
        ({"name": "nobody"}, "choose one of espeak"),
        ("nobody.Voice", "cannot be loaded"),
        ("collections.OrderedDict", "lacks speak, close"),
    ],
)
def test_options_that_cannot_be_used_are_told_at_the_start(given, fault):
    with pytest.raises(ConfigError, match=fault):
        open_synthesiser(given)


@pytest.mark.parametrize(("name", "options"), [("azure", {"region": "x"}), ("elevenlabs", {"voice": "v"})])
def test_a_missing_key_is_told_at_the_start(name, options, monkeypatch):
    monkeypatch.delenv({"azure": "AZURE_SPEECH_KEY", "elevenlabs": "ELEVENLABS_API_KEY"}[name])
    with pytest.raises(ConfigError, match="set the environment variable"):
        open_synthesiser({"name": name, **options})


def test_missing_packages_are_told_at_the_start(monkeypatch):
    monkeypatch.setitem(sys.modules, "wyoming.event", None)
    with pytest.raises(ConfigError, match="pip install"):
        open_synthesiser("wyoming")
    assert set(SYNTHESISERS) == {"espeak", "piper", "wyoming", "azure", "polly", "elevenlabs"}


class WyomingService:
    """A service that says PCM, as wyoming-piper does: `start`, chunks, `stop`."""

    def __init__(self, *, rate=22_050, ends=False):
        self.rate, self.ends, self.asked = rate, ends, []

    async def __call__(self, reader, writer):
        from wyoming.audio import AudioChunk, AudioStart, AudioStop  # noqa: PLC0415
        from wyoming.event import async_read_event, async_write_event  # noqa: PLC0415

        event = await async_read_event(reader)
        self.asked.append(event.data)
        await async_write_event(AudioStart(self.rate, 2, 1).event(), writer)
        for start in range(0, len(PCM), 1024):
            await async_write_event(AudioChunk(self.rate, 2, 1, PCM[start : start + 1024]).event(), writer)
        if not self.ends:
            await async_write_event(AudioStop().event(), writer)
        writer.close()


async def wyoming_says(service, *, prosody=PLAIN, text="Hello.", **options):
    server = await asyncio.start_server(service, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        return await said(open_synthesiser({"name": "wyoming", "port": port, **options}), text, prosody)


async def test_a_wyoming_service_speaks():
    pytest.importorskip("wyoming")
    service = WyomingService()
    assert await wyoming_says(service, voice="joe") == PCM
    assert service.asked == [{"text": "Hello.", "voice": {"name": "joe"}}]


async def test_pauses_are_made_beside_a_wyoming_service():
    pytest.importorskip("wyoming")
    sound = await wyoming_says(WyomingService(), text=TWO, prosody=Prosody(pause_ms=200))
    assert len(sound) == 2 * len(PCM) + 2 * 4410


@pytest.mark.parametrize(
    ("service", "fault"), [(WyomingService(rate=16_000), "set 'sample_rate'"), (WyomingService(ends=True), "ended")]
)
async def test_a_wyoming_service_that_fails_is_told(service, fault):
    pytest.importorskip("wyoming")
    with pytest.raises(SynthesisError, match=fault):
        await wyoming_says(service)


async def test_a_wyoming_service_that_is_not_there_is_told(unused_tcp_port):
    pytest.importorskip("wyoming")
    with pytest.raises(SynthesisError, match="start the service"):
        await said(open_synthesiser({"name": "wyoming", "port": unused_tcp_port}))
