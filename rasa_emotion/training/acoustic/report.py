"""Figures, calibration and card of a model folder, from the models kept beside it.

python -m rasa_emotion.training.acoustic.report models/acoustic --data ../shared/data
"""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.acoustic import AcousticClassifier
from rasa_emotion.acoustic.classifier import OnnxNetwork
from rasa_emotion.acoustic.heads import HEADS, head_names, read_head
from rasa_emotion.audio import SAMPLE_RATE, Waveform
from rasa_emotion.corpora.manifest import Clip, read_manifest
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.evaluation.metrics import (
    accuracy,
    bootstrap,
    calibration_error,
    class_recall,
    fit_temperature,
    macro_f1,
    softmax,
    unweighted_accuracy,
)
from rasa_emotion.model_folder import MANIFEST, write_manifest
from rasa_emotion.training.acoustic.card import write_card
from rasa_emotion.training.acoustic.clips import audible, clip_sounds, noise_sounds
from rasa_emotion.training.acoustic.outoffold import (
    CLEAN,
    Heard,
    conditions,
    first_seconds,
    hear,
    write_csv,
)
from rasa_emotion.training.attribute_card import fresh_attributes

FOLDS = "folds"
CSV = "out_of_fold.csv"
UNSEEN = ("ravdess", "emodb", "iesc")
"""Corpora of unaltered speech: those that a model was not trained on test it across corpora."""

SHORT_SECS = (0.5, 1.0, 2.0)
FILES = ("model.onnx", "LICENSE", "card.md")


def report(folder: Path, data: Path, cache: Path) -> dict[str, Any]:
    """Measure a model folder, fit its temperature, write `out_of_fold.csv`, the card and the manifest anew."""
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    clips = [clip for clip in read_manifest(data) if clip.emotion is not None]
    held_out = [clip for clip in clips if clip.corpus == manifest["scored"]]
    if manifest["test_speakers"]:
        held_out = [clip for clip in held_out if clip.speaker in manifest["test_speakers"]]
    sounds = clip_sounds(held_out, data, cache)
    held_out = audible(held_out, sounds)
    models = kept_models(folder, held_out)
    noises = noise_sounds(data, cache, held_out=True)
    heard = {name: hear(models, held_out, sounds, how) for name, how in conditions(noises).items()}
    write_csv(folder / FOLDS / CSV, heard)
    short = {f"first {secs:g} s": hear(models, held_out, sounds, first_seconds(secs)) for secs in SHORT_SECS}
    clean = heard[CLEAN]
    parts = [clip.fold if clip.fold is not None else clip.speaker for clip in held_out]
    if "calibrated_on" not in manifest:  # else it was fitted to more than this corpus
        manifest["temperature"] = fit_temperature(clean.truth, clean.logits)
    manifest["figures"] = {
        **clean_figures(clean, parts),
        **without_speakers(clean, manifest.get("inner_speakers", [])),
        "ua_by_condition": {name: _ua(part) for name, part in {**heard, **short}.items() if name != CLEAN},
        "other_corpora": other_corpora(folder, manifest, clips, data, cache),
        "latency_ms": latency_ms(folder),
    }
    write_card(folder, manifest)
    manifest.pop("files", None)
    own = [HEADS] if (folder / HEADS).is_file() else []
    write_manifest(folder, (*FILES, *own, *fresh_attributes(folder)), **manifest)
    return manifest


def kept_models(folder: Path, clips: Sequence[Clip]) -> dict[str, AcousticClassifier]:
    """For each speaker a model that was not trained on him or her: the shipped trunk with the head of a fold."""
    network = OnnxNetwork(folder / "model.onnx")
    file = folder / FOLDS / HEADS
    runs = head_names(file)
    heads = {run: AcousticClassifier(read_head(file, run, network), name=folder.name) for run in runs}
    if len(runs) == 1:
        return {clip.speaker: heads[runs[0]] for clip in clips}
    return {clip.speaker: heads[f"fold{clip.fold}"] for clip in clips if clip.fold is not None}


