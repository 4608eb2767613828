"""Train one recipe: `python -m rasa_emotion.training.acoustic.train RECIPE.yaml --data DATA --out RUN [--fold N]`."""

import argparse
import csv
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import speechbrain as sb
import torch
from numpy.typing import NDArray

from rasa_emotion.acoustic.network import EmotionNetwork
from rasa_emotion.acoustic.whisper import WhisperNetwork
from rasa_emotion.corpora.manifest import Clip, read_manifest
from rasa_emotion.corpora.splits import Split, fold_split, speaker_split
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError
from rasa_emotion.evaluation.metrics import accuracy, macro_f1, unweighted_accuracy
from rasa_emotion.training.acoustic.augment import WaveformAugment
from rasa_emotion.training.acoustic.batches import IGNORED, EpochBatches, Tasks
from rasa_emotion.training.acoustic.brain import EmotionBrain, clip_logits
from rasa_emotion.training.acoustic.clips import Sounds, as_float, audible, audible_split, clip_sounds, noise_sounds
from rasa_emotion.training.acoustic.device import run_options
from rasa_emotion.training.acoustic.networks import build_network, start_from
from rasa_emotion.training.acoustic.pretrained import WHISPER
from rasa_emotion.training.acoustic.probe import Known, fit_heads, hear, make_views
from rasa_emotion.training.acoustic.recipe import HEAD, Recipe, read_recipe

logger = logging.getLogger(__name__)

WEIGHTS = "weights.pt"
RUN = "run.json"


def read_run(out: Path) -> EmotionNetwork:
    """The network of a finished run, in evaluation mode.

    Raises:
        ConfigError: the run is not finished.
    """
    if not (out / WEIGHTS).is_file() or not (out / RUN).is_file():
        raise ConfigError(f"'{out}' holds no finished training: run the recipe there first.")
    run = json.loads((out / RUN).read_text(encoding="utf-8"))
    network = build_network({name: len(labels) for name, labels in run["heads"].items()}, run["network"])
    network.load_state_dict(torch.load(out / WEIGHTS, map_location="cpu", weights_only=True))
    return network.eval()


@dataclass(frozen=True)
class Start:
    """The run of another recipe that a training starts from.

    Args:
        weights: its file; None where a training starts from nothing or from a pretrained encoder.
        corpora: what the weights have heard, where that is known.
        held_out: the speakers of these whom they have not heard.
    """

    weights: Path | None = None
    corpora: Sequence[str] = ()
    held_out: Sequence[str] = ()


def read_start(initial: str | None) -> Start:
    """What the run that a recipe's `initial` names has heard; without its `run.json` nothing is known of a file."""
    if initial is None or initial in WHISPER:
        return Start()
    weights = Path(initial)
    described = weights.parent / RUN
    known = json.loads(described.read_text(encoding="utf-8")) if described.is_file() else {}
    return Start(weights, known.get("corpora", ()), known.get("test_speakers", ()))


def require_unheard(start: Start, split: Split) -> None:
    """Refuse to score speakers whom the weights that a training starts from have heard.

    Raises:
        ConfigError: they have.
    """
    heard = {clip.corpus for clip in split.test if clip.corpus in start.corpora and clip.speaker not in start.held_out}
    if heard:
        raise ConfigError(
            f"The recipe starts from '{start.weights}', which knows the speakers of {', '.join(sorted(heard))} that "
            "would be scored: score another corpus, or --set 'initial: null'."
        )


def choose_split(clips: Sequence[Clip], scored: str, *, fold: int | None, held_out: int, seed: int) -> Split | None:
    """The clips to train on and to score, or None to train on everything.

    `fold` alone tests on that fold; `held_out` alone on that many speakers of the scored corpus; both together hold
    out speakers among the fold's training speakers, and leave the fold itself unused.
    """
    own = [clip for clip in clips if clip.corpus == scored]
    others = [clip for clip in clips if clip.corpus != scored]
    if fold is None and not held_out:
        return None
    train: Sequence[Clip] = own
    split = None
    if fold is not None:
        split = fold_split(own, fold)
        train = split.train
    if held_out:
        split = speaker_split(train, speakers=held_out, seed=seed)
    assert split is not None
    return Split([*split.train, *others], [clip for clip in split.test if clip.emotion is not None])


