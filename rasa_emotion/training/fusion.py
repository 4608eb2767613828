"""Fits the fusion's constants on evidence from clips and sentences that neither model was trained on.

The corpora have voices with fixed sentences or sentences without a voice, so clips and sentences of the same label are
paired; in a quarter of the pairs the words are neutral whatever the voice says, as in real calls. Speakers and
sentences are dealt into five parts, and every figure comes from a part that the constants were not fitted on.

    python -m rasa_emotion.training.fusion models
    python -m rasa_emotion.training.fusion models --acoustic acoustic-emogator
"""

import argparse
import csv
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from rasa_emotion.emotions import EMOTIONS, NEGATIVE, POSITIVE
from rasa_emotion.evaluation.metrics import (
    accuracy,
    bootstrap,
    calibration_error,
    macro_f1,
    softmax,
    unweighted_accuracy,
)
from rasa_emotion.fusion.product import FUSION_FILE, fusion_for, pool
from rasa_emotion.model_folder import MANIFEST, sha256, write_manifest

SEED = 20_26
PARTS = 5
PAIRS_PER_CLIP = 4
NEUTRAL_SHARE = 0.25
MAX_FALSE_CONFLICTS = 0.05
THRESHOLDS = np.round(np.arange(0.15, 0.96, 0.05), 2)


@dataclass(frozen=True)
class Voices:
    """Whose clips the constants of an acoustic model are fitted on: a file of its folds, and what the card says."""

    file: str
    description: str


VOICES = {
    "acoustic": Voices("out_of_fold.csv", "RAVDESS, CC BY-NC-SA 4.0, by the five fold models"),
    # Its own corpus has no sentences: on it, a voice would seem to be worth far more than it is in a call.
    "acoustic-emogator": Voices("ravdess.csv", "RAVDESS, CC BY-NC-SA 4.0, of which the model knows nothing"),
}

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Heldout:
    """Calibrated probabilities, shape [items, 8], with true labels, parts and speakers, shape [items]."""

    probabilities: Floats
    labels: Ints
    parts: Ints
    speakers: NDArray[np.str_]


@dataclass(frozen=True)
class Pairs:
    """Both modalities' probabilities, shape [2, pairs, 8], with the voice's label, part and speaker of each pair."""

    probabilities: Floats
    labels: Ints
    parts: Ints
    speakers: NDArray[np.str_]

    def where(self, mask: NDArray[np.bool_]) -> "Pairs":
        return Pairs(self.probabilities[:, mask], self.labels[mask], self.parts[mask], self.speakers[mask])


def read_heldout(path: Path, temperature: float) -> Heldout:
    """Logits written by the models' own recipes, dealt into parts by fold, else by speaker, else row by row."""
    with path.open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if _may_be_fitted_on(row)]
    logits = np.array([[float(row[emotion]) for emotion in EMOTIONS] for row in rows])
    labels = np.array([EMOTIONS.index(row["emotion"]) for row in rows])
    groups = [row.get("fold") or row.get("speaker") or row["id"] for row in rows]
    dealt = np.random.default_rng(SEED).permutation(len(set(groups))) % PARTS
    parts = dealt[np.unique(groups, return_inverse=True)[1]]
    speakers = np.array([row.get("speaker") or row["id"] for row in rows])
    return Heldout(softmax(logits, temperature), labels, parts, speakers)


def pair(acoustic: Heldout, text: Heldout, *, neutral_share: float, words: Mapping[str, str] | None = None) -> Pairs:
    """Pair each clip with sentences of its own part.

    Args:
        neutral_share: share of the pairs whose words are neutral whatever the voice says.
        words: which emotion the words of each voice's emotion have; the same one by default.
    """
    rng = np.random.default_rng(SEED)
    clips, sentences = [], []
    for clip, (label, part) in enumerate(zip(acoustic.labels, acoustic.parts, strict=True)):
        for _ in range(PAIRS_PER_CLIP):
            emotion = EMOTIONS[label] if words is None else words[EMOTIONS[label]]
            wanted = EMOTIONS.index("neutral" if rng.random() < neutral_share else emotion)
            candidates = np.flatnonzero((text.labels == wanted) & (text.parts == part))
            if len(candidates):
                clips.append(clip)
                sentences.append(rng.choice(candidates))
    both = np.stack([acoustic.probabilities[clips], text.probabilities[sentences]])
    return Pairs(both, acoustic.labels[clips], acoustic.parts[clips], acoustic.speakers[clips])


