"""Audio formats of one's own: the class of docs/formats.md, and what goes wrong with others."""

import io
import re
from pathlib import Path

import numpy as np
import pytest

from rasa_emotion.audio import SAMPLE_RATE, decode_raw, load_audio
from rasa_emotion.audio.own_formats import VARIABLE
from rasa_emotion.audio.sound import Sound
from rasa_emotion.errors import AudioError, ConfigError
from rasa_emotion.turn.listening import listen
from rasa_emotion.turn.message import Audio
from rasa_emotion.turn.request import from_form, from_json

RATE = 8_000


@pytest.fixture
def of_docs(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (repository / "docs" / "formats.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(\"{3}our_bot/sounds.py.*?)```", page, re.DOTALL)
    assert code is not None
    (tmp_path / "sounds_of_docs.py").write_text(code[1], encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv(VARIABLE, "sounds_of_docs.Pcm8")


def samples() -> bytes:
    wave = np.sin(2 * np.pi * 300 * np.arange(RATE) / RATE)
    return (128 + 100 * wave).astype(np.uint8).tobytes()


def as_file() -> bytes:
    return b"PCM8" + RATE.to_bytes(4, "little") + samples()


@pytest.mark.usefixtures("of_docs")
def test_a_file_is_told_by_its_first_bytes(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"  # the name does not matter
    path.write_bytes(as_file())
    for source in (path, as_file(), io.BytesIO(as_file())):
        heard = load_audio(source)
        assert heard.seconds == pytest.approx(1.0, abs=0.01)
        assert np.abs(heard.samples).max() == pytest.approx(100 / 128, abs=0.05)


@pytest.mark.usefixtures("of_docs")
def test_samples_without_a_header_are_told_by_the_name() -> None:
    heard = decode_raw(samples(), encoding="pcm_u8", sample_rate=RATE, max_secs=0.5)
    assert len(heard.samples) == SAMPLE_RATE // 2


@pytest.mark.usefixtures("of_docs")
def test_a_request_may_name_it() -> None:
    turn = from_form({"format": "PCM_U8", "sample_rate": "8000"}, samples(), max_bytes=100_000)
    assert isinstance(turn.audio, Audio)
    assert turn.audio.encoding == "pcm_u8"


def test_a_request_loads_no_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    turn = from_form({"format": "sounds_of_docs.Pcm8"}, samples(), max_bytes=100_000)
    assert isinstance(turn.audio, Audio)
    assert turn.audio.encoding is None
    with pytest.raises(AudioError, match="name one of pcm_s16le, mulaw, alaw"):
        decode_raw(samples(), encoding="sounds_of_docs.Pcm8", sample_rate=RATE)


class Broken:
    """Fails where its file says so."""

    name = "broken"

    def is_file(self, head: bytes) -> bool:
        return head.startswith(b"BROKEN")

    def open(self, stream: io.BytesIO, sample_rate: int | None) -> Sound:
        if b"first" in stream.read():
            raise ValueError("my number is 07700 900123")
        return Sound(RATE, 2, iter([np.zeros(3, np.float32)]))


class Nameless:
    """No format."""


@pytest.mark.parametrize("content", [b"BROKEN first", b"BROKEN later"])
def test_what_fails_in_it_costs_the_voice_alone(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, f"{__name__}.Broken")
    with pytest.raises(AudioError, match=r"cannot be decoded as 'broken' \(ValueError") as raised:
        load_audio(content)
    assert "07700" not in str(raised.value)
    heard = listen(object(), Audio(content))  # type: ignore[arg-type] -- it is not asked
    assert heard.evidence is None
    assert "cannot be decoded as 'broken'" in str(heard.warning)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("no_such_module.Format", "cannot be loaded"),
        (f"{__name__}.RATE", "is no class"),
        (f"{__name__}.Nameless", "has no name and no is_file and no open"),
        ("io.FileIO", "cannot be made without arguments"),
    ],
)
def test_a_path_that_is_no_format_is_one_sentence(path: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, path)
    with pytest.raises(ConfigError, match=told):
        load_audio(as_file())
    turn = from_json(
        {"sender": "ada", "message": "hello", "audio": {"content": "AAAA", "format": "pcm_u8"}}, max_bytes=100_000
    )
    assert turn.text == "hello"
    assert isinstance(turn.audio, Audio)
    assert told in str(turn.audio.fault)
