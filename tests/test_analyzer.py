import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile

from rasa_emotion import EMOTIONS, EmotionAnalyzer, Evidence
from rasa_emotion.analyzer import _merge
from rasa_emotion.audio import Waveform, load_audio
from rasa_emotion.errors import AudioError, ModelError, TextError
from rasa_emotion.model_folder import shipped_models


@pytest.fixture(scope="module")
def analyzer():
    return EmotionAnalyzer.load()


@pytest.fixture
def models(tmp_path):
    """A copy of the shipped models, without the folds, that a test may damage."""
    copy = tmp_path / "models"
    shutil.copytree(shipped_models(), copy, ignore=shutil.ignore_patterns("folds"))
    return copy


def test_words_alone(analyzer):
    estimate = analyzer.analyze(text="Thank you so much, you have been wonderful and I am so happy!")
    assert estimate.emotion == "happy"
    assert estimate.modalities == ("text",)
    assert estimate.valence > 0.3


@pytest.fixture(scope="module")
def voice(speech):
    return load_audio(speech("I have been waiting for three weeks and nobody calls me back."))


def test_voice_alone(analyzer, voice):
    estimate = analyzer.analyze(audio=voice)
    assert estimate.modalities == ("acoustic",)
    assert set(estimate.probabilities) == set(EMOTIONS)
    assert sum(estimate.probabilities.values()) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(("secs", "told"), [(29, False), (45, True)])
def test_one_emotion_for_a_long_recording_is_told(analyzer, speech, tmp_path, secs, told):
    voice, rate = soundfile.read(speech("I have been waiting for three weeks and nobody calls me back."))
    soundfile.write(tmp_path / "call.wav", np.resize(voice, secs * rate), rate)
    warnings = analyzer.analyze(audio=tmp_path / "call.wav").warnings
    assert [("more than 40 s" in one and "--timeline" in one) for one in warnings] == [True] * told
    assert analyzer.hear_many([tmp_path / "call.wav"])[0].warnings == warnings


def test_both(analyzer, voice):
    estimate = analyzer.analyze(audio=voice, text="This is outrageous, I am furious with you!")
    assert estimate.modalities == ("acoustic", "text")
    assert estimate.evidence["text"].emotion == "angry"


def test_audio_without_words_is_voice_alone(analyzer, voice):
    assert analyzer.analyze(audio=voice, text="  ").modalities == ("acoustic",)


@pytest.mark.parametrize("hertz", [(220,), (700, 900), (440, 480)])
def test_beside_a_tone_the_words_decide(analyzer, tone, hertz):
    words = "This is outrageous, I have been waiting for three weeks and nobody calls me back!"
    heard = analyzer.analyze(audio=Waveform(sum(tone(one, 3.0) for one in hertz)), text=words)
    assert heard.modalities == ("text",)
    assert heard.probabilities == analyzer.analyze(text=words).probabilities


def test_nothing_at_all_is_unknown(analyzer):
    assert analyzer.analyze().emotion == "unknown"


def test_no_words_without_audio_is_an_error(analyzer):
    with pytest.raises(TextError):
        analyzer.analyze(text="")


def test_bad_audio_is_an_error_that_names_the_file(analyzer, tmp_path):
    path = tmp_path / "song.wav"
    path.write_bytes(b"this is not audio")
    with pytest.raises(AudioError, match=r"song\.wav"):
        analyzer.analyze(audio=path, text="hello there")


def test_threads_share_one_analyzer(analyzer, tone):
    turns = [(Waveform(tone(100 + 20 * i, 0.5 + 0.1 * i)), f"message number {i}, I love it") for i in range(16)]
    alone = [analyzer.analyze(audio=audio, text=text).to_dict() for audio, text in turns]
    with ThreadPoolExecutor(4) as pool:
        together = [e.to_dict() for e in pool.map(lambda turn: analyzer.analyze(audio=turn[0], text=turn[1]), turns)]
    assert together == alone


def test_the_estimate_is_json_safe(analyzer, tone):
    estimate = analyzer.analyze(audio=Waveform(tone(220, 1.0)), text="I am so sad about this")
    assert json.loads(json.dumps(estimate.to_dict())) == estimate.to_dict()


