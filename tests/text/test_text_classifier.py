"""The text model that ships, as a bot loads it."""

import csv
import json
import logging
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ModelError, TextError
from rasa_emotion.model_folder import MANIFEST, read_model_folder, shipped_models
from rasa_emotion.text import TextClassifier
from rasa_emotion.text.detector import UNDECIDED, pycld2

FOLDER = shipped_models() / "text"


@pytest.fixture(scope="module")
def classifier() -> TextClassifier:
    return TextClassifier.load(FOLDER)


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("This is outrageous, I am furious with you people!", "angry"),
        ("That is disgusting, it makes me sick.", "disgust"),
        ("I'm terrified that somebody broke into my account.", "fear"),
        ("Thank you so much, I love it, that is wonderful!", "happy"),
        ("My number is four five six.", "neutral"),
        ("I'm so sad, I lost my father last week.", "sad"),
        ("Wow, I really did not expect that!", "surprise"),
        ("What a relief, I feel at ease now.", "calm"),
        ("I have been waiting for an hour!", "angry"),
    ],
)
def test_plain_cases(classifier: TextClassifier, text: str, emotion: str) -> None:
    evidence = classifier.classify(text)
    assert evidence.emotion == emotion
    assert evidence.reliability == 1.0
    assert evidence.model == "text"
    assert evidence.quality["words"] >= 5


def test_logits_embedding_and_probabilities_fit(classifier: TextClassifier) -> None:
    text = "I have been waiting for an hour!"
    logits, embedding = classifier.logits(text), classifier.embed(text)
    assert logits.shape == (8,)
    assert embedding.shape == (384,)
    scaled = logits / classifier.folder.settings["temperature"]
    expected = np.exp(scaled - scaled.max()) / np.exp(scaled - scaled.max()).sum()
    found = classifier.classify(text).probabilities
    np.testing.assert_allclose([found[emotion] for emotion in EMOTIONS], expected, atol=1e-5)


def test_the_checksum_is_that_of_the_folder(classifier: TextClassifier) -> None:
    # EmotionAnalyzer's checksum rests on it, by which a bot notices another model.
    assert classifier.checksum == read_model_folder(FOLDER, "text").checksum


def test_similar_sentences_are_close(classifier: TextClassifier) -> None:
    def similarity(first: str, second: str) -> float:
        a, b = classifier.embed(first), classifier.embed(second)
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    angry = "You charged me twice, this is infuriating!"
    assert similarity(angry, "I am mad, they billed me two times!") > similarity(angry, "Thanks, that was lovely.")


@pytest.mark.parametrize("text", ["", "  ", "\x00\x07", "...!?"])
def test_no_word_is_an_error(classifier: TextClassifier, text: str) -> None:
    for method in (classifier.classify, classifier.logits, classifier.embed):
        with pytest.raises(TextError):
            method(text)


def test_very_long_text_is_read_from_its_start(classifier: TextClassifier) -> None:
    long = "I hate this, I am so angry! " * 4000
    assert len(long) > 100_000
    assert classifier.classify(long).emotion == "angry"


@pytest.mark.parametrize("text", ["Я очень сержусь на вас", "我非常生气", "أنا غاضب جدا", "4711 0815"])
def test_what_the_model_cannot_read_counts_for_nothing(classifier: TextClassifier, text: str) -> None:
    assert classifier.classify(text).reliability == 0


def languages(repository: Path) -> list[tuple[str, str]]:
    """Language and text of each utterance, as written and as many recognisers print it."""
    with (repository / "tests" / "data" / "languages.tsv").open(encoding="utf-8", newline="") as stream:
        rows = [(row["language"], row["text"]) for row in csv.DictReader(stream, delimiter="\t")]
    return rows + [(language, re.sub(r"[.,!?¿]", "", text).lower()) for language, text in rows]


def test_other_languages_are_left_out_and_english_never(classifier: TextClassifier, repository: Path) -> None:
    found = [(language, classifier.classify(text)) for language, text in languages(repository)]
    assert [evidence for language, evidence in found if language == "en" and evidence.foreign_language] == []
    assert min(evidence.reliability for language, evidence in found if language == "en") > 0
    foreign = [evidence for language, evidence in found if language != "en"]
    assert len({language for language, _ in found}) >= 9
    assert np.mean([evidence.reliability == 0 for evidence in foreign]) >= 0.9
    assert all(evidence.reliability == 0 for evidence in foreign if evidence.foreign_language)


