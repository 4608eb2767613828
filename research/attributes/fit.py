"""Fits what a model says beyond the eight emotions, and writes it into the model's folder and card.

    python -m research.attributes.fit models/text --data ../shared/data
    python -m research.attributes.fit models/acoustic-emogator --data ../shared/data

Whatever the encoder is: the heads rest on its output `embedding` alone. Run it again whenever the encoder changes; a
folder without heads, or with those of another encoder, says nothing of its callers' confusion.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    log_loss,
    precision_recall_curve,
    precision_recall_fscore_support,
    roc_auc_score,
)
from sklearn.model_selection import StratifiedGroupKFold
from tqdm import tqdm

from rasa_emotion.acoustic import AcousticClassifier
from rasa_emotion.attributes import ATTRIBUTES_FILE, ENCODER_FILE
from rasa_emotion.audio import Waveform
from rasa_emotion.corpora.manifest import Clip, read_manifest
from rasa_emotion.corpora.splits import Split, speaker_split
from rasa_emotion.corpora.text import read_text_corpus
from rasa_emotion.errors import ConfigError, RasaEmotionError, TextError
from rasa_emotion.evaluation.metrics import bootstrap
from rasa_emotion.model_folder import MANIFEST, ModelFolder, read_model_folder, sha256, write_manifest
from rasa_emotion.text import TextClassifier
from rasa_emotion.training.acoustic.clips import Sounds, as_float, audible, clip_sounds
from rasa_emotion.training.attribute_card import with_attributes

ATTRIBUTE = "confused"
TEXT_LABEL, VOICE_LABEL = "confusion", "Confusion"
VOICE_CORPUS, SPEECH_CORPUS = "emogator", "ravdess"
KEPT_MODEL = "folds/held_out.onnx"
"""The encoder that has not heard the folder's `test_speakers`."""

HELD_OUT_SPEAKERS = 22
STRENGTHS = (0.001, 0.01, 0.1, 1.0)
FOLDS = 5
BINS = 15
SEED = 2026

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Examples:
    """Embeddings, shape [n, d], with whether each is confused, and what must not be split (a speaker), shape [n]."""

    embeddings: Floats
    positive: Bools
    groups: NDArray[np.str_]


@dataclass(frozen=True)
class Fit:
    """A calibrated head, and what was chosen with it by cross-validation."""

    weights: Floats
    bias: float
    regularisation: float
    threshold: float

    def probabilities(self, embeddings: Floats) -> Floats:
        return _sigmoid(embeddings @ self.weights + self.bias)


@dataclass(frozen=True)
class Task:
    """What a folder's head is fitted to and measured on.

    Args:
        train: examples whose head is measured.
        test: examples that it is measured on.
        ships: examples that the head which ships is fitted to.
        data, split: what the card says of them.
        speech: spoken sentences in which nobody is confused: what a head that learned from vocal bursts makes of them.
    """

    train: Examples
    test: Examples
    ships: Examples
    data: str
    split: str
    speech: Examples | None = None


def text_task(folder: Path, data: Path) -> Task:
    """GoEmotions' training part against its dev part."""
    classifier = TextClassifier.load(folder)
    train, test = (_read(classifier, data, f"goemotions_{part}") for part in ("train", "dev"))
    return Task(
        train,
        test,
        train,
        data=f"GoEmotions (Apache-2.0), the label confusion: {_share(train)} comments",
        split=f"trained on GoEmotions' training part, scored once on its dev part ({test.positive.sum()} confused)",
    )


def voice_task(model: ModelFolder, data: Path, cache: Path) -> Task:
    """EmoGator's category Confusion, by contributor.

    Raises:
        ConfigError: the encoder was trained on EmoGator, and none that has not heard some contributors was kept.
    """
    everything = read_manifest(data)
    clips = [clip for clip in everything if clip.corpus == VOICE_CORPUS]
    spoken = [clip for clip in everything if clip.corpus == SPEECH_CORPUS]
    split, kept = voice_split(model, clips)
    sounds = clip_sounds(clips, data, cache)
    measured = AcousticClassifier(model.file(kept), name=model.name)
    shipped = AcousticClassifier(model.file(ENCODER_FILE), name=model.name)
    everyone = _hear(shipped, clips, sounds)
    return Task(
        _hear(measured, split.train, sounds),
        _hear(measured, split.test, sounds),
        everyone,
        data=f"EmoGator (Apache-2.0), the category Confusion: {_share(everyone)} vocal bursts",
        split=f"{len({clip.speaker for clip in split.test})} of "
        f"{len(set(everyone.groups))} contributors held out from encoder and head and scored once; the head "
        "that ships was then fitted in the same way to all contributors and the encoder that ships",
        speech=_hear(shipped, spoken, clip_sounds(spoken, data, cache)) if spoken else None,
    )