def build_tasks(recipe: Recipe, clips: Sequence[Clip]) -> Tasks:
    """One head per entry of the recipe; `emotion` has the eight, the others their corpora's own labels."""
    heads: dict[str, tuple[Sequence[str], Sequence[str]]] = {}
    for name, corpora in recipe.heads.items():
        labels = EMOTIONS if name == HEAD else sorted({clip.label for clip in clips if clip.corpus in corpora})
        heads[name] = (labels, corpora)
    return Tasks(heads)


def train(
    recipe: Recipe, clips: Sequence[Clip], split: Split | None, *, data: Path, out: Path, cache: Path, score_every: int
) -> EmotionNetwork:
    """Train, or go on where an interrupted run stopped; returns the averaged network, also kept in `out`.

    Raises:
        ConfigError: the recipe starts from weights that have heard speakers who would be scored.
    """
    start = read_start(recipe.initial)
    if split is not None:
        require_unheard(start, split)
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    sounds = clip_sounds(clips, data, cache)
    clips = audible(clips, sounds)
    split = audible_split(split, sounds) if split else None
    used = split.train if split else clips
    tasks = build_tasks(recipe, clips)
    network = build_network({name: len(labels) for name, labels in tasks.labels.items()}, recipe.network)
    if recipe.initial:
        start_from(network, recipe.initial)
    material = Material(clips, used, sounds, noise_sounds(data, cache, folders=recipe.noise_folders), tasks)
    if recipe.probe is not None and not (out / "checkpoints").is_dir():
        fit_probe(recipe, network, material, cache)
    averaged = network.eval()
    if recipe.epochs:
        score = (lambda model: figures(model, split.test, sounds)) if split else None
        averaged = fine_tune(recipe, network, material, out=out, score=score, score_every=score_every)
    torch.save(averaged.state_dict(), out / (WEIGHTS + ".part"))
    (out / (WEIGHTS + ".part")).replace(out / WEIGHTS)
    write_run(out, recipe, tasks, split, start)
    if split:
        rows = clip_logits(averaged, HEAD, [as_float(sounds[clip.path]) for clip in split.test])
        write_logits(out / "logits.csv", split.test, rows)
    return averaged


@dataclass(frozen=True)
class Material:
    """What a training reads: all clips, those to learn from, their sounds, the noises, and the heads' targets."""

    clips: Sequence[Clip]
    used: Sequence[Clip]
    sounds: Sounds
    noises: Sequence[NDArray[np.int16]]
    tasks: Tasks


def fit_probe(recipe: Recipe, network: EmotionNetwork, material: Material, cache: Path) -> None:
    """Fit the heads of a pretrained trunk to the clips to learn from.

    Raises:
        ConfigError: the recipe's network has no pretrained trunk.
    """
    if not isinstance(network, WhisperNetwork) or recipe.probe is None:
        raise ConfigError(f"Recipe '{recipe.name}': 'probe' needs the encoder 'whisper'; set it or leave 'probe' out.")
    tasks, clips = material.tasks, material.clips
    views = make_views(
        recipe.probe.views, noises=material.noises, snr_db=recipe.snr_db, speed=recipe.speed, warp=recipe.warp
    )
    told = [clip for clip in clips if any(tasks.target(name, clip) != IGNORED for name in tasks.labels)]
    heard = hear(network, told, material.sounds, views, scored=recipe.scored, cache=cache)
    known = Known(told, heard, {clip.path for clip in material.used}, recipe.scored)
    fit_heads(network, known, tasks, recipe.probe, smoothing=recipe.label_smoothing)


