"""The page is read as a browser would: everything inside, nothing fetched, every picture described."""

import base64
import io
import json
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rasa_emotion.errors import ConfigError
from rasa_emotion.evaluation.predictions import Predictions, read_predictions
from rasa_emotion.evaluation.report import About, write_report
from rasa_emotion.evaluation.turns import Skipped

VOID = {"meta", "img", "br", "link", "input", "hr"}
ABOUT = About(
    "Emotions in <calls>.csv",
    "Trained on others & scored on these.",
    ["These flatter the model."],
    [Skipped("clips/x<y>.wav", "holds no sound.")],
)


class Page(HTMLParser):
    """Tags with their attributes, the text, and whether every tag that opens also closes."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def folder(predictions: Predictions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports") / "new" / "report"
    write_report(folder, predictions, ABOUT)
    return folder


@pytest.fixture(scope="module")
def page(folder: Path) -> Page:
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def test_everything_is_in_the_page_and_well_formed(page: Page, folder: Path) -> None:
    assert page.open == []
    assert {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object"} == set()
    source = (folder / "report.html").read_text(encoding="utf-8")
    assert "http:" not in source
    assert "https:" not in source
    assert "@import" not in source
    assert "url(" not in source
    assert page.named("html")[0]["lang"] == "en"
    assert len(page.named("h1")) == 1
    assert len(page.named("title")) == 1


def test_every_picture_is_embedded_described_and_also_a_file(page: Page, folder: Path) -> None:
    pictures = page.named("img")
    assert len(pictures) == 4
    files = {file.read_bytes() for file in folder.glob("*.png")}
    for picture in pictures:
        kind, data = (picture["src"] or "").split(",")
        assert kind == "data:image/png;base64"
        assert base64.b64decode(data) in files
        assert len(picture["alt"] or "") > 40


@pytest.mark.parametrize("name", ["confusion", "recall", "reliability", "speakers"])
def test_plots_show_something(folder: Path, name: str) -> None:
    with Image.open(io.BytesIO((folder / f"{name}.png").read_bytes())) as picture:
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    assert picture.width > 600
    assert len(np.unique(pixels, axis=0)) > 20


def test_what_people_must_know_is_there_and_escaped(page: Page) -> None:
    words = " ".join(page.words)
    for text in (
        ABOUT.title,
        ABOUT.split,
        *ABOUT.warnings,
        "clips/x<y>.wav",
        "192 utterances of 6 speakers",
        "1 skipped",
    ):
        assert text in words
    assert "clips/" in words  # the worst misses
    rows = [attributes for attributes in page.named("th") if attributes.get("scope") == "row"]
    assert len(rows) == 8


def test_figures_and_predictions_lie_beside_the_page(folder: Path, predictions: Predictions) -> None:
    found = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
    assert found["split"] == ABOUT.split
    assert found["warnings"] == list(ABOUT.warnings)
    assert found["skipped"] == [{"name": "clips/x<y>.wav", "reason": "holds no sound."}]
    again = read_predictions(folder / "predictions.csv")
    assert again.predicted.tolist() == predictions.predicted.tolist()


def test_one_perfect_utterance_makes_a_page(tmp_path: Path) -> None:
    one = Predictions(["a.wav"], [""], np.array([3]), np.eye(8)[3:4])
    write_report(tmp_path, one, About("One", "None."))
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert len(page.named("img")) == 3  # no speakers to spread
    assert not (tmp_path / "speakers.png").exists()
    assert "worst misses" not in " ".join(page.words)


def test_the_same_predictions_make_the_same_report(predictions: Predictions, folder: Path, tmp_path: Path) -> None:
    write_report(tmp_path, predictions, ABOUT)
    assert {f.name: f.read_bytes() for f in tmp_path.iterdir()} == {f.name: f.read_bytes() for f in folder.iterdir()}


def test_without_matplotlib_one_sentence_says_what_to_install(
    predictions: Predictions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ConfigError, match=r"needs matplotlib, .*: pip install 'rasa-emotion\[evaluate\]'"):
        write_report(tmp_path / "report", predictions, ABOUT)
    assert not (tmp_path / "report").exists()