@pytest.mark.parametrize("damage", ["acoustic", "text", "fusion"])
def test_a_missing_model_is_an_error_or_a_smaller_analyzer(models, damage, caplog):
    shutil.rmtree(models / damage)
    with pytest.raises(ModelError, match=damage):
        EmotionAnalyzer.load(models)
    analyzer = EmotionAnalyzer.load(models, allow_missing=True)
    assert len(caplog.records) == 1
    assert (analyzer.acoustic is None) == (damage == "acoustic")
    assert (analyzer.text is None) == (damage == "text")
    estimate = analyzer.analyze(text="I am so happy, thank you!")
    assert estimate.emotion == ("unknown" if damage == "text" else "happy")


def test_no_model_at_all_is_an_error(tmp_path):
    with pytest.raises(ModelError, match="No model could be loaded"):
        EmotionAnalyzer.load(tmp_path, allow_missing=True)


def test_an_altered_model_is_refused(models):
    with (models / "text" / "model.onnx").open("ab") as stream:
        stream.write(b"\0")
    with pytest.raises(ModelError, match="altered"):
        EmotionAnalyzer.load(models)


def test_the_checksum_follows_the_models(models):
    before = EmotionAnalyzer.load(models)
    after = EmotionAnalyzer.load(models, acoustic="acoustic-emogator")
    assert before.checksum == EmotionAnalyzer.load(models).checksum
    assert before.checksum != after.checksum


def test_windows_merge_weighted_by_their_speech():
    first = Evidence("acoustic", {"angry": 1.0}, 1.0, "m", {"speech_secs": 3.0})
    second = Evidence("acoustic", {"calm": 1.0}, 0.5, "m", {"speech_secs": 1.0})
    merged = _merge([first, second])
    assert merged.probabilities["angry"] == pytest.approx(0.75)
    assert merged.reliability == pytest.approx(0.875)
    assert merged.quality["speech_secs"] == 4.0


def test_windows_say_how_confused_they_are_or_nothing():
    first = Evidence("acoustic", {"fear": 1.0}, 1.0, "m", {"speech_secs": 3.0}, confused=0.8)
    second = Evidence("acoustic", {"fear": 1.0}, 1.0, "m", {"speech_secs": 1.0}, confused=0.4)
    assert _merge([first, second]).confused == pytest.approx(0.7)
    assert _merge([first, Evidence("acoustic", {"fear": 1.0})]).confused is None


def test_a_long_recording_counts_its_speech_once(analyzer, speech, tmp_path):
    samples, rate = soundfile.read(speech("I would like to speak to somebody about my bill, please. " * 4))
    minute = np.resize(samples, 60 * rate)
    path = tmp_path / "minute.wav"
    soundfile.write(path, minute, rate)
    evidence = analyzer.hear(path)
    assert 30 < evidence.quality["speech_secs"] <= 60
    assert evidence.reliability == 1


def test_each_acoustic_model_has_constants_of_its_own(analyzer):
    other = EmotionAnalyzer.load(acoustic="acoustic-emogator")
    assert analyzer.fusion.weights != other.fusion.weights


def test_loading_says_in_one_line_each_what_may_be_used_for_what(caplog):
    caplog.set_level("INFO", "rasa_emotion")
    EmotionAnalyzer.load()
    lines = "\n".join(caplog.messages)
    assert "'acoustic' is under CC-BY-NC-SA-4.0, research and evaluation only. It cannot hear whisper" in lines
    assert "'text' is under Apache-2.0, companies may use it." in lines


def test_loading_and_analysing_import_no_training_library():
    script = (
        "import sys; from rasa_emotion import EmotionAnalyzer; EmotionAnalyzer.load().analyze(text='hello there');"
        "print([m for m in ('torch', 'transformers', 'speechbrain', 'sklearn', 'librosa') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_louder_copy_is_heard_the_same(analyzer, tone):
    samples = tone(180, 1.0) + 0.01 * np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    quiet = analyzer.hear(Waveform((0.1 * samples).astype(np.float32)))
    loud = analyzer.hear(Waveform((0.8 * samples).astype(np.float32)))
    assert quiet.emotion == loud.emotion
