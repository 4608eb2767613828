"""The page on contextual and static embeddings, from made-up figures and as it stands in the documents."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from rasa_emotion.errors import ConfigError
from research.embeddings.page import PAGE, RESULT, document

CLASSES = ["angry", "happy", "neutral", "sad"]


def row(title: str, protocol: str, recall: float) -> dict[str, Any]:
    return {
        "embedding": title,
        "title": title,
        "about": f"made up {title}",
        "protocol": protocol,
        "recall": [recall, recall - 0.02, recall + 0.02],
        "auc": [recall + 0.2, recall + 0.1, recall + 0.3],
        "by_class": dict.fromkeys(CLASSES, recall),
        "dims": 8,
    }


def made_up(p: float = 0.0001) -> dict[str, Any]:
    difference = {"value": 0.051, "low": -0.01, "high": 0.1, "p": p}
    return {
        "corpus": "Made-up lines",
        "classes": CLASSES,
        "sentences": 1234,
        "speakers": 12,
        "dialogues": 99,
        "trainings": 6,
        "trained_on": 5678,
        "shared_dialogues": {"speaker": 0.9, "speaker-script": 0.0},
        "shared_sentences": {"speaker": 0.12, "speaker-script": 0.11},
        "rows": [
            row(title, protocol, recall)
            for title, recall in (("states", 0.5), ("table", 0.41), ("words", 0.43))
            for protocol in ("speaker", "speaker-script")
        ],
        "paired": [
            {"against": "words", "protocol": protocol, **difference, "mcnemar": 0.25}
            for protocol in ("speaker", "speaker-script")
        ],
        "flattered": [{"title": "states", **difference}],
    }


def test_the_page_says_what_was_measured() -> None:
    text = " ".join(document(made_up()).split())
    assert "states have an average recall of 50.0 (48.0 to 52.0) %; the best of the static embeddings (words)" in text
    assert "| states | 8 | by speaker and script | 50.0 (48.0 to 52.0) | 70.0 (60.0 to 80.0) |" in text
    assert "| words | by speaker | +5.1 (-1.0 to +10.0) | < 0.001 | 0.250 |" in text
    assert "1,234 of them are scored, of 12 speakers in 99 dialogues" in text
    assert "- **table**: made up table." in text


def test_only_what_is_more_than_chance_is_said_to_flatter() -> None:
    assert "It is more than chance for states." in document(made_up())
    assert "None of it is more than chance." in document(made_up(p=0.2))
    assert "The difference is more than chance (p < 0.001)." in " ".join(document(made_up()).split())
    assert "The difference is not more than chance (p = 0.200)." in " ".join(document(made_up(p=0.2)).split())
    fallen = made_up()
    fallen["flattered"][0]["value"] = -0.05
    assert "None of it is more than chance." in document(fallen)


def test_the_same_figures_make_the_same_files(tmp_path: Path) -> None:
    (tmp_path / "embeddings.json").write_text(json.dumps(made_up()))
    PAGE.main([str(tmp_path), "--figures", str(tmp_path / "embeddings.json")])
    first = [(tmp_path / name).read_bytes() for name in ("embeddings.md", "embeddings.svg")]
    PAGE.main([str(tmp_path), "--figures", str(tmp_path / "embeddings.json")])
    assert [(tmp_path / name).read_bytes() for name in ("embeddings.md", "embeddings.svg")] == first
    assert b"by speaker and script" in first[1]


@pytest.mark.parametrize("content", ["", "[]", '{"rows": []}', json.dumps({**made_up(), "rows": [{}]})])
def test_figures_that_are_none_are_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "embeddings.json").write_text(content)
    with pytest.raises(ConfigError, match="has no figures of the embeddings"):
        PAGE.write(tmp_path)


def test_the_page_in_the_documents_is_that_of_its_figures(repository: Path, tmp_path: Path) -> None:
    shutil.copyfile(RESULT, tmp_path / "embeddings.json")
    PAGE.write(tmp_path)
    for name in ("embeddings.md", "embeddings.svg"):
        assert (tmp_path / name).read_text(encoding="utf-8") == (repository / "docs" / name).read_text(
            encoding="utf-8"
        ), "run: python -m research.embeddings.page docs"
