"""A voice of a company's own calls: new heads on the embedding of a voice that ships, from a few hundred turns.

What `rasa-emotion train voice` does. Only heads are fitted, so one CPU core takes minutes. Every turn is scored by a
head that was not trained on its speaker, beside what the voice beneath says of it.
"""

import hashlib
import logging
import shlex
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rasa_emotion.acoustic import AcousticClassifier
from rasa_emotion.acoustic.classifier import MODEL, OnnxNetwork
from rasa_emotion.acoustic.heads import HEADS, head_names, read_head
from rasa_emotion.corpora.clip import Clip
from rasa_emotion.corpora.manifest import MANIFEST, missing_files
from rasa_emotion.corpora.manifest import read_rows as read_manifest_rows
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError
from rasa_emotion.evaluation.metrics import resamples, unweighted_accuracy
from rasa_emotion.model_folder import OWN, ModelFolder, read_model_folder, write_manifest
from rasa_emotion.training.acoustic.card import write_card
from rasa_emotion.training.acoustic.clips import audible, clip_sounds, noise_sounds
from rasa_emotion.training.acoustic.folder import LICENCES, licence_of, measure
from rasa_emotion.training.acoustic.outoffold import CLEAN, conditions, hear
from rasa_emotion.training.acoustic.report import cpu_time_ms
from rasa_emotion.training.claim import claim
from rasa_emotion.training.voice.features import Rows, by_network, read_rows, write_features
from rasa_emotion.training.voice.heads import Fitted, Head, HeadRecipe, fit_head, on_embedding
from rasa_emotion.training.voice.material import FOLDS, Sound, deal
from rasa_emotion.training.voice.views import write_views

logger = logging.getLogger(__name__)

CORPUS = "own"
"""Under which all recordings are heard: what they are called decides nothing."""

FEWEST = 5
"""Turns of an emotion below which nothing is learned of it; the log says so."""

BEGUN = HeadRecipe(epochs=20, batch=64, lr=3e-4, mixup=0.0)
"""Of heads that begin as those of the voice beneath."""

NEW = HeadRecipe(epochs=30, batch=64, lr=1e-3, seeds=(1, 2, 3))
"""Of heads that begin with random weights, where the folder keeps none to begin with."""

SAMPLES = 1000
CARRIED = ("longest_secs", "window_secs", "hop_secs")
"""Of the voice beneath: how it hears long turns."""


@dataclass(frozen=True)
class Order:
    """What is asked for.

    Args:
        data: the manifest, or the folder whose `speech.csv` it is.
        out: the model folder to write.
        base: folder of the voice whose embedding is used.
        corpora: of the manifest; all where none is named.
        cache: decoded recordings.
    """

    data: Path
    out: Path
    base: Path
    corpora: Sequence[str] = ()
    cache: Path = Path("runs/cache")


@dataclass(frozen=True)
class Recordings:
    """The labelled turns.

    Args:
        folder: that their paths are relative to.
        clips: with an emotion each.
        folds: of each speaker who is scored.
    """

    folder: Path
    clips: Sequence[Clip]
    folds: Mapping[str, int]

    @property
    def scored(self) -> list[Clip]:
        """All but altered copies."""
        return [clip for clip in self.clips if not clip.augmented]


def train_own(order: Order) -> dict[str, Any]:
    """Fit, score and describe a voice; the same order again goes on where it was interrupted.

    Returns:
        The manifest with its figures.

    Raises:
        ConfigError: the recordings or the folder cannot be used.
        ModelError: the voice beneath cannot be used.
    """
    base = read_model_folder(order.base, "acoustic")
    if base.settings.get("backend", "onnx") != "onnx" or base.settings.get("head"):
        raise ConfigError(f"'{order.base}' has no embedding of its own in ONNX: name a voice that ships with --base.")
    recordings = read_recordings(order)
    run = claim(order.out, _request(base, recordings.clips))
    rows = _rows(order, recordings, run)
    start = _start(base.path)
    recipe = NEW if start is None else BEGUN
    used = sorted(set(recordings.folds.values()))
    heads = {f"fold{fold + 1}": fit_head(rows.where(rows.fold != fold), recipe, start) for fold in used}
    heads["own"] = fit_head(rows, recipe, start)
    shutil.copyfile(base.file(MODEL), order.out / MODEL)
    np.savez(order.out / HEADS, **_flat(heads))
    return _describe(order, base, recordings)


