"""What the workbench finds in a recording: pictures, drivers, lines, sentences, whether the voice is at home."""

import base64
import io
import json

import numpy as np
import pytest
import soundfile

from rasa_emotion.analyzer import EmotionAnalyzer
from rasa_emotion.audio import Waveform
from rasa_emotion.audio.decode import as_wav
from rasa_emotion.audio.telephone import over_line
from rasa_emotion.console.workbench.drivers import voice_drivers, word_drivers
from rasa_emotion.console.workbench.lines import LINES, SNRS_DB, degraded, with_noise
from rasa_emotion.console.workbench.look import Given, decoded, look
from rasa_emotion.console.workbench.pictures import COLUMNS, pictures
from rasa_emotion.console.workbench.words import explained, read_sentences, sentiment_word
from rasa_emotion.errors import AudioError, ChannelError, TextError
from rasa_emotion.estimate import EmotionEstimate, Evidence

SAID = "I have been waiting for an hour. Thank you so much!"


@pytest.fixture(scope="module")
def analyzer() -> EmotionAnalyzer:
    return EmotionAnalyzer.load()


@pytest.fixture(scope="module")
def spoken(speech) -> Waveform:
    return decoded(speech(SAID).read_bytes())[0]


def unpacked(picture) -> np.ndarray:
    data = np.frombuffer(base64.b64decode(picture["data"]), np.uint8)
    return data.reshape(picture["rows"], picture["columns"])


