"""Which texts a model is trusted with, by the languages that its folder names."""

from pathlib import Path

import pytest
from tiny_onnx import text_folder

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


def test_a_folder_that_names_no_language_reads_english(tmp_path: Path) -> None:
    classifier = TextClassifier.load(text_folder(tmp_path / "text", {"hello": "happy"}))
    assert classifier.languages == ("en",)
    assert classifier.classify("hello").reliability == 1