def _rows(order: Order, recordings: Recordings, run: Path) -> Rows:
    """The embedding of every view of every turn."""
    own = [replace(clip, corpus=CORPUS, path=str(recordings.folder / clip.path)) for clip in recordings.clips]
    sounds = [Sound(clip, recordings.folds.get(clip.speaker, FOLDS)) for clip in own]
    write_views(sounds, noise_sounds(recordings.folder, order.cache), run / "views")
    network = OnnxNetwork(order.base / MODEL, threads=torch.get_num_threads())
    write_features(run / "views", by_network(network), run / "features")
    return read_rows(run / "features")


def read_recordings(order: Order) -> Recordings:
    """The turns of a manifest that have an emotion.

    Raises:
        ConfigError: there are none, of one emotion or of one speaker alone, or their files are missing.
    """
    file = order.data / MANIFEST if order.data.is_dir() else order.data
    folder = file.parent
    clips = [clip for clip in read_manifest_rows(folder, file.name) if clip.emotion is not None]
    if order.corpora:
        unknown = sorted(set(order.corpora) - {clip.corpus for clip in clips})
        if unknown:
            raise ConfigError(f"'{file}' has no labelled corpus {', '.join(unknown)}: name one that it has.")
        clips = [clip for clip in clips if clip.corpus in order.corpora]
    missing = missing_files(clips, folder)
    if missing:
        raise ConfigError(f"{len(missing)} files of '{file}' are missing ({missing[0]}): put them back.")
    counts = Counter(str(clip.emotion) for clip in clips)
    if len(counts) < 2:
        raise ConfigError(f"'{file}' labels {len(counts)} emotions: label turns of two or more.")
    if len({clip.speaker for clip in clips if not clip.augmented}) < 2:
        raise ConfigError(
            f"'{file}' has one speaker: a voice can be scored only on speakers that it was not trained on."
        )
    for emotion, count in sorted(counts.items()):
        if count < FEWEST:
            logger.warning("Only %d turns are labelled '%s': hardly anything can be learned of it.", count, emotion)
    alike = [replace(clip, corpus=CORPUS) for clip in clips if not clip.augmented]
    return Recordings(folder, clips, deal(alike))


def _request(base: ModelFolder, clips: Sequence[Clip]) -> dict[str, Any]:
    listed = "\n".join(f"{clip.path},{clip.speaker},{clip.emotion}" for clip in clips)
    return {
        "recipe": "voice",
        "base": base.checksum,
        "recordings": hashlib.sha256(listed.encode()).hexdigest(),
    }


def _start(base: Path) -> Head | None:
    """The head of the voice beneath, where its folder keeps one."""
    file = base / HEADS
    if "shipped" not in (head_names(file) if file.is_file() else []):
        return None
    kept = read_head(file, "shipped", OnnxNetwork(base / MODEL)).head
    head = Head(*kept["hidden.weight"].shape)
    weights = {
        "skip.weight": kept["weight"].T,
        "skip.bias": kept["bias"],
        "hidden.weight": kept["hidden.weight"].T,
        "hidden.bias": kept["hidden.bias"],
        "out.weight": kept["out.weight"].T,
        "out.bias": np.zeros(len(EMOTIONS), np.float32),
    }
    head.load_state_dict({name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in weights.items()})
    return head


def _flat(heads: Mapping[str, Fitted]) -> dict[str, NDArray[np.float32]]:
    return {f"{name}.{part}": value for name, head in heads.items() for part, value in on_embedding(head).items()}


def _describe(order: Order, base: ModelFolder, recordings: Recordings) -> dict[str, Any]:
    """Licence, manifest, figures and card; what is measured is the folder as people load it."""
    out, corpora = order.out, sorted({clip.corpus for clip in recordings.clips})
    terms = (LICENCES / f"{OWN}.txt").read_text(encoding="utf-8")
    beneath = base.file("LICENSE").read_text(encoding="utf-8")
    (out / "LICENSE").write_text(f"{terms}\n\nOf the voice beneath, '{base.name}':\n\n{beneath}", encoding="utf-8")
    (out / "card.md").touch()
    manifest = _manifest(order, base, recordings, corpora)
    files = [MODEL, HEADS, "LICENSE", "card.md"]
    write_manifest(out, files, **manifest)
    models = _of_folds(out, manifest, recordings)
    temperature, figures = measure(models, recordings.scored, data=recordings.folder, cache=order.cache)
    manifest["temperature"] = temperature
    manifest["figures"] = {
        **figures,
        "beneath": compare(base, models, recordings, order.cache),
        "latency_ms": cpu_time_ms(AcousticClassifier.load(out), runs=20),
    }
    manifest["split"] += _beneath(manifest["figures"]["beneath"])
    write_card(out, manifest)
    write_manifest(out, files, **manifest)
    return manifest


