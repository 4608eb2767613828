"""From a model folder and a corpus to a head in it, by the one command."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rasa_emotion.acoustic import AcousticClassifier
from rasa_emotion.attributes import ATTRIBUTES_FILE
from rasa_emotion.audio import Waveform
from rasa_emotion.corpora.manifest import read_manifest
from rasa_emotion.errors import ConfigError
from rasa_emotion.model_folder import MANIFEST, read_model_folder, shipped_models
from rasa_emotion.text import TextClassifier
from rasa_emotion.training.attribute_card import fresh_attributes, with_attributes
from research.attributes.fit import (
    Examples,
    attribute_calibration_error,
    best_threshold,
    fit,
    main,
    measure,
    voice_split,
)

CONFUSED = ("what do you mean", "I do not understand this at all", "huh? why is that", "which one is it now")
CLEAR = ("thank you so much", "I hate this company", "my number is five", "I am so sad today", "that is wonderful")


def examples(rows: int, seed: int) -> Examples:
    """Two overlapping clouds, a fifth of them positive, of twenty speakers; the second number says nothing."""
    generator = np.random.default_rng(seed)
    positive = generator.random(rows) < 0.2
    embeddings = generator.normal(0, 1, (rows, 2)) * [5.0, 100.0] + np.outer(positive, [8.0, 0.0])
    return Examples(embeddings, positive, np.array([f"s{i % 20}" for i in range(rows)]))


def test_a_head_is_calibrated_on_examples_that_it_has_not_seen() -> None:
    head, test = fit(examples(2000, 0)), examples(2000, 1)
    figures = measure(head, test)
    low, high = figures["average_precision_interval"]
    assert low < figures["average_precision"] < high
    assert figures["auc"] > 0.8
    assert figures["ece"] < 0.04
    assert abs(head.probabilities(test.embeddings).mean() - 0.2) < 0.04
    assert abs(head.weights[0]) > 20 * abs(head.weights[1])


def test_the_best_threshold_and_the_calibration_error_by_hand() -> None:
    truth = np.array([False, False, True, True])
    assert best_threshold(truth, np.array([0.1, 0.2, 0.4, 0.9])) == 0.4
    assert attribute_calibration_error(truth, np.array([0.0, 0.0, 1.0, 1.0])) == 0
    assert attribute_calibration_error(truth, np.full(4, 0.5)) == 0
    assert attribute_calibration_error(truth, np.full(4, 0.9)) == pytest.approx(0.4)


@pytest.fixture
def text_folder(tmp_path: Path) -> Path:
    shutil.copytree(shipped_models() / "text", tmp_path / "text")
    return tmp_path / "text"


@pytest.fixture
def comments(tmp_path: Path) -> Path:
    """A GoEmotions of a few sentences; some rows are empty."""
    (tmp_path / "text").mkdir(exist_ok=True)
    for part, times in (("train", 6), ("dev", 3)):
        with (tmp_path / "text" / f"goemotions_{part}.tsv").open("w", newline="") as stream:
            writer = csv.writer(stream, delimiter="\t")
            writer.writerow(["text", "labels"])
            for number in range(times):
                writer.writerows([f"{text} {number}", "confusion,sadness"] for text in CONFUSED)
                writer.writerows([f"{text} {number}", "neutral"] for text in CLEAR)
            writer.writerow(["...", "confusion"])
    return tmp_path


def test_one_command_gives_a_text_model_its_head_and_its_card_a_section(
    text_folder: Path, comments: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(text_folder), "--data", str(comments)])
    said = json.loads(capsys.readouterr().out)
    assert said["figures"]["rows"] == 27
    classifier = TextClassifier.load(text_folder)
    sure, calm = (classifier.classify(text).confused for text in ("what do you mean", "thank you so much"))
    assert sure is not None
    assert calm is not None
    assert sure > 0.5 > calm
    card = (text_folder / "card.md").read_text()
    assert card.count("## Confused") == 1
    assert f"{said['figures']['average_precision']:.3f}" in card
    main([str(text_folder), "--data", str(comments)])
    assert (text_folder / "card.md").read_text() == card


def test_a_head_stays_while_the_encoder_does(text_folder: Path, comments: Path) -> None:
    main([str(text_folder), "--data", str(comments)])
    assert fresh_attributes(text_folder) == (ATTRIBUTES_FILE,)
    assert with_attributes("# Text\n", text_folder).startswith("# Text\n\n## Confused\n")
    with (text_folder / "model.onnx").open("ab") as stream:
        stream.write(b"x")
    assert fresh_attributes(text_folder) == ()
    kept = "# Text\n\n## After\n"
    assert with_attributes("# Text\n\n## Confused\n\nold\n\n## After\n", text_folder) == kept


def test_what_is_no_model_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"has no model\.onnx"):
        main([str(tmp_path), "--data", str(tmp_path)])
    (tmp_path / "model.onnx").touch()
    with pytest.raises(SystemExit, match="is no model folder"):
        main([str(tmp_path), "--data", str(tmp_path)])


@pytest.fixture
def bursts(tmp_path: Path) -> Path:
    """Seven contributors, of whom each is confused at a high pitch, and a speaker of sentences."""
    rows = [("path", "corpus", "speaker", "label", "emotion", "fold", "seconds", "text")]
    generator = np.random.default_rng(0)
    for speaker in range(7):
        for label, freq in (("Confusion", 900), ("Anger", 200), ("Relief", 300)):
            for take in range(2):
                path = f"{speaker}-{label}-{take}.wav"
                times = np.arange(8000) / 16_000
                sound = 0.3 * np.sin(2 * np.pi * freq * (1 + 0.01 * speaker) * times) + generator.normal(0, 0.01, 8000)
                soundfile.write(tmp_path / path, sound, 16_000)
                rows.append((path, "emogator", f"e{speaker}", label, "", "", "0.5", ""))
    soundfile.write(tmp_path / "said.wav", generator.normal(0, 0.1, 8000), 16_000)
    rows.append(("said.wav", "ravdess", "r1", "calm", "calm", "1", "0.5", "Dogs are sitting by the door"))
    with (tmp_path / "speech.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return tmp_path


@pytest.fixture
def voice_folder(tmp_path: Path, repository: Path) -> Path:
    """The model of vocal bursts as a fine-tuned one would stand there, with two contributors that it has not heard."""
    folder = tmp_path / "models" / "voice"
    shutil.copytree(repository / "models" / "acoustic-emogator", folder)
    (folder / ATTRIBUTES_FILE).unlink(missing_ok=True)
    shutil.copyfile(folder / "model.onnx", folder / "folds" / "held_out.onnx")
    change(folder, test_speakers=["e0", "e1"], frozen_trunk=None)
    return folder


def change(folder: Path, **changes: object) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"].pop(ATTRIBUTES_FILE, None)
    (folder / MANIFEST).write_text(json.dumps({**manifest, **changes}))


def test_one_command_gives_an_acoustic_model_its_head(
    voice_folder: Path, bursts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(voice_folder, test_speakers=["e0", "e1"])
    before = AcousticClassifier.load(voice_folder)
    samples, _ = soundfile.read(bursts / "3-Confusion-0.wav", dtype="float32")
    assert before.classify(Waveform(samples)).confused is None
    main([str(voice_folder), "--data", str(bursts), "--cache", str(bursts / "cache")])
    said = json.loads(capsys.readouterr().out)
    assert said["figures"]["rows"] == 12
    assert "2 of 7 contributors" in said["split"]
    assert said["speech"]["rows"] == 1
    after = AcousticClassifier.load(voice_folder)
    confused = after.classify(Waveform(samples)).confused
    assert confused is not None
    assert confused > 0.5
    assert "spoken sentences" in (voice_folder / "card.md").read_text()
    assert after.checksum != before.checksum


def test_contributors_that_the_encoder_has_heard_are_never_scored(voice_folder: Path, bursts: Path) -> None:
    clips = read_manifest(bursts, corpora=["emogator"])
    split, kept = voice_split(read_model_folder(voice_folder, "acoustic"), clips)
    assert kept == "folds/held_out.onnx"
    assert {clip.speaker for clip in split.test} == {"e0", "e1"}
    change(voice_folder, test_speakers=[])
    with pytest.raises(ConfigError, match="has heard all contributors"):
        voice_split(read_model_folder(voice_folder, "acoustic"), clips)
    shutil.rmtree(voice_folder / "folds")
    change(voice_folder, test_speakers=["e0"])
    with pytest.raises(ConfigError, match=r"held_out\.onnx"):
        voice_split(read_model_folder(voice_folder, "acoustic"), clips)


def test_an_encoder_that_never_heard_the_corpus_is_split_by_contributor(voice_folder: Path, bursts: Path) -> None:
    change(voice_folder, corpora=["ravdess"], test_speakers=[])
    one_more = read_manifest(bursts, corpora=["emogator"])
    clips = [*one_more, *(type(clip)(**{**vars(clip), "speaker": f"x{i}"}) for i, clip in enumerate(one_more))]
    split, kept = voice_split(read_model_folder(voice_folder, "acoustic"), clips)
    assert kept == "model.onnx"
    assert not {clip.speaker for clip in split.train} & {clip.speaker for clip in split.test}


def test_a_trunk_that_no_label_has_reached_is_split_by_contributor_too(voice_folder: Path, bursts: Path) -> None:
    change(voice_folder, test_speakers=[], frozen_trunk="whisper-base")
    clips = read_manifest(bursts, corpora=["emogator"])
    more = [*clips, *(type(clip)(**{**vars(clip), "speaker": f"x{i}"}) for i, clip in enumerate(clips))]
    split, kept = voice_split(read_model_folder(voice_folder, "acoustic"), more)
    assert kept == "model.onnx"
    assert not {clip.speaker for clip in split.train} & {clip.speaker for clip in split.test}
