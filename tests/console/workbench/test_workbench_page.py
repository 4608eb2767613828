"""The workbench over HTTP: uploads of bounded size, refusals in one sentence, and what comes back."""

import io
import tempfile

import numpy as np
import pytest
import soundfile
from aiohttp import FormData
from aiohttp.test_utils import TestClient, TestServer

from rasa_emotion.analyzer import EmotionAnalyzer
from rasa_emotion.audio import load_audio
from rasa_emotion.console.app import make_app
from rasa_emotion.console.frame import Console
from rasa_emotion.console.pages import PAGES
from rasa_emotion.console.pages.workbench import SAMPLE_TEXT
from rasa_emotion.console.workbench import upload
from rasa_emotion.console.workbench.bench import SHIPPED, Bench
from rasa_emotion.database import create_tables, open_database
from rasa_emotion.endpoints import Endpoints
from rasa_emotion.errors import ConfigError
from rasa_emotion.model_folder import shipped_models


@pytest.fixture(scope="module")
def bench():
    bench = Bench(analyzer=EmotionAnalyzer.load())
    yield bench
    bench.close()


@pytest.fixture
async def client(tmp_path, bench):
    engine = open_database(f"sqlite:///{tmp_path}/bot.db")
    create_tables(engine)
    console = Console(engine, Endpoints(), PAGES, bench=bench)
    async with TestClient(TestServer(make_app(console))) as client:
        page = await client.get("/workbench")
        token = (await page.text()).partition('data-csrf="')[2].partition('"')[0]
        client.session.headers["X-CSRF-Token"] = token
        yield client
    engine.dispose()


def form(sound=None, **fields):
    sent = FormData()
    for name, value in fields.items():
        sent.add_field(name, value, content_type="text/plain")
    if sound is not None:
        sent.add_field("sound", sound, filename="recording")
    return sent


async def refused(client, path, **sent):
    answer = await client.post(path, **sent)
    told = (await answer.json())["error"]
    assert "\n" not in told
    return answer.status, told


async def test_a_recording_with_its_words(client, speech):
    said = "I want my money back. Thank you."
    sound = speech(said).read_bytes()
    answer = await client.post("/workbench/analyse", data=form(sound, text=said))
    found = await answer.json()
    assert answer.status == 200
    assert found["seconds"] == pytest.approx(load_audio(sound).seconds, abs=0.01)
    assert found["text"] == said
    assert [one["text"] for one in found["sentences"]] == ["I want my money back.", "Thank you."]
    assert found["pictures"]["mfcc"]["rows"] == 20
    assert found["model"] == SHIPPED


async def test_a_stretch_of_it_over_lines(client, speech):
    sound = speech("I want my money back, and I want it now").read_bytes()
    answer = await client.post("/workbench/lines", data=form(sound, start="0.2", end="1.4"))
    found = await answer.json()
    assert found["end_secs"] == pytest.approx(1.2)
    assert found["lines"][0] == "as it is"


async def test_what_is_too_large_is_refused_before_it_is_read(client, monkeypatch):
    def no_file(**_):
        raise AssertionError("nothing may be kept of it")

    monkeypatch.setattr(tempfile, "TemporaryFile", no_file)
    parts = io.BytesIO(b"--x\r\n")
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": str(2 * 1024**3)}
    status, told = await refused(client, "/workbench/analyse", data=parts, headers=headers)
    assert status == 413
    assert "64 MB" in told


async def test_what_turns_out_too_large_is_refused(client, monkeypatch):
    async def endless():
        yield b'--x\r\nContent-Disposition: form-data; name="sound"; filename="a"\r\n\r\n'
        for _ in range(80):
            yield bytes(1024 * 1024)
        yield b"\r\n--x--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    status, told = await refused(client, "/workbench/analyse", data=endless(), headers=headers)
    assert (status, told) == (413, upload.TOO_LARGE)


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        ({"data": {"text": ""}}, 415, "form"),
        ({"json": {}}, 415, "form"),
        ({"data": form(text="?!")}, 400, "neither sound nor a word"),
        ({"data": form(b"Salted__" + bytes(999))}, 400, "not audio"),
        ({"data": form(b"RIFF")}, 400, "The audio"),
        ({"data": form(text="hello", start="soon")}, 200, ""),
        ({"data": form(bytes(99), start="-1")}, 422, "seconds"),
        ({"data": form(text="hello", model="/etc")}, 422, "no models of this name"),
        ({"data": form(text="x" * 40_000)}, 413, "shorten"),
        ({"data": form(nothing="x")}, 422, "does not know"),
    ],
)
async def test_what_cannot_be_analysed_is_one_sentence(client, sent, status, words):
    answer = await client.post("/workbench/analyse", **sent)
    assert answer.status == status
    if status != 200:
        assert words in (await answer.json())["error"]


async def test_agents_are_not_analysed_unasked(client, speech):
    one, other = (soundfile.read(speech(text))[0] for text in ("I want my money back", "Good day, how can I help"))
    left = np.concatenate([one, np.zeros(4000), np.zeros_like(other)])
    right = np.concatenate([np.zeros_like(one), np.zeros(4000), other])
    file = io.BytesIO()
    soundfile.write(file, np.stack([left, right], axis=1), 22_050, format="WAV")
    status, told = await refused(client, "/workbench/analyse", data=form(file.getvalue()))
    assert status == 400
    assert "channel" in told
    answer = await client.post("/workbench/analyse", data=form(file.getvalue(), channel="right"))
    assert answer.status == 200


async def test_hostile_words_stay_words(client):
    words = "<script>alert(1)</script> I am furious"
    answer = await client.post("/workbench/analyse", data=form(text=words))
    assert answer.content_type == "application/json"
    assert (await answer.json())["text"] == words


async def test_the_sample_is_there_and_says_what_the_page_says(client):
    sound = await (await client.get("/static/sample.wav")).read()
    assert 3 < load_audio(sound).seconds < 15
    assert SAMPLE_TEXT.replace("'", "&#39;") in await (await client.get("/workbench")).text()


def test_models_are_found_by_names_alone(bench):
    other = Bench([shipped_models() / "acoustic"])
    assert list(other.folders) == [SHIPPED, "acoustic"]
    with pytest.raises(ConfigError, match="one name"):
        Bench([shipped_models() / "acoustic", shipped_models() / "acoustic"])