def test_a_language_is_named_and_told_once_without_the_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    fresh = TextClassifier.load(FOLDER)
    with caplog.at_level(logging.WARNING, logger="rasa_emotion.text"):
        for _ in range(2):
            assert fresh.classify("Mir wurde zweimal dasselbe abgebucht").foreign_language == "de"
        assert fresh.classify("Czekam już godzinę na odpowiedź").foreign_language == "pl"
    assert [record.args for record in caplog.records] == [("de", "en"), ("pl", "en")]
    assert "abgebucht" not in caplog.text


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("i am not angry with you", {"neutral", "calm"}),
        ("I'm not mad at you.", {"neutral", "calm"}),
        ("Nobody is angry here.", {"neutral", "calm"}),
        ("I used to be furious with you but now everything is fine.", {"neutral", "calm", "happy"}),
        ("I'm far from happy with the service.", {"angry", "sad"}),
        ("I would be glad if it worked.", {"neutral", "angry", "sad"}),
        ("My boss is furious about the bill", {"neutral", "calm"}),
        ("My husband loves your service.", {"neutral", "calm"}),
        ("Thank you, but I have heard that three times already.", {"angry", "sad"}),
        ("Great, another hour on hold.", {"angry", "sad"}),
        ("I think it would be best to end my contract, thank you.", {"angry", "sad"}),
        ("stop", {"neutral"}),
    ],
)
def test_one_word_does_not_decide(classifier: TextClassifier, text: str, right: set[str]) -> None:
    assert classifier.classify(text).emotion in right


@pytest.mark.parametrize("text", ["gracias", "oui, merci", "Gracias, that helped me a lot", "Oh, I'd like that."])
def test_a_foreign_word_or_two_stay_with_the_model(classifier: TextClassifier, text: str) -> None:
    assert classifier.classify(text).foreign_language is None


@pytest.mark.parametrize(
    "text",
    [
        "thats amazing!! Congrats!",
        "Woooo hoooo!!!",
        "Damnit!",
        "Damnit, damnit, damnit, damnit.",
        "ok 👍👍👍",
        "Jippieh!!",
        "Danger noodle!!! Danger noodle!!!",
        "aaargh grrr pfff",
        "yessss",
        "LOL thx m8",
        "yippee ki yay",
        "yuck ick bleurgh",
        "eek yikes eep",
        "dunno mate innit",
        "im sooo maddd",
        "plz fix asap thx",
        "wifi router kaput again",
        "whats ur fav book",
        "😡 wtf amigo",
        ":-(",
    ],
)
def test_what_is_short_exclaimed_or_holds_emoji_is_read(classifier: TextClassifier, text: str) -> None:
    evidence = classifier.classify(text)
    assert evidence.foreign_language is None
    assert evidence.reliability == 1.0


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("je suis fâché", "fr"),
        ("sono molto triste", "it"),
        ("nie działa nic", "pl"),
        ("çok kızgınım ben", "tr"),
    ],
)
@pytest.mark.skipif(pycld2 is None, reason="langid.py tells other short texts")
def test_three_words_of_another_language_are_still_noticed(
    classifier: TextClassifier, text: str, language: str
) -> None:
    evidence = classifier.classify(text)
    assert evidence.foreign_language == language
    assert evidence.reliability == 0.0


def test_a_detector_that_fails_changes_nothing(classifier: TextClassifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rasa_emotion.text.language.language_of", lambda _: UNDECIDED)
    assert classifier.classify("Mir wurde zweimal dasselbe abgebucht").foreign_language is None


@pytest.mark.parametrize(
    "text", ["qwxzv brtlkz ptrngh vlkst", "Ich bin sehr wütend, die Rechnung ist falsch", "estoy muy enfadado"]
)
def test_unknown_words_lower_reliability(classifier: TextClassifier, text: str) -> None:
    assert classifier.classify(text).reliability < 0.5


def test_control_characters_change_nothing(classifier: TextClassifier) -> None:
    assert classifier.classify("I am\x00 so\x1b angry") == classifier.classify("I am so angry")


def test_threads_get_their_own_answers(classifier: TextClassifier) -> None:
    texts = ["I hate you", "I love you", "My number is five", "I am scared"] * 25
    expected = [classifier.classify(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(classifier.classify, texts)) == expected


def test_small_enough_to_ship() -> None:
    assert sum((FOLDER / name).stat().st_size for name in ("model.onnx", "tokenizer.json")) <= 25e6


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    shutil.copytree(FOLDER, tmp_path / "text")
    return tmp_path / "text"


def rewrite(folder: Path, **changes: object) -> None:
    manifest = folder / MANIFEST
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **changes}))


def test_other_labels_are_refused(copied: Path) -> None:
    rewrite(copied, labels=["anger", "joy"])
    with pytest.raises(ModelError, match="other labels"):
        TextClassifier.load(copied)


def test_a_file_that_is_no_model_is_refused(copied: Path) -> None:
    (copied / "model.onnx").write_bytes(b"no model")
    rewrite(copied, files={})
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        TextClassifier.load(copied)
    assert str(copied) in str(caught.value)


def test_an_altered_file_is_refused(copied: Path) -> None:
    with (copied / "tokenizer.json").open("a") as stream:
        stream.write(" ")
    with pytest.raises(ModelError, match="altered"):
        TextClassifier.load(copied)


def test_no_torch_at_run_time() -> None:
    code = (
        "import sys; from rasa_emotion.text import TextClassifier; "
        f"TextClassifier.load({str(FOLDER)!r}).classify('hello there'); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'sklearn')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