def fine_tune(
    recipe: Recipe,
    network: EmotionNetwork,
    material: Material,
    *,
    out: Path,
    score: Callable[[Any], dict[str, float]] | None,
    score_every: int,
) -> EmotionNetwork:
    """Run the recipe's epochs, or what an interrupted run left of them; returns the averaged network."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
    batches = EpochBatches(
        material.used,
        material.sounds,
        material.tasks,
        shares=recipe.shares,
        batch_size=recipe.batch_size,
        max_secs=recipe.max_secs,
    )
    augment = WaveformAugment.of(recipe, material.noises)
    brain = EmotionBrain(
        recipe,
        network,
        batches,
        augment,
        checkpointer=sb.utils.checkpoints.Checkpointer(str(out / "checkpoints")),
        log=out / "log.jsonl",
        score=score,
        score_every=score_every,
        run_opts=run_options(),
    )
    brain.fit(brain.counter, batches.loader())
    return cast(EmotionNetwork, brain.average.module)


def write_run(out: Path, recipe: Recipe, tasks: Tasks, split: Split | None, start: Start) -> None:
    """Note beside the weights what is needed to build the network again, what it has heard, and who was held out."""
    run = {
        "heads": tasks.labels,
        "network": dict(recipe.network),
        "corpora": sorted({*recipe.shares, *start.corpora}),
        "test_speakers": sorted({clip.speaker for clip in split.test}) if split else [],
    }
    (out / RUN).write_text(json.dumps(run, indent=1) + "\n", encoding="utf-8")


def figures(network: Any, clips: Sequence[Clip], sounds: Sounds) -> dict[str, float]:
    """UA, accuracy and macro-F1 of the eight-label head on whole clips."""
    device = str(next(network.parameters()).device)
    logits = clip_logits(network, HEAD, [as_float(sounds[clip.path]) for clip in clips], device)
    truth = np.array([EMOTIONS.index(clip.emotion or "") for clip in clips])
    predicted = logits.argmax(axis=1)
    values = {
        "ua": unweighted_accuracy(truth, predicted),
        "accuracy": accuracy(truth, predicted),
        "macro_f1": macro_f1(truth, predicted),
    }
    return {name: round(value, 4) for name, value in values.items()}


def write_logits(file: Path, clips: Sequence[Clip], logits: NDArray[np.float64]) -> None:
    """CSV of path, speaker, fold, emotion and the eight logits."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "speaker", "fold", "emotion", *EMOTIONS])
        for clip, row in zip(clips, logits, strict=True):
            writer.writerow([clip.path, clip.speaker, clip.fold or "", clip.emotion, *(f"{x:.5f}" for x in row)])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Train an acoustic recipe; run it again to resume.")
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder with speech.csv")
    parser.add_argument("--out", type=Path, required=True, help="folder of this run")
    parser.add_argument("--fold", type=int, help="test on this official fold, train on the others")
    parser.add_argument("--held-out", type=int, default=0, help="speakers to hold out (with --fold: an inner split)")
    parser.add_argument("--all", action="store_true", help="train on every clip, score nothing")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"), help="decoded clips")
    parser.add_argument("--score-every", type=int, default=0, help="epochs between scores (the last one always)")
    parser.add_argument("--set", default="", help="YAML that replaces values of the recipe")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (0: all)")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING)
    if options.threads:
        torch.set_num_threads(options.threads)
    recipe = read_recipe(options.recipe, options.set)
    clips = read_manifest(options.data, corpora=list(recipe.shares))
    split = None
    if not options.all:
        split = choose_split(clips, recipe.scored, fold=options.fold, held_out=options.held_out, seed=recipe.seed)
        if split is None:
            raise ConfigError("Say what to score: --fold N, --held-out SPEAKERS, or --all to score nothing.")
    train(
        recipe,
        clips,
        split,
        data=options.data,
        out=options.out,
        cache=options.cache,
        score_every=options.score_every,
    )


if __name__ == "__main__":
    main()