def voice_split(model: ModelFolder, clips: Sequence[Clip]) -> tuple[Split, str]:
    """Clips to train on and to score, and the file of the encoder that knows no contributor of the latter.

    A trunk that kept its pretrained weights knows none, whatever its heads were trained on.
    """
    if VOICE_CORPUS not in model.settings.get("corpora", ()) or model.settings.get("frozen_trunk"):
        return speaker_split(clips, speakers=HELD_OUT_SPEAKERS, seed=SEED), ENCODER_FILE
    unheard = set(model.settings.get("test_speakers", ())) & {clip.speaker for clip in clips}
    if not unheard or not model.file(KEPT_MODEL).is_file():
        raise ConfigError(
            f"The encoder of '{model.path}' has heard all contributors of EmoGator, so its head could not be measured; "
            f"keep one that has not heard some of them as {KEPT_MODEL} and list them as test_speakers."
        )
    return Split(
        train=[clip for clip in clips if clip.speaker not in unheard],
        test=[clip for clip in clips if clip.speaker in unheard],
    ), KEPT_MODEL


def fit(examples: Examples) -> Fit:
    """A head with the strength of least log-loss in cross-validation, calibrated on the scores of that."""
    truth = examples.positive
    found = {strength: _cross_validated(examples, strength) for strength in STRENGTHS}
    best = min(STRENGTHS, key=lambda strength: log_loss(truth, _sigmoid(found[strength])))
    # J. Platt, "Probabilistic outputs for support vector machines", 1999
    platt = LogisticRegression(C=1e6).fit(found[best][:, None], truth)
    slope, offset = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    weights, bias = _logistic(examples.embeddings, truth, best)
    return Fit(
        weights=weights * slope,
        bias=bias * slope + offset,
        regularisation=best,
        threshold=best_threshold(truth, _sigmoid(found[best] * slope + offset)),
    )


def best_threshold(truth: Bools, probabilities: Floats) -> float:
    """The threshold with the highest F1, to two decimals."""
    precision, recall, thresholds = precision_recall_curve(truth, probabilities)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return round(float(thresholds[int(np.argmax(f1[:-1]))]), 2)


def measure(head: Fit, test: Examples) -> dict[str, Any]:
    """The figures of a head; the interval draws whole groups."""
    probabilities, truth = head.probabilities(test.embeddings), test.positive
    interval = bootstrap(
        lambda labels, rows: float(average_precision_score(labels, probabilities[rows])),
        truth.astype(np.int64),
        np.arange(len(truth)),
        groups=list(test.groups),
        samples=500,
    )
    precision, recall, f1, _ = precision_recall_fscore_support(
        truth, probabilities >= head.threshold, average="binary", zero_division=0
    )
    figures = {
        "share": truth.mean(),
        "average_precision": interval.value,
        "auc": roc_auc_score(truth, probabilities),
        "f1": f1,
        "precision": precision,
        "recall": recall,
        "ece": attribute_calibration_error(truth, probabilities),
    }
    rounded = {name: round(float(value), 4) for name, value in figures.items()}
    return {
        "rows": len(truth),
        **rounded,
        "average_precision_interval": [round(interval.low, 4), round(interval.high, 4)],
    }


def on_speech(head: Fit, speech: Examples) -> dict[str, float]:
    """How sure a head is of the confusion of people who are not confused."""
    found = head.probabilities(speech.embeddings)
    return {
        "rows": len(found),
        "mean": round(float(found.mean()), 4),
        "above": round(float((found >= head.threshold).mean()), 4),
    }


def attribute_calibration_error(truth: Bools, probabilities: Floats) -> float:
    """Expected calibration error of the probability of a yes, over `BINS` bins of equal width, 0 to 1."""
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    gaps = [abs(float((truth[bins == b] - probabilities[bins == b]).sum())) for b in range(BINS)]
    return sum(gaps) / len(truth)