def clean_figures(heard: Heard, parts: Sequence[Any]) -> dict[str, Any]:
    """The figures of undisturbed clips; the calibration error is of parts that the temperature has not seen."""
    truth, predicted = heard.truth, heard.logits.argmax(axis=1)
    interval = bootstrap(unweighted_accuracy, truth, predicted, groups=heard.speakers)
    recalls = class_recall(truth, predicted, len(EMOTIONS))
    by_fold = {
        str(fold): round(unweighted_accuracy(truth[rows], predicted[rows]), 4)
        for fold in sorted({clip.fold for clip in heard.clips if clip.fold is not None})
        for rows in [np.array([clip.fold == fold for clip in heard.clips])]
    }
    mean = float(np.mean(list(by_fold.values()))) if by_fold else interval.value
    return {
        "clips": len(truth),
        "speakers": len(set(heard.speakers)),
        "ua": round(mean, 4),
        "ua_interval": [round(interval.low, 4), round(interval.high, 4)],
        "ua_by_fold": by_fold,
        "accuracy": round(accuracy(truth, predicted), 4),
        "macro_f1": round(macro_f1(truth, predicted), 4),
        "recall": {e: round(float(r), 4) for e, r in zip(EMOTIONS, recalls, strict=True) if not np.isnan(r)},
        "ece": round(calibration_error(truth, cross_calibrated(heard, parts)), 4),
        "ece_uncalibrated": round(calibration_error(truth, softmax(heard.logits)), 4),
    }


def without_speakers(heard: Heard, speakers: Sequence[str]) -> dict[str, float]:
    """UA over the speakers that no setting was chosen on; nothing where all are such."""
    if not speakers:
        return {}
    rows = ~np.isin(heard.speakers, speakers)
    ua = unweighted_accuracy(heard.truth[rows], heard.logits[rows].argmax(axis=1))
    return {"ua_without_inner_speakers": round(ua, 4)}


def cross_calibrated(heard: Heard, parts: Sequence[Any]) -> NDArray[np.float64]:
    """Probabilities with the temperature of the other parts."""
    probabilities = np.zeros_like(heard.logits)
    labels = np.array([str(part) for part in parts])
    for label in np.unique(labels):
        rows = labels == label
        temperature = fit_temperature(heard.truth[~rows], heard.logits[~rows])
        probabilities[rows] = softmax(heard.logits[rows], temperature)
    return probabilities


def other_corpora(
    folder: Path, manifest: Mapping[str, Any], clips: Sequence[Clip], data: Path, cache: Path
) -> dict[str, Any]:
    """UA of the shipped model on corpora that it was not trained on (never on augmented copies)."""
    model = AcousticClassifier(folder / "model.onnx", name=folder.name)
    found = {}
    for name in UNSEEN:
        unseen = [clip for clip in clips if clip.corpus == name]
        if name in manifest["corpora"] or not unseen:
            continue
        sounds = clip_sounds(unseen, data, cache)
        unseen = audible(unseen, sounds)
        models = {clip.speaker: model for clip in unseen}
        heard = hear(models, unseen, sounds, lambda waveform, _: waveform)
        write_csv(folder / FOLDS / f"{name}.csv", {CLEAN: heard})
        present = np.unique(heard.truth)
        among = present[heard.logits[:, present].argmax(axis=1)]
        found[name] = {
            "clips": len(unseen),
            "emotions": [EMOTIONS[i] for i in present],
            "ua": _ua(heard),
            "ua_among_its_emotions": round(unweighted_accuracy(heard.truth, among), 4),
        }
    return found


def latency_ms(folder: Path) -> dict[str, float]:
    """`cpu_time_ms` of a folder's model."""
    return cpu_time_ms(AcousticClassifier(folder / "model.onnx", name=folder.name))


def cpu_time_ms(model: AcousticClassifier, secs: float = 3.0, runs: int = 200) -> dict[str, float]:
    """Median and 95th percentile of the CPU time of the logits of `secs` of noise, on one thread, trimming included.

    CPU time, because a machine that is busy with other things would say more about these.
    """
    samples = np.random.default_rng(0).normal(0, 0.1, int(secs * SAMPLE_RATE)).astype(np.float32)
    times = []
    for _ in range(runs):
        start = time.process_time()
        model.logits(Waveform(samples))
        times.append(1000 * (time.process_time() - start))
    return {"p50": round(float(np.median(times)), 2), "p95": round(float(np.percentile(times, 95)), 2)}


def _ua(heard: Heard) -> float:
    return round(unweighted_accuracy(heard.truth, heard.logits.argmax(axis=1)), 4)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure a model folder again and write its card.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    options = parser.parse_args(arguments)
    manifest = report(options.folder, options.data, options.cache)
    print(json.dumps(manifest["figures"], indent=1))


if __name__ == "__main__":
    main()
