import csv
import json

import numpy as np
import pytest

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.fusion import Fusion
from rasa_emotion.model_folder import write_manifest
from rasa_emotion.training import fusion

ROWS_PER_EMOTION = 30


def write_logits(file, noise, rng, **columns):
    """Logits whose true emotion stands out by 3 from Gaussian noise."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow([*columns, "emotion", *EMOTIONS])
        for index in range(ROWS_PER_EMOTION * len(EMOTIONS)):
            logits = noise * rng.standard_normal(len(EMOTIONS))
            logits[index % len(EMOTIONS)] += 3
            extra = [make(index) for make in columns.values()]
            writer.writerow([*extra, EMOTIONS[index % len(EMOTIONS)], *logits.round(4)])


@pytest.fixture
def models(tmp_path):
    rng = np.random.default_rng(0)
    voice, words = tmp_path / "acoustic", tmp_path / "text"
    write_logits(
        voice / "folds" / "out_of_fold.csv",
        2.0,
        rng,
        speaker=lambda i: f"s{i // 8 % 10}",
        fold=lambda i: 1 + i // 8 % 5,
    )
    write_logits(words / "heldout_logits.csv", 1.0, rng, id=str)
    (words / "LICENSE").write_text("free")
    for folder, kind in ((voice, "acoustic"), (words, "text")):
        (folder / "model.onnx").write_bytes(b"weights")
        write_manifest(
            folder, [], name="toy", kind=kind, licence="none", commercial=False, summary="A toy.", temperature=1.0
        )
    return tmp_path


def test_the_less_noisy_modality_gets_the_greater_weight_and_fusion_beats_both(models):
    report = fusion.fit(models)
    weights, figures = report["constants"]["weights"], report["figures"]
    assert weights["text"] > weights["acoustic"] > 0
    assert weights["text"] + weights["acoustic"] == pytest.approx(1, abs=1e-3)
    assert figures["fused, words agree"]["ua"] > figures["voice alone"]["ua"]
    assert figures["fused"]["ua"] > figures["words alone"]["ua"]
    assert report["conflict"]["flagged of the agreeing pairs"] <= fusion.MAX_FALSE_CONFLICTS


def test_parts_keep_a_fold_or_a_speaker_together(models):
    rng = np.random.default_rng(0)
    by_fold = fusion.read_heldout(models / "acoustic" / "folds" / "out_of_fold.csv", 1.0)
    folds = np.arange(len(by_fold.parts)) // 8 % 5
    assert len(set(zip(folds, by_fold.parts, strict=True))) == 5
    spoken = models / "spoken.csv"
    write_logits(spoken, 1.0, rng, path=str, fold=lambda index: "", speaker=lambda index: f"s{index % 7}")
    by_speaker = fusion.read_heldout(spoken, 1.0)
    assert len(set(zip(np.arange(len(by_speaker.parts)) % 7, by_speaker.parts, strict=True))) == 7


def test_no_part_is_fused_with_constants_fitted_on_it(models, monkeypatch):
    voice = fusion.read_heldout(models / "acoustic" / "folds" / "out_of_fold.csv", 1.0)
    words = fusion.read_heldout(models / "text" / "heldout_logits.csv", 1.0)
    pairs = fusion.pair(voice, words, neutral_share=0.0)
    seen = []
    monkeypatch.setattr(fusion, "fit_weights", lambda part: (seen.append(set(part.parts)), (np.ones(2) / 2, 1.0))[1])
    fusion.cross_validate(pairs, pairs)
    assert [set(range(fusion.PARTS)) - parts for parts in seen] == [{0}, {1}, {2}, {3}, {4}]


def test_pairs_never_cross_parts_and_share_the_label(models):
    voice = fusion.read_heldout(models / "acoustic" / "folds" / "out_of_fold.csv", 1.0)
    words = fusion.read_heldout(models / "text" / "heldout_logits.csv", 1.0)
    pairs = fusion.pair(voice, words, neutral_share=0.0)
    row_of = {tuple(row): index for index, row in enumerate(words.probabilities)}
    sentences = [row_of[tuple(row)] for row in pairs.probabilities[1]]
    assert (words.parts[sentences] == pairs.parts).all()
    assert (words.labels[sentences] == pairs.labels).all()


def test_the_command_writes_a_folder_that_loads(models, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["fusion", str(models), "--acoustic", "acoustic"])
    fusion.main()
    constants = json.loads(capsys.readouterr().out)["constants"]
    loaded = Fusion.load(models / "fusion")
    assert loaded.weights == constants["weights"]
    assert str(constants["conflict_confidence"]) in (models / "fusion" / "card.md").read_text()