def _manifest(order: Order, base: ModelFolder, recordings: Recordings, corpora: Sequence[str]) -> dict[str, Any]:
    present = {clip.emotion for clip in recordings.clips}
    lacking = [emotion for emotion in EMOTIONS if emotion not in present]
    licence, commercial = licence_of([*base.settings.get("corpora", ()), *corpora])
    if commercial and not base.commercial:
        licence, commercial = base.licence, False
    return {
        "name": order.out.resolve().name,
        "kind": "acoustic",
        "licence": licence,
        "commercial": commercial,
        "summary": "Hears one of eight emotions in a voice. Its heads were trained on recordings of your own "
        f"({len(recordings.clips):,} turns), its trunk is that of '{base.name}'.",
        "labels": list(EMOTIONS),
        "temperature": 1.0,
        "sample_rate": 16_000,
        "parameters": base.settings.get("parameters", 0),
        "corpora": list(dict.fromkeys([*base.settings.get("corpora", ()), *corpora])),
        "test_speakers": [],
        "split": _split(recordings),
        "data_note": f"The trunk is that of '{base.name}' ({base.licence}). Trained on now: {', '.join(corpora)}.",
        "commands": "    " + shlex.join(_command(order)),
        "inside": f"{base.settings.get('inside', base.name)}. The heads are of this training",
        "head": "own",
        **({"cannot_hear": "emotions that its recordings lack: " + ", ".join(lacking)} if lacking else {}),
        **{key: base.settings[key] for key in CARRIED if key in base.settings},
    }


def _of_folds(out: Path, manifest: Mapping[str, Any], recordings: Recordings) -> dict[str, AcousticClassifier]:
    """For each speaker the voice with a head that was not trained on him or her."""
    network = OnnxNetwork(out / MODEL)
    return {
        speaker: AcousticClassifier(
            read_head(out / HEADS, f"fold{fold + 1}", network), name=out.name, settings=manifest
        )
        for speaker, fold in recordings.folds.items()
    }


def _split(recordings: Recordings) -> str:
    parts = len(set(recordings.folds.values()))
    return (
        f"Speaker-disjoint: {len(recordings.folds)} speakers in {parts} parts, each scored by heads that were trained "
        f"on the other parts ({len(recordings.scored):,} turns). The voice that ships was then trained on all of them. "
        "The temperature was fitted on the scored turns; the calibration error uses temperatures of the other speakers."
    )


def _beneath(found: Mapping[str, Any]) -> str:
    return (
        f" Choosing among the emotions that the turns have, its UA is {found['ua_among_own']:.3f}, that of "
        f"'{found['name']}' {found['ua_among']:.3f} (p {found['p']:.3f}, bootstrap over speakers)."
    )


def _command(order: Order) -> list[str]:
    corpora = [part for name in order.corpora for part in ("--corpus", name)]
    places = ["--data", str(order.data), "--base", order.base.name, *corpora, "--out", str(order.out)]
    return ["rasa-emotion", "train", "voice", *places]


def compare(
    base: ModelFolder, models: Mapping[str, AcousticClassifier], recordings: Recordings, cache: Path
) -> dict[str, Any]:
    """UA of the voice beneath and of the new one on the same turns, choosing among the emotions that they have.

    `p` is two-sided, of a bootstrap over speakers.
    """
    sounds = clip_sounds(recordings.scored, recordings.folder, cache)
    clips = audible(recordings.scored, sounds)
    beneath = AcousticClassifier.load(base.path)
    plain = conditions([])[CLEAN]
    old = hear({clip.speaker: beneath for clip in clips}, clips, sounds, plain)
    new = hear(models, clips, sounds, plain)
    truth, present = new.truth, np.unique(new.truth)
    said = [present[part.logits[:, present].argmax(axis=1)] for part in (old, new)]
    before, after = (unweighted_accuracy(truth, answers) for answers in said)
    gains = np.array(
        [
            unweighted_accuracy(truth[rows], said[1][rows]) - unweighted_accuracy(truth[rows], said[0][rows])
            for rows in resamples(len(clips), new.speakers, SAMPLES, 0)
        ]
    )
    tail = 1 + min(int((gains <= 0).sum()), int((gains >= 0).sum()))
    p = min(1.0, 2 * tail / (SAMPLES + 1))
    return {"name": base.name, "ua_among": round(before, 4), "ua_among_own": round(after, 4), "p": round(p, 4)}
