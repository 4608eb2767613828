"""The sentiment of a text model's answers against people's."""

from pathlib import Path

import pytest

from rasa_emotion.errors import ConfigError
from rasa_emotion.model_folder import shipped_models
from rasa_emotion.text import TextClassifier
from research.sentiment.measure import score_sentiment

ROWS = """dialogue\tutterance\tspeaker\ttext\tlabel\tsentiment
0\t0\tAnn\tThank you so much, I love it!\tjoy\tpositive
0\t1\tBen\tI hate you, you stupid idiot!\tanger\tnegative
0\t2\tAnn\t...\tneutral\tneutral
0\t3\tBen\tI am so sad.\tsadness\tpositive
"""


def test_the_shipped_model_is_scored(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "meld_dev.tsv").write_text(ROWS)
    (tmp_path / "text" / "dair_emotion_dev.tsv").write_text("text\tlabel\nhi\tjoy\n")
    classifier = TextClassifier.load(shipped_models() / "text")
    figures = score_sentiment(classifier, tmp_path, "meld_dev")
    assert figures["rows"] == 3  # dots alone are no words
    assert figures["accuracy"].startswith("0.667")
    assert figures["recall"]["positive"] == 0.5
    with pytest.raises(ConfigError, match="no column 'sentiment'"):
        score_sentiment(classifier, tmp_path, "dair_emotion_dev")
