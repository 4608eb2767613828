"""Choose a probe's settings: cross-validation over the speakers that train fold 1; the others stay unheard.

    python -m research.acoustic.inner whisper --data ../shared/data --set "probe: {penalty: 3.0}"

The training speakers' own folds (2 to 5) serve as the parts, so that each is heard by heads trained on twelve others.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rasa_emotion.acoustic.whisper import WhisperNetwork
from rasa_emotion.corpora.clip import Clip
from rasa_emotion.corpora.manifest import read_manifest
from rasa_emotion.corpora.splits import require_originals
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError
from rasa_emotion.evaluation.metrics import unweighted_accuracy
from rasa_emotion.training.acoustic.batches import Tasks
from rasa_emotion.training.acoustic.clips import audible, clip_sounds, noise_sounds
from rasa_emotion.training.acoustic.networks import build_network, start_from
from rasa_emotion.training.acoustic.probe import CLEAN, Known, Probe, fit_heads, hear, make_views
from rasa_emotion.training.acoustic.produce import RECIPES
from rasa_emotion.training.acoustic.recipe import HEAD, Recipe, read_recipe
from rasa_emotion.training.acoustic.train import build_tasks

UNHEARD_FOLD = 1


@dataclass(frozen=True)
class Bench:
    """A pretrained trunk's statistics of all clips of a recipe, and what fitting heads to some of them needs."""

    recipe: Recipe
    probe: Probe
    network: WhisperNetwork
    clips: Sequence[Clip]
    heard: Mapping[str, NDArray[np.float32]]
    tasks: Tasks

    @property
    def scored(self) -> list[Clip]:
        """The clips of the scored corpus, in the order of every view but the undisturbed one."""
        return [clip for clip in self.clips if clip.corpus == self.recipe.scored]

    @property
    def scored_rows(self) -> NDArray[np.bool_]:
        """Which clips are of the scored corpus: the rows of the undisturbed view that are theirs."""
        return np.array([clip.corpus == self.recipe.scored for clip in self.clips])

    def predict(
        self, heard: Mapping[str, NDArray[np.float32]], train: set[str], test: set[str]
    ) -> dict[str, NDArray[np.int64]]:
        """Fit the head to the scored clips of `train` and all of the other corpora; its answers on `test` by view."""
        used = train | {clip.path for clip in self.clips if clip.corpus != self.recipe.scored}
        known = Known(self.clips, heard, used, self.recipe.scored)
        fit_heads(self.network, known, self.tasks, self.probe, smoothing=self.recipe.label_smoothing)
        chosen = np.array([clip.path in test for clip in self.scored])
        views = {name: rows[self.scored_rows] if name == CLEAN else rows for name, rows in heard.items()}
        with torch.no_grad():
            return {
                name: self.network.heads[HEAD](self.network.normalise(torch.from_numpy(rows[chosen])))
                .argmax(dim=1)
                .numpy()
                for name, rows in views.items()
            }


def prepare(recipe: Recipe, data: Path, cache: Path) -> Bench:
    """Hear all clips of a recipe, or read what was heard before.

    Raises:
        ConfigError: the recipe has no probe on a pretrained trunk, or would score augmented copies.
    """
    if recipe.probe is None or recipe.initial is None:
        raise ConfigError(f"Recipe '{recipe.name}' fits no probe: name one with 'probe' and 'initial'.")
    clips = read_manifest(data, corpora=list(recipe.shares))
    sounds = clip_sounds(clips, data, cache)
    tasks = build_tasks(recipe, clips)
    clips = [clip for clip in audible(clips, sounds) if clip.emotion is not None]
    require_originals(clip for clip in clips if clip.corpus == recipe.scored)
    network = build_network({HEAD: len(EMOTIONS)}, recipe.network)
    if not isinstance(network, WhisperNetwork):
        raise ConfigError(f"Recipe '{recipe.name}' has another encoder than 'whisper': set it in 'network'.")
    start_from(network, recipe.initial)
    noises = noise_sounds(data, cache, folders=recipe.noise_folders)
    views = make_views(recipe.probe.views, noises=noises, snr_db=recipe.snr_db, speed=recipe.speed, warp=recipe.warp)
    heard = hear(network, clips, sounds, views, scored=recipe.scored, cache=cache)
    return Bench(recipe, recipe.probe, network.eval(), clips, heard, tasks)


def cross_validate(bench: Bench) -> dict[str, float]:
    """UA by view over the speakers that train fold 1, each heard by heads of the others."""
    inner = [clip for clip in bench.scored if clip.fold not in (None, UNHEARD_FOLD)]
    truth, predicted = [], {name: list[int]() for name in bench.heard}
    for fold in sorted({clip.fold for clip in inner if clip.fold is not None}):
        test = [clip for clip in inner if clip.fold == fold]
        train = {clip.path for clip in inner if clip.fold != fold}
        truth += [EMOTIONS.index(clip.emotion or "") for clip in test]
        for name, answers in bench.predict(bench.heard, train, {clip.path for clip in test}).items():
            predicted[name] += answers.tolist()
    return {
        name: round(unweighted_accuracy(np.array(truth), np.array(answers)), 4) for name, answers in predicted.items()
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Score a probe's settings on the training speakers of fold 1.")
    parser.add_argument("recipe", help="name or file")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    parser.add_argument("--set", default="", help="YAML that replaces values of the recipe")
    options = parser.parse_args(arguments)
    named = RECIPES / f"{options.recipe}.yaml"
    recipe = read_recipe(named if named.is_file() else options.recipe, options.set)
    print(json.dumps(cross_validate(prepare(recipe, options.data, options.cache))))


if __name__ == "__main__":
    main()
