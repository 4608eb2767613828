"""Fine-tune a Hugging Face audio classifier on the eight emotions, with a SpeechBrain brain."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import speechbrain as sb
import torch
from torch import Tensor, nn

from rasa_emotion.corpora.manifest import Clip
from rasa_emotion.corpora.splits import Split
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.torch_backends.huggingface import HuggingFaceSource
from rasa_emotion.training.acoustic.augment import WaveformAugment
from rasa_emotion.training.acoustic.batches import Batch, EpochBatches, Tasks
from rasa_emotion.training.acoustic.brain import learning_rate
from rasa_emotion.training.acoustic.clips import audible_split, clip_sounds, noise_sounds
from rasa_emotion.training.acoustic.device import run_options
from rasa_emotion.training.acoustic.recipe import HEAD, load_recipe

WEIGHTS = "weights"
HEAD_PARTS = ("classifier", "projector")
"""Where Hugging Face's sequence classifiers keep what is fresh."""


@dataclass
class FineTuning:
    """What a recipe of this kind may set; `recipes/own/finetune.yaml` says why each value was chosen.

    Args:
        name: of the runs.
        seed: of everything drawn.
        lr: highest learning rate of the encoder.
        head_lr: that of the head as a factor of the encoder's.
        freeze_features: whether the convolutions below the transformer stay as they are.
        speed: module that changes the speed of a batch.
        corpora: the corpora that train; all of the manifest's when None.
        noise_folders: the collections of noises; all of them when None.
    """

    name: str
    seed: int
    epochs: int
    batch_size: int
    max_secs: float
    lr: float
    head_lr: float
    weight_decay: float
    label_smoothing: float
    freeze_features: bool
    speed: Any
    noise_probability: float
    snr_db: list[float]
    telephone_probability: float
    corpora: list[str] | None = None
    noise_folders: list[str] | None = None


def read_fine_tuning(file: str | Path, overrides: str = "") -> FineTuning:
    """Read a recipe of this kind. Raises ConfigError as `load_recipe` does."""
    return load_recipe(FineTuning, file, overrides)


class FineTuningBrain(sb.Brain):  # type: ignore[misc]
    """Trains a whole classifier on the eight emotions.

    Args:
        recipe: the settings.
        source: the classifier, whose labels are the eight.
        batches: the epochs' batches.
        augment: waveform augmentation.
        checkpointer: SpeechBrain's; a second call with the same folder goes on after the last finished epoch.
        log: JSON lines, one per epoch.
    """

    def __init__(
        self,
        recipe: FineTuning,
        source: HuggingFaceSource,
        batches: EpochBatches,
        augment: WaveformAugment,
        *,
        checkpointer: Any,
        log: Path,
        run_opts: dict[str, Any],
    ) -> None:
        super().__init__(
            modules={"source": source},
            opt_class=lambda _: torch.optim.AdamW(self._groups(), lr=recipe.lr, weight_decay=recipe.weight_decay),
            run_opts=run_opts,
            checkpointer=checkpointer,
        )
        self.recipe, self.batches, self.augment, self.log = recipe, batches, augment, log
        self.counter = sb.utils.epoch_loop.EpochCounter(recipe.epochs)
        checkpointer.add_recoverables({"source": self.modules.source, "counter": self.counter})

    def _groups(self) -> list[dict[str, Any]]:
        named = [(name, p) for name, p in self.modules.source.model.named_parameters() if p.requires_grad]
        head = [p for name, p in named if name.startswith(HEAD_PARTS)]
        encoder = [p for name, p in named if not name.startswith(HEAD_PARTS)]
        return [{"params": encoder, "factor": 1.0}, {"params": head, "factor": self.recipe.head_lr}]

    def on_stage_start(self, stage: Any, epoch: int | None = None) -> None:
        """Seed by epoch, so that a resumed run draws what an uninterrupted one would; draw the epoch's clips."""
        self.epoch = epoch or 1
        # a checkpoint at the end of an epoch holds the brain's count and mean of that epoch
        self.step, self.avg_train_loss, self.step_in_epoch = 0, 0.0, 0
        seed = self.recipe.seed * 1000 + self.epoch
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        self.batches.draw(random.Random(seed))

    def on_fit_batch_start(self, batch: Batch, should_step: bool) -> None:
        done = (self.epoch - 1 + self.step_in_epoch / len(self.batches)) / self.recipe.epochs
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.lr * learning_rate(done) * group["factor"]
        self.step_in_epoch += 1

    def compute_forward(self, batch: Batch, stage: Any) -> Tensor:
        with torch.no_grad(), torch.autocast(self.device_type, enabled=False):
            waveform = self.augment(batch.waveform).to(self.device)
        logits: Tensor = self.modules.source(waveform)[0]
        return logits

    def compute_objectives(self, predictions: Tensor, batch: Batch, stage: Any) -> Tensor:
        target = batch.targets[HEAD].to(self.device)
        return nn.functional.cross_entropy(predictions.float(), target, label_smoothing=self.recipe.label_smoothing)

    def on_stage_end(self, stage: Any, stage_loss: float, epoch: int | None = None) -> None:
        figures = {"epoch": self.epoch, "loss": round(float(stage_loss), 4)}
        with self.log.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(figures) + "\n")
        self.checkpointer.save_and_keep_only(meta=figures, num_to_keep=1)


def fine_tune(
    recipe: FineTuning, source: str, clips: Sequence[Clip], split: Split, *, data: Path, out: Path, cache: Path
) -> HuggingFaceSource:
    """Fine-tune, or go on where an interrupted run stopped; the classifier, also kept in `out`.

    Raises:
        ModelError: the classifier cannot be loaded.
    """
    finished = out / WEIGHTS
    if finished.is_dir():
        classifier = HuggingFaceSource(str(finished))
        classifier.name = source
        return classifier
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    classifier = HuggingFaceSource(source, labels=EMOTIONS)
    if recipe.freeze_features and hasattr(classifier.model, "freeze_feature_encoder"):
        classifier.model.freeze_feature_encoder()
    sounds = clip_sounds(clips, data, cache)
    split = audible_split(split, sounds)
    corpora = sorted({clip.corpus for clip in split.train})
    batches = EpochBatches(
        [clip for clip in split.train if clip.emotion is not None],
        sounds,
        Tasks({HEAD: (EMOTIONS, corpora)}),
        shares=dict.fromkeys(corpora, 1.0),
        batch_size=recipe.batch_size,
        max_secs=recipe.max_secs,
    )
    augment = WaveformAugment.of(recipe, noise_sounds(data, cache, folders=recipe.noise_folders))
    brain = FineTuningBrain(
        recipe,
        classifier,
        batches,
        augment,
        checkpointer=sb.utils.checkpoints.Checkpointer(str(out / "checkpoints")),
        log=out / "log.jsonl",
        run_opts=run_options(),
    )
    brain.fit(brain.counter, batches.loader())
    classifier.to("cpu").eval()
    classifier.save(out / f"{WEIGHTS}.part")
    (out / f"{WEIGHTS}.part").replace(finished)
    return classifier