@pytest.mark.parametrize("secs", [0.05, 1.0, 30.0])
def test_a_tone_is_drawn_where_it_is(tone, secs):
    found = pictures(Waveform(tone(1000, secs)))
    rows = unpacked(found["spectrogram"]).mean(axis=1)
    # 64 rows up to 8 kHz are 125 Hz each.
    assert abs(int(rows.argmax()) - 1000 // 125) <= 1
    assert found["spectrogram"]["columns"] <= COLUMNS
    assert len(found["envelope"]["low"]) == len(found["envelope"]["high"]) <= 1000
    json.dumps(found)


def test_a_note_and_its_crossings(tone):
    found = pictures(Waveform(tone(440, 2.0)))
    assert int(unpacked(found["chroma"]).mean(axis=1).argmax()) == 9  # A, counted from C
    middle = found["zero_crossings"][len(found["zero_crossings"]) // 2]
    assert middle == pytest.approx(2 * 440 / 16_000, abs=0.005)


def test_silence_and_constants_are_drawn():
    for samples in (np.zeros(8000), np.full(8000, 0.5)):
        json.dumps(pictures(Waveform(samples.astype(np.float32))), allow_nan=False)


def test_a_part_that_is_silent_drives_nothing(analyzer, spoken):
    sound = Waveform(np.concatenate([np.zeros(16_000, np.float32), spoken.samples]))
    voice = analyzer.hear(sound)
    parts = voice_drivers(analyzer, sound, None, analyzer.fuse([voice]))
    assert parts[0]["start_secs"] == 0
    assert parts[-1]["end_secs"] == pytest.approx(sound.seconds, abs=0.01)
    assert abs(parts[0]["effect"]) < 0.05
    assert max(abs(part["effect"]) for part in parts) > abs(parts[0]["effect"])


def test_a_word_drives_what_changes_without_it(analyzer):
    text = "I am so furious about it"
    estimate = analyzer.fuse([analyzer.read(text)])
    found = word_drivers(analyzer, text, None, estimate)
    assert [word["text"] for word in found] == text.split()
    without = analyzer.fuse([analyzer.read("I am so about it")])
    change = estimate.probabilities[estimate.emotion] - without.probabilities[estimate.emotion]
    assert found[3]["effect"] == pytest.approx(change, abs=2e-3)
    assert max(found, key=lambda word: word["effect"])["text"] == "furious"
    assert word_drivers(analyzer, "furious", None, estimate) == []


def test_of_long_recordings_no_part_is_left_out(analyzer, tone):
    estimate = EmotionEstimate.from_probabilities({"angry": 1.0}, {})
    assert voice_drivers(analyzer, Waveform(tone(200, 31.0)), None, estimate) == []


@pytest.mark.parametrize("subtype", ["ULAW", "ALAW", "GSM610"])
def test_a_line_carries_what_is_below_4_khz(tone, subtype):
    low, high = (over_line(Waveform(tone(freq, 1.0)), subtype).samples for freq in (1000, 6000))
    assert len(low) == len(high) == 16_000
    assert np.abs(np.corrcoef(low[2000:-2000], tone(1000, 1.0)[2000:-2000])[0, 1]) > 0.5
    assert np.sqrt(np.mean(high**2)) < 0.02


@pytest.mark.parametrize("ratio", [0.0, 20.0])
def test_noise_has_the_power_that_was_asked_for(tone, ratio):
    clean = Waveform(tone(300, 2.0, level=0.2))
    noise = with_noise(clean, ratio).samples - clean.samples
    found = 10 * np.log10(np.mean(clean.samples**2) / np.mean(noise**2))
    assert found == pytest.approx(ratio, abs=0.3)


def test_each_line_is_heard_in_each_noise(analyzer, spoken):
    found = degraded(analyzer, spoken, analyzer.read(SAID))
    assert [len(row) for row in found["cells"]] == [len(SNRS_DB)] * len(LINES)
    alone = analyzer.fuse([analyzer.hear(Waveform(spoken.samples))])
    assert found["cells"][0][0]["voice"]["probabilities"]["angry"] == pytest.approx(
        alone.probabilities["angry"], abs=2e-3
    )
    assert found["cells"][0][0] != found["cells"][-1][-1]


def test_of_a_long_recording_the_stretch_with_speech_is_heard(analyzer, spoken):
    found = degraded(analyzer, Waveform(np.concatenate([np.zeros(160_000, np.float32), spoken.samples])))
    assert found["end_secs"] - found["start_secs"] == pytest.approx(8)
    assert found["start_secs"] > 4


def test_everything_of_a_recording_with_words(analyzer, spoken):
    found = look(analyzer, Given(spoken, SAID))
    json.dumps(found, allow_nan=False)
    alone = analyzer.analyze(as_wav(spoken), SAID)
    assert found["estimate"]["emotion"] == alone.emotion
    assert [one["text"] for one in found["sentences"]] == ["I have been waiting for an hour.", "Thank you so much!"]
    assert found["timeline"][0]["start_secs"] == 0
    assert found["timeline"][-1]["end_secs"] == pytest.approx(spoken.seconds, abs=0.01)
    assert found["home"]["verdict"] in ("at home", "doubtful", "not at home")
    assert found["drivers"]["parts"]
    assert found["drivers"]["words"]


def test_words_alone_and_a_voice_alone(analyzer, spoken):
    words = look(analyzer, Given(None, SAID))
    assert words["voice"] is None
    assert words["home"] is None
    assert words["timeline"] == []
    voice = look(analyzer, Given(spoken))
    assert voice["words"] is None
    assert voice["sentences"] == []
    assert voice["explained"] == "Only the voice could be used."
    with pytest.raises(TextError, match="neither sound nor a word"):
        look(analyzer, Given(None, " ?! "))


def test_two_voices_on_two_channels_are_not_heard_unasked(speech):
    one, other = (soundfile.read(speech(text))[0] for text in ("I want my money back", "Good day, how can I help"))
    gap = np.zeros(4000)
    left = np.concatenate([one, gap, np.zeros_like(other)])
    right = np.concatenate([np.zeros_like(one), gap, other])
    file = io.BytesIO()
    soundfile.write(file, np.stack([left, right], axis=1), 22_050, format="WAV")
    with pytest.raises(ChannelError):
        decoded(file.getvalue())
    heard, _ = decoded(file.getvalue(), channel="left")
    assert heard.seconds == pytest.approx(len(left) / 22_050, abs=0.01)


def test_a_stretch(spoken):
    part, _ = decoded(as_wav(spoken), start_secs=0.5, end_secs=1.5)
    assert part.seconds == pytest.approx(1.0)
    assert np.allclose(part.samples, spoken.samples[8000:24_000], atol=1e-6)
    with pytest.raises(AudioError, match="nothing to hear"):
        decoded(as_wav(spoken), start_secs=500)


@pytest.mark.parametrize(
    "data",
    [b"Salted__" + bytes(range(256)) * 9, b"PK\x03\x04" + bytes(99), b"%PDF-1.7\n" + bytes(99), b"\x00" * 4096],
)
def test_what_is_no_audio_is_one_sentence(data):
    with pytest.raises(AudioError) as refused:
        decoded(data)
    assert "\n" not in str(refused.value)
    assert str(refused.value).endswith(".")


def fused(kind, voice, words):
    pieces = {"acoustic": Evidence("acoustic", {voice: 1.0}), "text": Evidence("text", {words: 1.0})}
    return EmotionEstimate.from_probabilities({voice: 1.0}, pieces, conflict_kind=kind)


def test_a_conflict_is_explained():
    assert explained(fused("sarcastic", "angry", "happy")).startswith("Likely sarcasm: the words say happy (1.00)")
    assert explained(fused("masked", "happy", "sad")).startswith("Likely a masked feeling")
    assert explained(fused(None, "sad", "sad")).startswith("Voice and words agree")
    assert "without contradicting" in explained(fused(None, "sad", "neutral"))


def test_a_sentence_without_words_is_unknown(analyzer):
    found = read_sentences(analyzer, "Thank you! ... 123!")
    assert found[0]["sentiment"] == "positive"
    assert {one["sentiment"] for one in found} <= {"positive", "neutral", "negative"}
    assert sentiment_word(-0.9) == "negative"
