"""Which texts a model is trusted with, by the languages that its folder names."""

import json
import logging
from pathlib import Path

import pytest
from tiny_onnx import text_folder

from rasa_emotion.errors import ModelError
from rasa_emotion.text import TextClassifier

WORDS = dict.fromkeys(("ich", "warte", "seit", "einer", "stunde", "auf", "eine", "antwort"), "neutral")
GERMAN = "Ich warte seit einer Stunde auf eine Antwort"
FRENCH = "Je voudrais parler avec une personne au sujet de ma facture"


@pytest.mark.parametrize("languages", [["de"], ["de", "en"]])
def test_a_model_reads_its_own_languages(tmp_path: Path, languages: list[str]) -> None:
    classifier = TextClassifier.load(text_folder(tmp_path / "text", WORDS, languages=languages))
    assert classifier.classify(GERMAN).reliability == 1
    found = classifier.classify(FRENCH)
    assert (found.reliability, found.foreign_language) == (0, "fr")


def test_of_words_that_it_has_no_pieces_for_it_says_little(tmp_path: Path) -> None:
    classifier = TextClassifier.load(text_folder(tmp_path / "text", WORDS, languages=["de"]))
    assert classifier.classify("warte xyzzy").reliability == 0.5


def test_a_folder_that_names_no_language_reads_english_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    classifier = TextClassifier.load(text_folder(tmp_path / "text", {"hello": "happy"}, languages=None))
    assert classifier.languages == ("en",)
    assert classifier.classify("hello").reliability == 1
    (said,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert said.event == "text.languages.missing"
    assert '"languages": ["en"]' in said.getMessage()
    assert str(tmp_path / "text" / "model.json") in said.getMessage()


def test_what_the_sentence_asks_for_mends_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    manifest = text_folder(tmp_path / "text", WORDS, languages=None) / "model.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "languages": ["de"]}))
    assert TextClassifier.load(tmp_path / "text").languages == ("de",)
    assert caplog.records == []


@pytest.mark.parametrize("lacking", ["max_tokens", "temperature"])
def test_a_folder_without_what_reading_needs_is_named(tmp_path: Path, lacking: str) -> None:
    manifest = text_folder(tmp_path / "text", WORDS) / "model.json"
    left = {name: value for name, value in json.loads(manifest.read_text()).items() if name != lacking}
    manifest.write_text(json.dumps(left))
    with pytest.raises(ModelError, match=f"lacks {lacking}; reinstall"):
        TextClassifier.load(tmp_path / "text")
