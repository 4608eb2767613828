"""Whisper base as its package brings it: words, times, confidence, and nothing put to silence, noise or tones."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from call_audio import quiet, recognised
from signals import VOICELESS

from rasa_emotion import EmotionAnalyzer
from rasa_emotion.audio import Waveform, load_audio, resample, to_telephone
from rasa_emotion.voice.recognisers import Recogniser, RecogniserError, Transcript, load_recogniser
from rasa_emotion.voice.recognisers.whisper import NO_SPEECH, TOKENS, WhisperRecogniser, doubt

pytest.importorskip("faster_whisper")
Speech = Callable[..., Path]
STORY = (
    "Good morning, I ordered a lamp three weeks ago. It has still not arrived, and nobody can tell me where it is. "
    "Yesterday somebody promised to call me back. Nobody did, of course. I would like my money back. My neighbour says "
    "that the driver rang at the wrong door. Please send me a confirmation by email. If you cannot find the parcel, "
    "then I would rather have another one. I am at home all day tomorrow, and in the evening on Thursday."
)
SENTENCE = "I would like to know when the parcel will arrive."


@pytest.fixture(params=["whisper", "moonshine"])
async def recogniser(request: pytest.FixtureRequest) -> Recogniser:
    if request.param == "moonshine":
        pytest.importorskip("moonshine_voice")
    found = load_recogniser(request.param)
    await found.start(at_secs=60)
    return found


@pytest.mark.parametrize("line", ["clean", "telephone"])
async def test_words_of_a_turn(recogniser: Recogniser, speech: Speech, line: str) -> None:
    heard = load_audio(speech(SENTENCE, speed=140))
    sound = heard.samples if line == "clean" else to_telephone(heard).samples
    found = await recognised(recogniser, sound, at_secs=60)
    wrong = set(SENTENCE.lower().strip(".").split()) ^ set(
        found.text.lower().strip(".").replace("i'd", "i would").split()
    )
    assert len(wrong) <= 2
    assert found.language == "en"
    assert [word.start_secs for word in found.words] == sorted(word.start_secs for word in found.words)
    assert 60.2 <= found.words[0].start_secs <= found.words[-1].end_secs <= 60.8 + heard.seconds
    assert " ".join(word.text for word in found.words).split() == found.text.split()


async def test_whisper_says_how_sure_it_is(speech: Speech) -> None:
    recogniser = load_recogniser("whisper")
    await recogniser.start()
    clear = await recognised(recogniser, load_audio(speech(SENTENCE)).samples)
    noise = np.random.default_rng(0).standard_normal(160_000).astype(np.float32)
    sound = load_audio(speech(SENTENCE)).samples
    noisy = await recognised(recogniser, sound + 0.05 * noise[: len(sound)], at_secs=clear.words[-1].end_secs)
    assert clear.confidence is not None
    assert 0.6 < clear.confidence <= 1
    assert noisy.confidence is None or noisy.confidence < clear.confidence
    assert all(word.confidence is not None and 0 <= word.confidence <= 1 for word in clear.words)


@pytest.mark.parametrize("line", ["clean", "telephone"])
async def test_short_words_are_in_the_language_that_is_fixed_and_count_less(speech: Speech, line: str) -> None:
    # They are misheard first ("Yes." as "DEF."), and a guess of the language goes wrong on them.
    recogniser = load_recogniser("whisper")
    await recogniser.start()
    engine = recogniser.load()

    def heard(words: str) -> Transcript:
        sound = load_audio(speech(words))
        return engine.recognise((sound if line == "clean" else to_telephone(sound)).samples)

    sentence = heard(SENTENCE).confidence
    assert sentence is not None
    for word in ("No.", "Yes.", "Hello?", "Help."):
        found = heard(word)
        assert found.language == "en"
        assert found.confidence is None or found.confidence < sentence


async def test_three_runs_of_whisper_agree(speech: Speech) -> None:
    # Its fallback to higher temperatures draws words by chance: three runs over a noisy line gave three texts.
    sound = load_audio(speech(SENTENCE)).samples
    noisy = sound + 0.1 * np.random.default_rng(0).standard_normal(len(sound)).astype(np.float32)
    recogniser = load_recogniser("whisper")
    await recogniser.start()
    engine = recogniser.load()
    assert engine.recognise(noisy) == engine.recognise(noisy) == engine.recognise(noisy)


@pytest.mark.parametrize("name", VOICELESS)
async def test_tones_music_and_noise_never_become_words(recogniser: Recogniser, name: str) -> None:
    sound = resample(Waveform(*VOICELESS[name])).samples
    assert (await recognised(recogniser, sound, at_secs=60)).text == ""


@pytest.mark.parametrize("level", [0.0, 0.0005, 0.01, 0.1])
async def test_silence_and_noise_never_become_words(recogniser: Recogniser, level: float) -> None:
    sound = (level * np.random.default_rng(0).standard_normal(80_000)).astype(np.float32)
    assert (await recognised(recogniser, sound, at_secs=60)).text == ""


@pytest.mark.parametrize("secs", [0.3, 2.0, 5.0])
async def test_the_model_itself_hears_nobody_in_silence(secs: float) -> None:
    """Should a voice detector fail, Whisper's own figure is the second door."""
    recogniser = WhisperRecogniser()
    await recogniser.start()
    for sound in (np.zeros(round(secs * 16_000), np.float32), quiet(secs)):
        found = await recogniser.recognise(sound)
        assert found.text == ""
        assert found.warning is not None