def fit_weights(pairs: Pairs) -> tuple[Floats, float]:
    """Weights (summing to 1) and temperature that minimise the class-balanced negative log-likelihood."""
    counts = np.bincount(pairs.labels, minlength=len(EMOTIONS))
    balance = 1 / counts[pairs.labels]

    def loss(free: Floats) -> float:
        weights, temperature = unpack(free)
        fused = pool(pairs.probabilities, weights / temperature)
        likelihood = fused[np.arange(len(pairs.labels)), pairs.labels]
        return float(-(balance * np.log(np.maximum(likelihood, 1e-12))).sum() / balance.sum())

    def unpack(free: Floats) -> tuple[Floats, float]:
        weight = 1 / (1 + np.exp(-free[0]))
        return np.array([weight, 1 - weight]), float(np.exp(free[1]))

    best = minimize(loss, np.zeros(2), method="Nelder-Mead")
    return unpack(best.x)


def cross_validate(pairs: Pairs, tested: Pairs) -> Floats:
    """Fused probabilities of `tested`, each part fused with constants fitted on the other parts of `pairs`."""
    fused = np.zeros(tested.probabilities.shape[1:])
    for part in range(PARTS):
        weights, temperature = fit_weights(pairs.where(pairs.parts != part))
        mask = tested.parts == part
        fused[mask] = pool(tested.probabilities[:, mask], weights / temperature)
    return fused


def conflicting(pairs: Pairs, threshold: float) -> NDArray[np.bool_]:
    """Which pairs `Fusion.in_conflict` flags at a threshold."""
    sign = np.array([(emotion in POSITIVE) * 1 - (emotion in NEGATIVE) * 1 for emotion in EMOTIONS])
    signs = sign[pairs.probabilities.argmax(axis=2)]
    sure = (pairs.probabilities.max(axis=2) >= threshold).all(axis=0)
    flags: NDArray[np.bool_] = sure & (signs.prod(axis=0) < 0)
    return flags


def conflict_confidence(agreeing: Pairs) -> float:
    """The lowest threshold that flags at most `MAX_FALSE_CONFLICTS` of the agreeing pairs."""
    for threshold in THRESHOLDS:
        if conflicting(agreeing, threshold).mean() <= MAX_FALSE_CONFLICTS:
            return float(threshold)
    return 1.0


def min_confidence(probabilities: Floats, labels: Ints) -> float:
    """The lowest threshold from which on answers of about that confidence are right at least one time in three."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    for threshold in THRESHOLDS:
        near = (confidence >= threshold) & (confidence < threshold + 0.1)
        if near.any() and right[near].mean() >= 1 / 3:
            return float(threshold)
    return float(THRESHOLDS[-1])


def figures(probabilities: Floats, pairs: Pairs) -> dict[str, Any]:
    """What the card says of these probabilities of the pairs; the interval draws whole speakers."""
    predicted = probabilities.argmax(axis=1)
    return {
        "ua": str(bootstrap(unweighted_accuracy, pairs.labels, predicted, groups=list(pairs.speakers))),
        "accuracy": accuracy(pairs.labels, predicted),
        "macro_f1": macro_f1(pairs.labels, predicted),
        "ece": calibration_error(pairs.labels, probabilities),
    }


def fit(models: Path, acoustic_name: str = "acoustic") -> dict[str, Any]:
    """Everything that the card and `fusion.json` say."""
    voices = models / acoustic_name / "folds" / VOICES[acoustic_name].file
    sentences = models / "text" / "heldout_logits.csv"
    acoustic = read_heldout(voices, _temperature(models / acoustic_name))
    text = read_heldout(sentences, _temperature(models / "text"))
    pairs = pair(acoustic, text, neutral_share=NEUTRAL_SHARE)
    agreeing = pair(acoustic, text, neutral_share=0.0)
    opposed = pair(acoustic, text, neutral_share=0.0, words=dict.fromkeys(EMOTIONS, "happy"))
    opposed = opposed.where(np.isin(opposed.labels, [EMOTIONS.index(emotion) for emotion in ("angry", "disgust")]))
    weights, temperature = fit_weights(pairs)
    fused = cross_validate(pairs, pairs)
    threshold = conflict_confidence(agreeing)
    return {
        "acoustic": acoustic_name,
        "checksums": {name: sha256(models / name / "model.onnx") for name in (acoustic_name, "text")},
        "clips": len(acoustic.labels),
        "constants": {
            "weights": {"acoustic": round(float(weights[0]), 4), "text": round(float(weights[1]), 4)},
            "temperature": round(temperature, 4),
            "min_confidence": min_confidence(
                np.concatenate([fused, acoustic.probabilities]), np.concatenate([pairs.labels, acoustic.labels])
            ),
            "conflict_confidence": threshold,
        },
        "pairs": len(pairs.labels),
        "figures": {
            "voice alone": figures(pairs.probabilities[0], pairs),
            "words alone": figures(pairs.probabilities[1], pairs),
            "fused": figures(fused, pairs),
            "fused, words agree": figures(cross_validate(pairs, agreeing), agreeing),
        },
        "conflict": {
            "flagged of the agreeing pairs": float(conflicting(agreeing, threshold).mean()),
            "flagged of angry or disgusted voice with happy words": float(conflicting(opposed, threshold).mean()),
        },
    }


def _may_be_fitted_on(row: Mapping[str, str]) -> bool:
    """Neither degraded copies of the clips nor sentences that stay a test set."""
    return row.get("condition", "clean") == "clean" and row.get("part") != "customer_test"


def _temperature(folder: Path) -> float:
    return float(json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["temperature"])


def card(report: dict[str, Any]) -> str:
    """The model card in Markdown, made from the figures alone."""
    constants, conflict = report["constants"], report["conflict"]
    voice, words = constants["weights"]["acoustic"], constants["weights"]["text"]
    unsure, sure = constants["min_confidence"], constants["conflict_confidence"]
    agreeing, ironic = (f"{share:.1%}" for share in conflict.values())
    checksums = "\n".join(f"| {name} | `{digest}` |" for name, digest in report["checksums"].items())
    voices = VOICES[report["acoustic"]].description
    rows = "\n".join(
        f"| {name} | {row['ua']} | {row['accuracy']:.3f} | {row['macro_f1']:.3f} | {row['ece']:.3f} |"
        for name, row in report["figures"].items()
    )
    return f"""# Fusion of voice and words

