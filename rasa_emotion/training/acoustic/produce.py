"""From a recipe to a model folder: what `rasa-emotion train acoustic RECIPE` does."""

import hashlib
import logging
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from rasa_emotion.corpora.manifest import Clip, read_manifest
from rasa_emotion.corpora.splits import Split
from rasa_emotion.errors import ConfigError
from rasa_emotion.training.acoustic.export import export
from rasa_emotion.training.acoustic.folder import Facts, write_folder
from rasa_emotion.training.acoustic.pretrained import WHISPER
from rasa_emotion.training.acoustic.recipe import HEAD, Recipe, read_recipe
from rasa_emotion.training.acoustic.train import (
    WEIGHTS,
    Start,
    choose_split,
    read_run,
    read_start,
    require_unheard,
    train,
)
from rasa_emotion.training.claim import RUN as FOLDER_RUN
from rasa_emotion.training.claim import claim

logger = logging.getLogger(__name__)

RECIPES = Path(__file__).parent / "recipes"
HELD_OUT_SHARE = 0.2


@dataclass(frozen=True)
class Order:
    """What is asked for.

    Args:
        out: the model folder to write.
        cache: decoded clips.
        data: folder with the manifest.
        fold: test on this official fold.
        held_out: test on that many speakers; a fifth of them when neither is given.
        corpora: train and score on these corpora of the manifest instead of the recipe's.
        overrides: YAML that replaces values of the recipe.
    """

    out: Path
    cache: Path
    data: Path | None = None
    fold: int | None = None
    held_out: int = 0
    corpora: Sequence[str] = ()
    overrides: str = ""


def find_recipe(name: str) -> Path:
    """The file of a recipe, named by its path or, where it ships, by its name.

    Raises:
        ConfigError: there is no such recipe.
    """
    if Path(name).suffix in {".yaml", ".yml"} and Path(name).is_file():
        return Path(name)
    shipped = shipped_recipes()
    if name not in shipped:
        raise ConfigError(f"There is no recipe '{name}': name a YAML file, or one of {', '.join(shipped)}.")
    return shipped[name]


def shipped_recipes() -> dict[str, Path]:
    """The recipes that ship, by name."""
    return {file.stem: file for file in sorted(RECIPES.rglob("*.yaml"))}


def train_recipe(name: str, order: Order) -> dict[str, Any]:
    """Train one of the networks by a recipe, or go on where that was interrupted, and write the model folder.

    A recipe that teaches no eight emotions ends in weights for others to start from.

    Returns:
        The manifest with its figures, and `weights`, the file; or the weights alone.

    Raises:
        ConfigError: the recipe, the data, the split or the folder cannot be used.
    """
    file = find_recipe(name)
    recipe = read_recipe(file, order.overrides)
    if order.corpora:
        recipe = replace(
            recipe,
            scored=order.corpora[0],
            shares=dict.fromkeys(order.corpora, 1.0),
            heads={HEAD: list(order.corpora)},
        )
    data = require_data(order)
    clips = read_manifest(data, corpora=list(recipe.shares))
    split = split_of(clips, recipe.scored, recipe.seed, order) if HEAD in recipe.heads else None
    first = _first(recipe, order.out / FOLDER_RUN)
    if first is not None and split is not None:
        require_unheard(first.start, split)  # `train` asks too, but only after the folder is claimed
    run = claim(order.out, request(file, order, clips))
    if first is not None:
        recipe.initial = str(first.weights)
        _train_first(first, data, order.cache)
    if not (run / WEIGHTS).is_file():
        train(recipe, clips, split, data=data, out=run, cache=order.cache, score_every=0)
    weights = {"weights": str(run / WEIGHTS)}
    if split is None:
        return weights
    network = read_run(run)
    difference = export(network, order.out / "model.onnx")
    facts = Facts(
        summary=f"Hears one of eight emotions in a voice. Trained by the recipe '{recipe.name}'.",
        split=describe(split, order),
        data_note=_start_note(recipe) + noise_note(recipe.noise_probability, data),
        commands=command(name, order),
        parameters=_served_parameters(network),
        corpora=list(dict.fromkeys([*recipe.shares, *(first.start.corpora if first else ())])),
        inside=_inside(recipe),
        notices=("whisper-notice",) if recipe.initial in WHISPER else (),
    )
    manifest = write_folder(order.out, facts, split.test, data=data, cache=order.cache)
    return {**manifest, **weights, "export_difference": difference}


def use_threads(count: int) -> None:
    """Train on that many CPU threads; on all of them when 0."""
    if count:
        torch.set_num_threads(count)


