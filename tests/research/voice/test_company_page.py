"""The page of the voice for companies."""

import json
from pathlib import Path

import numpy as np
import pytest

from rasa_emotion.acoustic.heads import HEADS
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.training.voice.features import Rows
from research.voice import company, company_trials, mixes, trunks
from research.voice.make.company import FREE, permitted

ANGRY, NEUTRAL = EMOTIONS.index("angry"), EMOTIONS.index("neutral")


def rows() -> Rows:
    """Ten sounds of each corpus and fold in both views; the first value is 1 for anger and -1 for neutral."""
    found = []
    for corpus in ("digits", "ravdess", "emogator", "prompts", "calls"):
        for fold in range(3):
            for number in range(10):
                for view in ("clean", "line"):
                    angry = corpus in {"ravdess", "emogator"} and number % 2
                    found.append((corpus, view, f"{corpus}-{fold}", f"{corpus}/{fold}/{number}", fold, angry))
    corpora, views, speakers, names, folds, angers = zip(*found, strict=True)
    told = np.where(np.array(angers), 1.0, -1.0)
    return Rows(
        statistics=np.stack([told, np.zeros(len(told))], axis=1).astype(np.float32),
        emotion=np.where(told > 0, ANGRY, NEUTRAL),
        corpus=np.array(corpora),
        view=np.array(views),
        speaker=np.array(speakers),
        name=np.array(names),
        fold=np.array(folds),
        augmented=np.zeros(len(told), bool),
    )


def folder(path: Path, sign: float) -> Path:
    """A model folder whose head answers after the first value: right with 1, wrong with -1."""
    weight = np.zeros((2, len(EMOTIONS)), np.float32)
    weight[0, ANGRY], weight[0, NEUTRAL] = 9 * sign, -9 * sign
    (path / "folds").mkdir(parents=True)
    np.savez(path / "folds" / HEADS, **{"held-out.weight": weight, "held-out.bias": np.zeros(8, np.float32)})
    (path / "model.json").write_text(json.dumps({"temperature": 1.0}))
    return path


def test_each_corpus_is_scored_where_nobody_heard_the_speaker(tmp_path: Path) -> None:
    asked = company.unheard(rows(), ["digits", "emogator"])
    assert set(asked.fold[asked.corpus == "digits"]) == {0}
    assert set(asked.fold[asked.corpus == "ravdess"]) == {0, 1, 2}
    assert "emogator" not in asked.corpus  # both heads learned from it
    wrong, right = (folder(tmp_path / name, sign) for name, sign in (("old", -1), ("new", 1)))
    found = {row["row"]: row for row in company.compare(*(company.said(path, asked) for path in (wrong, right)))}
    anger = found["recall of angry: RAVDESS, never heard"]
    assert (anger["before"][0], anger["after"][0], anger["n"], anger["speakers"]) == (0.0, 1.0, 30, 3)
    assert anger["p"] < 0.01
    assert found["bad: people reading digits, speakers unheard, mu-law"]["before"][0] == 1.0
    assert found["ordinary: public service calls, never heard, mu-law"]["after"][0] == 1.0


def test_the_voice_learns_from_what_is_permitted_alone() -> None:
    learned = permitted(rows())
    assert set(learned.corpus) == {"digits", "emogator", "prompts"} <= set(FREE)


def test_a_trial_is_a_row_of_the_table() -> None:
    joined = labelled(("emodb", "nemo", "urdu", "iesc", "test-nanotts", "test-piper"))
    recipe = company_trials.trials()["EmoGator alone"]
    line = company_trials.line("EmoGator alone", company_trials.linear(joined, recipe))
    assert line.startswith("| EmoGator alone |")
    assert line.endswith("| 1.000 | 1.000, 1.000 | 1.000 |")


def labelled(corpora: tuple[str, ...]) -> Rows:
    """The sounds above, of these corpora as well."""
    some = rows()
    acted = some.where(some.corpus == "ravdess")
    every = [some] + [Rows(**{**vars(acted), "corpus": np.full(len(acted), corpus)}) for corpus in corpora]
    return Rows(**{key: np.concatenate([vars(part)[key] for part in every]) for key in vars(some)})


def test_mixes_leave_each_corpus_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixes, "SHARES", {"emogator": 0.5})
    lines = mixes.table(labelled(("emodb", "nemo", "urdu", "iesc", "savee")))
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines[2:5]] == ["A", "A, prior -0.5", "A, prior -1"]
    assert lines[-2].startswith("| B alone |")
    assert lines[-2].endswith("| 1.000, 1.000, 1.000 |")


def test_a_trunk_whose_statistics_tell_the_emotion_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    some = rows()
    own = some.where((some.corpus == "ravdess") & (some.view == "clean"))
    assert trunks.linear_ua(own, 0.01) == 1.0
    keys = ("name", "corpus", "speaker", "emotion", "fold", "augmented")
    told = zip(own.name, own.corpus, own.speaker, [EMOTIONS[e] for e in own.emotion], own.fold, strict=True)
    lines = [",".join(keys), *(",".join([*map(str, row), "0"]) for row in told)]
    (tmp_path / "ravdess.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    np.save(tmp_path / "ravdess@clean.npy", own.statistics.astype(np.float16))
    trunks.main([str(tmp_path)])
    assert "ravdess: 1.000 of 30 clips" in capsys.readouterr().out
