"""Text corpora map on the eight emotions as the vocabulary says."""

from pathlib import Path

import pytest

from rasa_emotion.corpora.text import Turn, read_sentences, read_text_corpus, soft_target
from rasa_emotion.emotions import EMOTIONS, GOEMOTIONS
from rasa_emotion.errors import ConfigError

HERE = Path(__file__).parents[1] / "data"
TRAINED_ON = Path(__file__).parents[2] / "rasa_emotion" / "training" / "text" / "customer_sentences.csv"


def write(folder: Path, name: str, text: str) -> Path:
    (folder / "text").mkdir(exist_ok=True)
    (folder / "text" / f"{name}.tsv").write_text(text, encoding="utf-8")
    return folder


def test_goemotions_rows(tmp_path: Path) -> None:
    rows = 'text\tlabels\n[NAME] is great\tadmiration,joy\nOh?\tcuriosity\n"""Stop"", he said"\tanger,fear\n'
    found = read_text_corpus(write(tmp_path, "goemotions_train", rows), "goemotions_train")
    assert [dict(row.target) for row in found] == [{"happy": 1.0}, {"angry": 0.5, "fear": 0.5}]
    assert found[1].text == '"Stop", he said'
    assert found[1].id == "goemotions_train-2"
    assert "[NAME]" not in found[0].text


def test_own_labels_are_kept(tmp_path: Path) -> None:
    folder = write(tmp_path, "tweeteval_emotion_dev", "text\tlabel\nhope!\toptimism\n")
    assert read_text_corpus(folder, "tweeteval_emotion_dev", as_emotions=False)[0].target == {"optimism": 1.0}
    assert read_text_corpus(folder, "tweeteval_emotion_dev")[0].target == {"happy": 1.0}


def test_earlier_turns_are_those_of_the_same_dialogue(tmp_path: Path) -> None:
    lines = ["0\t0\tAnn\tHi\tneutral\tneutral", "0\t1\tBen\tNo!\tanger\tnegative", "1\t0\tAnn\tOh\tjoy\tpositive"]
    text = "dialogue\tutterance\tspeaker\ttext\tlabel\tsentiment\n" + "\n".join(lines) + "\n"
    rows = read_text_corpus(write(tmp_path, "meld_train", text), "meld_train")
    assert [row.earlier for row in rows] == [(), (Turn("Hi", "Ann"),), ()]
    assert [row.dialogue for row in rows] == ["meld_train-0", "meld_train-0", "meld_train-1"]
    assert rows[1].speaker == "Ben"


def test_chats_have_two_earlier_turns(tmp_path: Path) -> None:
    text = "turn1\tturn2\tturn3\tlabel\nwhere\there\tno\tangry\n"
    (row,) = read_text_corpus(write(tmp_path, "emocontext_train", text), "emocontext_train")
    assert row.text == "no"
    assert row.earlier == (Turn("where"), Turn("here"))


def test_soft_targets_sum_to_one() -> None:
    assert soft_target("anger,annoyance,sadness", GOEMOTIONS) == {"angry": 0.5, "sad": 0.5}
    assert soft_target("approval", GOEMOTIONS) == {}


@pytest.mark.parametrize("name", ["nothing_train", "meld_train"])
def test_missing_corpora_are_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        read_text_corpus(tmp_path, name)


def test_own_sentences_cover_all_emotions_and_stay_apart() -> None:
    trained, tested = read_sentences(TRAINED_ON), read_sentences(HERE / "customer_test_sentences.csv")
    for rows in (trained, tested):
        assert {label for row in rows for label in row.target} == set(EMOTIONS)
    assert len(trained) >= 200
    assert len(tested) >= 100
    assert not {row.text.lower() for row in trained} & {row.text.lower() for row in tested}


@pytest.mark.data
@pytest.mark.parametrize("name", ["goemotions_dev", "meld_dev", "tweeteval_emotion_dev", "dair_emotion_dev"])
def test_real_corpora_are_read(shared_data: Path, name: str) -> None:
    rows = read_text_corpus(shared_data, name)
    assert len(rows) > 300
    assert all(sum(row.target.values()) == pytest.approx(1) for row in rows)