A weighted product of both models' probabilities: weight {voice} for the voice and {words} for the
words, multiplied by the reliability of each, temperature {constants["temperature"]}.

Regenerate the constants and this card with

    python -m rasa_emotion.training.fusion models --acoustic {report["acoustic"]}

They belong to these models (SHA-256 of `model.onnx`):

| model | checksum |
|---|---|
{checksums}

## Data and split

{report["pairs"]} pairs made of {report["clips"]} clips, each heard by a model that was not trained on its speaker
({voices}), with sentences that the text model was not trained on (GoEmotions dev,
Apache-2.0). No corpus here has both a voice and free words, so the pairs share a label rather than a speaker; in a
quarter of them the words are neutral whatever the voice says. Speakers and sentences are dealt into {PARTS} parts;
"fused" is the pooled result of the parts, each fused with constants fitted on the others. The intervals are bootstraps
over speakers.

| evidence | UA (95 % interval) | accuracy | macro-F1 | ECE (15 bins) |
|---|---|---|---|---|
{rows}

Label-paired words are easier than real ones: in a real call many emotions are carried by the voice alone or by
neither. Read the rows as a comparison between kinds of evidence, not as the accuracy to expect on calls.

## Unknown

Below a confidence of {unsure} the estimate is `unknown`: it is the lowest step from which on answers of about that
confidence were right at least one time in three. It was read off the pairs themselves.

## Conflict

Voice and words are in conflict when both are at least {sure} sure and their emotions have opposite valence.
That threshold is the lowest that flags at most {MAX_FALSE_CONFLICTS:.0%} of the pairs that agree: it flags
{agreeing} of those, on which it was chosen, and {ironic} of angry or disgusted voices with happy words.

## Licence

Apache-2.0: five numbers that were measured, no weights and nothing of any recording. They
fit the two models named above; fit them again for others.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, help="folder that holds the models and receives the fusion's")
    parser.add_argument("--acoustic", default="acoustic", choices=list(VOICES), help="acoustic model to fit for")
    options = parser.parse_args()
    report = fit(options.models, options.acoustic)
    folder = options.models / fusion_for(options.acoustic)
    folder.mkdir(exist_ok=True)
    (folder / FUSION_FILE).write_text(json.dumps(report["constants"], indent=2) + "\n", encoding="utf-8")
    (folder / "card.md").write_text(card(report), encoding="utf-8")
    shutil.copyfile(options.models / "text" / "LICENSE", folder / "LICENSE")
    write_manifest(
        folder,
        [FUSION_FILE],
        name=folder.name,
        kind="fusion",
        licence="Apache-2.0",
        commercial=True,
        summary=f"Weighted product of voice ({options.acoustic}) and words, fitted on held-out evidence.",
    )
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
