"""Both libraries that tell languages: what one does on one Python the other must do on the next."""

import csv
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.text import detector
from rasa_emotion.text.language import foreign_language

LIBRARIES = {"pycld2": detector.by_cld2, "py3langid": detector.by_langid}


@pytest.fixture(params=LIBRARIES)
def language_of(request: pytest.FixtureRequest) -> Callable[[str], str]:
    pytest.importorskip(request.param, reason=f"{request.param} is not for this Python, or for this numpy")
    return LIBRARIES[request.param]


def sentences(repository: Path) -> list[tuple[str, str]]:
    with (repository / "tests" / "data" / "languages.tsv").open(encoding="utf-8", newline="") as stream:
        return [(row["language"], row["text"]) for row in csv.DictReader(stream, delimiter="\t")]


def test_other_languages_are_told(language_of: Callable[[str], str], repository: Path) -> None:
    foreign = [(language, language_of(text)) for language, text in sentences(repository) if language != "en"]
    assert sum(found not in {"en", detector.UNDECIDED} for _, found in foreign) / len(foreign) >= 0.97
    assert sum(found == language for language, found in foreign) / len(foreign) >= 0.9


def test_english_is_kept(language_of: Callable[[str], str], repository: Path) -> None:
    english = [language_of(text) for language, text in sentences(repository) if language == "en"]
    assert sum(found in {"en", "sco", detector.UNDECIDED} for found in english) / len(english) >= 0.85


@pytest.mark.parametrize("text", ["", "\x00" * 9, "4711 0815", "🎉" * 500, "?" * 2000])
def test_what_is_no_language_is_undecided(language_of: Callable[[str], str], text: str) -> None:
    assert language_of(text) == detector.UNDECIDED


@given(text=st.text(max_size=60))
def test_no_text_makes_it_fail(text: str) -> None:
    assert foreign_language(text.encode("utf-8", "ignore").decode()) != "en"


def test_the_other_library_is_asked_where_cld2_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detector, "pycld2", None)
    monkeypatch.setattr(detector, "by_langid", lambda text: "de" if text == "Guten Tag" else "en")
    assert foreign_language("Guten Tag") == "de"
    assert foreign_language("Good day") is None


def test_without_any_library_texts_are_read_as_english(monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    monkeypatch.setattr(detector, "pycld2", None)
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    detector._langid.cache_clear()
    for _ in range(2):
        assert foreign_language("Ich warte seit einer Stunde auf eine Antwort") is None
    detector._langid.cache_clear()
    assert [record.getMessage().partition(" (")[0] for record in caplog.records] == [
        "No language detector can be imported"
    ]