def split_of(clips: Sequence[Clip], scored: str, seed: int, order: Order) -> Split:
    """The fold or the speakers to hold out; a fifth of the scored corpus' speakers unless something is said."""
    held_out = order.held_out
    if order.fold is None and not held_out:
        speakers = {clip.speaker for clip in clips if clip.corpus == scored}
        held_out = max(1, round(HELD_OUT_SHARE * len(speakers)))
    split = choose_split(clips, scored, fold=order.fold, held_out=held_out, seed=seed)
    assert split is not None
    return split


def require_data(order: Order) -> Path:
    if order.data is None:
        raise ConfigError("Training needs recordings: name the folder of their manifest with --data.")
    return order.data


def request(file: Path, order: Order, clips: Sequence[Clip]) -> dict[str, Any]:
    """What makes two trainings the same, so that the second goes on with the first."""
    listed = "\n".join(f"{clip.path},{clip.speaker},{clip.label},{clip.emotion},{clip.fold}" for clip in clips)
    return {
        "recipe": file.stem,
        "settings": _digest(file.read_text(encoding="utf-8") + "\n" + order.overrides),
        "recordings": _digest(listed),
        "corpora": list(order.corpora),
        "fold": order.fold,
        "held_out": order.held_out,
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class First:
    """The run that a training starts from: its weights, and the recipe to train first, on everything, where they are
    not there yet."""

    weights: Path
    start: Start
    recipe: Recipe | None = None


def _first(recipe: Recipe, run: Path) -> First | None:
    """The run that a recipe starts from, if it does: below `run` where the recipe's own place is empty."""
    if recipe.initial is None or not recipe.initial.endswith(".pt"):
        return None
    weights = Path(recipe.initial)
    file = shipped_recipes().get(weights.parent.name)
    if not weights.is_file() and file is not None:
        weights = run / weights.parent.name / WEIGHTS
        if not weights.is_file():
            first = read_recipe(file)
            return First(weights, Start(weights, list(first.shares)), first)
    return First(weights, read_start(str(weights)))


def _train_first(first: First, data: Path, cache: Path) -> None:
    if first.recipe is None:
        return
    logger.info("Training '%s', which the recipe starts from.", first.recipe.name)
    clips = read_manifest(data, corpora=list(first.recipe.shares))
    train(first.recipe, clips, None, data=data, out=first.weights.parent, cache=cache, score_every=0)


def _served_parameters(network: nn.Module) -> int:
    named = network.named_parameters()
    return sum(p.numel() for name, p in named if not name.startswith("heads.") or f".{HEAD}." in name)


def _inside(recipe: Recipe) -> str | None:
    encoder = recipe.network.get("encoder", "cnn")
    return None if encoder == "cnn" else f"the network '{encoder}' of the recipe '{recipe.name}'"


def _start_note(recipe: Recipe) -> str:
    """Pretrained weights that come from outside; those of another run are told by its corpora."""
    return "" if recipe.initial is None or recipe.initial.endswith(".pt") else f"Started from '{recipe.initial}'. "


def describe(split: Split, order: Order) -> str:
    trained = len({clip.speaker for clip in split.train})
    scored = len({clip.speaker for clip in split.test})
    how = f"fold {order.fold}" if order.fold is not None else "speakers drawn with the recipe's seed"
    if order.fold is not None and order.held_out:
        how = f"speakers drawn with the recipe's seed among those that fold {order.fold} trains on"
    return (
        f"Speaker-disjoint: {trained} speakers trained ({len(split.train):,} clips), {scored} others are scored "
        f"({len(split.test):,} clips; {how}). The temperature was fitted on the scored clips; the calibration error "
        "uses temperatures of the other speakers."
    )


def noise_note(probability: float, data: Path) -> str:
    if probability > 0 and (data / "noise").is_dir():
        return f"Training mixes in the noises below '{data.name}/noise', whose licences hold too."
    return "No noise was mixed in."


def command(
    recipe: str | None, order: Order, source: str | None = None, *, labels: Mapping[str, str] | None = None
) -> str:
    parts = ["rasa-emotion", "train", "acoustic", *([recipe] if recipe else [])]
    parts += ["--from", source] if source else []
    parts += [] if recipe else ["--export-only"]
    parts += [part for label, emotion in (labels or {}).items() for part in ("--label", f"{label}={emotion}")]
    parts += ["--data", str(order.data)] if order.data is not None else []
    parts += [part for name in order.corpora for part in ("--corpus", name)]
    parts += ["--fold", str(order.fold)] if order.fold is not None else []
    parts += ["--held-out", str(order.held_out)] if order.held_out else []
    parts += ["--set", order.overrides] if order.overrides else []
    return "    " + shlex.join([*parts, "--out", str(order.out)])