def test_doubtful_words_are_left_out() -> None:
    assert doubt("Thank you.", no_speech=NO_SPEECH + 0.1, mean_log=-0.8) is not None
    assert doubt("five five five", no_speech=NO_SPEECH + 0.1, mean_log=-0.3) is None
    assert doubt("Something like this", no_speech=0.1, mean_log=-1.5) is not None
    assert doubt("no no " * 40, no_speech=0.0, mean_log=-0.05) is not None
    assert doubt("I want my money back.", no_speech=0.1, mean_log=-0.3) is None


async def test_a_turn_of_more_than_half_a_minute_is_heard_to_its_end(speech: Speech) -> None:
    recogniser = WhisperRecogniser()
    await recogniser.start()
    sound = load_audio(speech(STORY, speed=130)).samples
    assert len(sound) > 31 * 16_000
    found = await recogniser.recognise(sound)
    assert "lamp" in found.text.lower()
    assert "thursday" in found.text.lower()
    assert found.words[-1].end_secs > len(sound) / 16_000 - 3


async def test_a_loop_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of half a second, a model that repeats itself says a handful of words, not 448 tokens."""
    recogniser = WhisperRecogniser()
    await recogniser.start()
    engine = recogniser._engine
    asked = {}
    generate = engine._model.model.generate

    class Watched:
        def __getattr__(self, name):
            return getattr(model, name)

        def generate(self, *arguments, **options):
            asked.update(options)
            return generate(*arguments, **options)

    model = engine._model.model
    monkeypatch.setattr(engine._model, "model", Watched())
    await recogniser.recognise(np.zeros(8000, np.float32))
    assert asked["max_length"] <= 10 + TOKENS + 6


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"model": "nowhere"}, "holds no model"),
        ({"language": "xx"}, "knows no language 'xx'"),
        ({"compute_type": "int3"}, "cannot be loaded"),
    ],
)
async def test_what_cannot_be_loaded_is_said(options: dict[str, str], sentence: str) -> None:
    with pytest.raises(RecogniserError, match=sentence):
        await load_recogniser("whisper", options).start()


async def test_without_its_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(RecogniserError, match=r"rasa-emotion\[speech\]"):
        await load_recogniser("whisper", {"compute_type": "float32"}).start()


async def test_a_folder_of_ones_own(tmp_path: Path, speech: Speech) -> None:
    from rasa_emotion.voice.recognisers.whisper import _files  # noqa: PLC0415 -- needs the weights

    for name, content in _files().items():
        (tmp_path / name).write_bytes(content)
    recogniser = load_recogniser("whisper", {"model": str(tmp_path)})
    await recogniser.start()
    assert "parcel" in (await recognised(recogniser, load_audio(speech(SENTENCE)).samples)).text


async def test_moonshine_carries_nothing_from_one_caller_to_the_next(speech: Speech) -> None:
    pytest.importorskip("moonshine_voice")
    one, other = load_recogniser("moonshine"), load_recogniser("moonshine")
    await one.start()
    await other.start()
    sound = load_audio(speech(SENTENCE)).samples
    await one.recognise(sound[: len(sound) // 2])
    assert (await other.recognise(np.zeros(32_000, np.float32))).text == ""


def test_how_sure_the_recogniser_is_reaches_the_fusion() -> None:
    analyzer = EmotionAnalyzer.load()
    voice = analyzer.hear(Waveform(quiet(1.0)))
    voice = replace(voice, probabilities={"sad": 0.6, "neutral": 0.4}, reliability=1.0)

    def angry(confidence: float) -> float:
        words = analyzer.read("This is outrageous, I am furious!", confidence=confidence)
        return analyzer.fuse([voice, words]).probabilities["angry"]

    assert angry(1.0) > angry(0.5) > angry(0.1)
