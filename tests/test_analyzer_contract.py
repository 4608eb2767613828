"""What every `Analyzer` does, asked of the one in this process, of one behind a service, and of the one that the other
tests put in their place."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_analyzer import FakeAnalyzer
from service_kit import served
from tiny_onnx import acoustic_folder, text_folder

from rasa_emotion import EmotionAnalyzer
from rasa_emotion.acoustic.classifier import padded
from rasa_emotion.audio import Waveform, load_audio
from rasa_emotion.errors import AudioError, TextError
from rasa_emotion.estimate import Evidence
from rasa_emotion.protocol import Analyzer, Capabilities, Words
from rasa_emotion.remote import RemoteAnalyzer

LARGEST_DIFFERENCE = 1e-3


@pytest.fixture(scope="module")
def tiny_models(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    acoustic_folder(folder / "acoustic")
    text_folder(folder / "text", {"furious": "angry", "wonderful": "happy", "the": "neutral"}, batches=True)
    return folder


@pytest.fixture(scope="module")
def tiny(tiny_models) -> EmotionAnalyzer:
    """An analyzer whose models take batches."""
    return EmotionAnalyzer.load(tiny_models, allow_missing=True)


@pytest.fixture(scope="module")
def remote(tiny_models) -> Iterator[RemoteAnalyzer]:
    """The same models in a server process."""
    with served("--models", tiny_models) as service:
        # No fallback: what it gives is the service's. A busy machine must not fail a test.
        yield RemoteAnalyzer([service.url], timeout_secs=60)


@pytest.fixture(params=["local", "fake", "tiny", "remote"])
def analyzer(request, tiny) -> Analyzer:
    if request.param == "tiny":
        return tiny
    if request.param == "remote":
        return request.getfixturevalue("remote")
    return EmotionAnalyzer.load() if request.param == "local" else FakeAnalyzer()


@pytest.fixture(scope="module")
def clips(tone) -> list[Waveform]:
    """Clips of different lengths and levels."""
    return [
        Waveform(tone(400, secs, level=level)) for secs, level in ((1.0, 0.3), (0.2, 0.9), (3.0, 0.01), (12.0, 0.5))
    ]


SENTENCES = ["I am furious", "wonderful", "the the the the furious the wonderful day", "hm"]


def difference(found: Evidence, expected: Evidence) -> float:
    return max(abs(found.probabilities[name] - expected.probabilities[name]) for name in expected.probabilities)


def test_it_says_what_it_is_made_of(analyzer: Analyzer) -> None:
    found = analyzer.capabilities
    assert isinstance(found, Capabilities)
    assert found.acoustic
    assert found.text
    assert found.checksum
    assert "en" in found.languages


def test_evidence_names_the_model_that_it_says_it_has(analyzer: Analyzer, clips) -> None:
    assert analyzer.hear(clips[0]).model == analyzer.capabilities.acoustic
    assert analyzer.read("I am furious").model == analyzer.capabilities.text


def test_many_are_heard_as_each_alone(analyzer: Analyzer, clips) -> None:
    together = analyzer.hear_many(clips)
    assert len(together) == len(clips)
    for found, clip in zip(together, clips, strict=True):
        alone = analyzer.hear(clip)
        assert difference(found, alone) <= LARGEST_DIFFERENCE
        assert (found.modality, found.reliability, found.quality) == (alone.modality, alone.reliability, alone.quality)


def test_many_are_read_as_each_alone(analyzer: Analyzer) -> None:
    turns = [Words(text, confidence) for text, confidence in zip(SENTENCES, (None, 0.5, 1.0, 0.0), strict=True)]
    together = analyzer.read_many(turns)
    for found, turn in zip(together, turns, strict=True):
        alone = analyzer.read(turn.text, confidence=turn.confidence)
        assert difference(found, alone) <= LARGEST_DIFFERENCE
        assert (found.reliability, found.quality) == (alone.reliability, alone.quality)


def test_what_cannot_be_used_stands_in_its_place_and_harms_no_other(analyzer: Analyzer, clips) -> None:
    first, refused, last = analyzer.hear_many([clips[0], b"no sound", clips[1]])
    assert isinstance(refused, AudioError)
    assert isinstance(first, Evidence)
    assert isinstance(last, Evidence)
    first, refused, last = analyzer.read_many([Words("furious"), Words("..."), Words("wonderful")])
    assert isinstance(refused, TextError)
    assert isinstance(first, Evidence)
    assert isinstance(last, Evidence)
    with pytest.raises(AudioError):
        analyzer.hear(b"no sound")
    with pytest.raises(TextError):
        analyzer.read("...")


def test_nothing_is_found_in_nothing(analyzer: Analyzer) -> None:
    assert analyzer.hear_many([]) == []
    assert analyzer.read_many([]) == []
    assert analyzer.fuse([]).emotion == "unknown"
    assert analyzer.fuse([None]).emotion == "unknown"


def test_the_parts_are_the_whole(analyzer: Analyzer, clips) -> None:
    whole = analyzer.analyze(clips[0], "I am furious", text_confidence=0.9)
    parts = analyzer.fuse([analyzer.hear(clips[0]), analyzer.read("I am furious", confidence=0.9)])
    assert json.dumps(whole.to_dict()) == json.dumps(parts.to_dict())


def test_a_service_hears_and_reads_as_its_analyzer_does(remote, tiny, clips, tmp_path: Path) -> None:
    recording = tmp_path / "call.wav"
    soundfile.write(recording, clips[-1].samples, 16_000, subtype="FLOAT")
    for audio in (*clips, recording, recording.read_bytes(), io.BytesIO(recording.read_bytes())):
        assert difference(remote.hear(audio), tiny.hear(audio)) <= 1e-6
        assert remote.hear(audio).warnings == tiny.hear(audio).warnings
    turns = [Words(text, 0.5, ["the wonderful day"] * 20) for text in SENTENCES * 9]
    for found, expected in zip(remote.read_many(turns), tiny.read_many(turns), strict=True):
        assert difference(found, expected) <= 1e-6
    assert remote.capabilities == tiny.capabilities
    for bad in (1.5, -1, float("nan")):
        with pytest.raises(TextError):
            remote.read("wonderful", confidence=bad)


class Counting:
    """A session of ONNX Runtime that counts its calls."""

    def __init__(self, session) -> None:
        self.session, self.calls = session, []

    def run(self, outputs, inputs):
        self.calls.append(len(next(iter(inputs.values()))))
        return self.session.run(outputs, inputs)


@pytest.fixture
def counted(tiny, monkeypatch) -> tuple[Counting, Counting]:
    """The calls of the networks that hear and read."""
    hearing, reading = Counting(tiny.acoustic._network._session), Counting(tiny.text._session)
    monkeypatch.setattr(tiny.acoustic._network, "_session", hearing)
    monkeypatch.setattr(tiny.text, "_session", reading)
    return hearing, reading


def test_a_batch_is_one_call_of_the_network(tiny, counted, clips) -> None:
    hearing, reading = counted
    tiny.hear_many([clips[0]] * 4)
    tiny.read_many([Words(text) for text in [*SENTENCES, "..."]])
    assert hearing.calls == [4]
    assert reading.calls == [len(SENTENCES)]  # the last text has no word


def test_only_what_is_of_one_length_is_heard_together(tiny, counted, clips) -> None:
    hearing, _ = counted
    recording = io.BytesIO()
    soundfile.write(recording, clips[-1].samples, 16_000, format="WAV")
    tiny.hear_many([clips[2], *clips, recording.getvalue()])
    # A recording of 12 s is heard in two windows of 10 s, a waveform of 12 s as it is.
    assert sorted(hearing.calls) == [1, 1, 1, 2, 2]


def test_a_model_that_a_batch_would_change_is_called_for_each(tiny, tmp_path: Path, monkeypatch) -> None:
    text_folder(tmp_path / "text", {"furious": "angry"})
    analyzer = EmotionAnalyzer.load(tmp_path / "text")
    assert analyzer.text.batches is False
    reading = Counting(analyzer.text._session)
    monkeypatch.setattr(analyzer.text, "_session", reading)
    analyzer.read_many([Words("furious"), Words("furious furious")])
    assert reading.calls == [1, 1]


@pytest.mark.parametrize("size", [2, 8])
def test_neighbours_change_nothing(tiny, tone, size: int) -> None:
    rng = np.random.default_rng(0)
    clips = [Waveform(tone(400, rng.uniform(0.1, 4.0), level=rng.uniform(0.001, 0.99))) for _ in range(40)]
    texts = [" ".join(rng.choice(["furious", "wonderful", "the"], rng.integers(1, 12))) for _ in range(40)]
    for start in range(0, 40, size):
        heard = tiny.hear_many(clips[start : start + size])
        read = tiny.read_many([Words(text) for text in texts[start : start + size]])
        for found, clip in zip(heard, clips[start:], strict=False):
            assert difference(found, tiny.hear(clip)) <= LARGEST_DIFFERENCE
        for found, text in zip(read, texts[start:], strict=False):
            assert difference(found, tiny.read(text)) <= LARGEST_DIFFERENCE


@pytest.fixture(scope="module")
def spoken(speech) -> list[Waveform]:
    """200 clips of 0.3 to 6 s, quiet to much too loud."""
    draw = np.random.default_rng(0)
    lines = [
        "I have been waiting for an hour and nobody has called back",
        "Thank you so much, that is wonderful news, you have made my day",
        "Where is my parcel?",
        "No. I said no. I want to talk to a person, and I want to talk to one now",
    ]
    said = [load_audio(speech(line, voice)).samples for line in lines for voice in ("en-us", "en-gb")]
    clips = []
    for number in range(200):
        samples = said[number % len(said)]
        samples = samples[: round(len(samples) * draw.uniform(0.1, 1.0))]
        level = draw.choice([0.01, 0.1, 0.5, 1.0, 8.0])
        clips.append(Waveform(np.clip(samples * level, -1, 1).astype(np.float32)))
    return clips


@pytest.mark.parametrize("size", [2, 8])
def test_the_voice_that_ships_hears_each_as_alone(spoken, size: int) -> None:
    """In company of longer, shorter and much louder ones."""
    classifier = EmotionAnalyzer.load().acoustic
    sounds = [window for clip in spoken for window in classifier._turn(clip).windows]
    sounds += [sound[: len(sounds[0])] * 0.5 for sound in sounds if len(sound) > len(sounds[0])]  # some of one length
    assert len(sounds) >= 300
    run = classifier._network.run
    alone = np.concatenate([run(["logits"], [sound])[0] for sound in sounds])
    together = [run(["logits"], sounds[start : start + size])[0] for start in range(0, len(sounds), size)]
    found, expected = (softmax(logits / classifier.temperature) for logits in (np.concatenate(together), alone))
    assert np.abs(found - expected).max() <= LARGEST_DIFFERENCE


def test_the_network_of_the_voice_looks_at_no_padding(spoken) -> None:
    """In the very batches that padding makes, but for clips where a rounding of float32 meets a step of int8."""
    classifier = EmotionAnalyzer.load().acoustic
    assert classifier._network.takes_lengths
    sounds = [window for clip in spoken for window in classifier._turn(clip).windows]
    run = classifier._network._session.run
    alone = np.concatenate([run(["logits"], padded([sound]))[0] for sound in sounds])
    together = [run(["logits"], padded(sounds[start : start + 8]))[0] for start in range(0, len(sounds), 8)]
    found, expected = (softmax(logits / classifier.temperature) for logits in (np.concatenate(together), alone))
    assert np.mean(np.abs(found - expected).max(axis=1) <= LARGEST_DIFFERENCE) >= 0.98


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("size", [2, 8])
def test_the_words_that_ship_are_read_as_alone(repository, size: int) -> None:
    analyzer = EmotionAnalyzer.load()
    with (repository / "tests" / "data" / "customer_utterances" / "test.csv").open(encoding="utf-8") as stream:
        texts = [row["text"] for row in csv.DictReader(stream)][:200]
    assert len(texts) == 200
    alone = [analyzer.read(text) for text in texts]
    for start in range(0, 200, size):
        together = analyzer.read_many([Words(text) for text in texts[start : start + size]])
        for found, expected in zip(together, alone[start:], strict=False):
            assert difference(found, expected) <= LARGEST_DIFFERENCE