def write(folder: Path, task: Task) -> dict[str, Any]:
    """Fit, measure, and write `attributes.json`, the card's section and the manifest; returns what the file says."""
    measured = fit(task.train)
    figures = measure(measured, task.test)
    ships = measured if task.ships is task.train else fit(task.ships)
    entry: dict[str, Any] = {
        "weights": [round(float(weight), 6) for weight in ships.weights],
        "bias": round(ships.bias, 6),
        "threshold": ships.threshold,
        "regularisation": ships.regularisation,
        "folds": FOLDS,
        "data": task.data,
        "split": task.split,
        "figures": figures,
    }
    if task.speech is not None:
        entry["speech"] = on_speech(ships, task.speech)
    content = {"encoder": sha256(folder / ENCODER_FILE), "attributes": {ATTRIBUTE: entry}}
    (folder / ATTRIBUTES_FILE).write_text(json.dumps(content) + "\n", encoding="utf-8")
    card = folder / "card.md"
    if card.is_file():
        card.write_text(with_attributes(card.read_text(encoding="utf-8"), folder), encoding="utf-8")
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    files = {*manifest.pop("files"), ATTRIBUTES_FILE}
    write_manifest(folder, files, **manifest)
    return entry


def _share(examples: Examples) -> str:
    return f"{int(examples.positive.sum()):,} of {len(examples.positive):,}"


def _read(classifier: TextClassifier, data: Path, name: str) -> Examples:
    embeddings, positive, groups = [], [], []
    for row in tqdm(read_text_corpus(data, name, as_emotions=False), desc=name, mininterval=2):
        try:
            embeddings.append(classifier.embed(row.text))
        except TextError:
            continue
        positive.append(TEXT_LABEL in row.target)
        groups.append(row.id)
    return Examples(np.stack(embeddings).astype(np.float64), np.array(positive), np.array(groups))


def _hear(classifier: AcousticClassifier, clips: Sequence[Clip], sounds: Sounds) -> Examples:
    heard = audible(clips, sounds)
    embeddings = [
        classifier.embed(Waveform(as_float(sounds[clip.path]))) for clip in tqdm(heard, desc="hear", mininterval=2)
    ]
    return Examples(
        np.stack(embeddings).astype(np.float64),
        np.array([clip.label == VOICE_LABEL for clip in heard]),
        np.array([clip.speaker for clip in heard]),
    )


def _cross_validated(examples: Examples, strength: float) -> Floats:
    """Logits, shape [n], each by a head that was fitted without its group."""
    logits = np.zeros(len(examples.positive))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED)
    for train, test in folds.split(examples.embeddings, examples.positive, examples.groups):
        weights, bias = _logistic(examples.embeddings[train], examples.positive[train], strength)
        logits[test] = examples.embeddings[test] @ weights + bias
    return logits


def _logistic(embeddings: Floats, positive: Bools, strength: float) -> tuple[Floats, float]:
    """Weights and bias for embeddings as they come; they are standardised for the fit alone."""
    mean, deviation = embeddings.mean(0), embeddings.std(0) + 1e-8
    fitted = LogisticRegression(C=strength, max_iter=1000).fit((embeddings - mean) / deviation, positive)
    weights: Floats = fitted.coef_[0] / deviation
    return weights, float(fitted.intercept_[0] - mean @ weights)


def _sigmoid(logits: Floats) -> Floats:
    probabilities: Floats = 0.5 * (1 + np.tanh(0.5 * logits))
    return probabilities


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="research.attributes.fit",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="the model's folder, of kind text or acoustic")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"), help="where decoded clips are kept")
    options = parser.parse_args(arguments)
    try:
        text = _kind(options.folder) == "text"
        model = read_model_folder(options.folder, "text" if text else "acoustic")
        task = text_task(model.path, options.data) if text else voice_task(model, options.data, options.cache)
        entry = write(model.path, task)
    except RasaEmotionError as error:
        sys.exit(str(error))
    print(json.dumps({name: value for name, value in entry.items() if name != "weights"}, indent=1))


def _kind(folder: Path) -> Any:
    if not (folder / ENCODER_FILE).is_file():
        raise ConfigError(
            f"'{folder}' has no {ENCODER_FILE}, on whose embedding a head rests; name a folder that has one."
        )
    try:
        return json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["kind"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"'{folder}' is no model folder ({error}); name one that holds {MANIFEST}.") from error


if __name__ == "__main__":
    main()
