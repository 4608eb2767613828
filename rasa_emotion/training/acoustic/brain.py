"""The SpeechBrain brain that trains an `EmotionNetwork`."""

import json
import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import speechbrain as sb
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from rasa_emotion.acoustic.network import EmotionNetwork
from rasa_emotion.training.acoustic.augment import WaveformAugment, mixup
from rasa_emotion.training.acoustic.batches import IGNORED, Batch, EpochBatches
from rasa_emotion.training.acoustic.recipe import Recipe

WARM_UP = 0.15


def learning_rate(progress: float) -> float:
    """One cycle as a factor of the peak: linear rise over `WARM_UP` of the steps, then a cosine to 0."""
    if progress < WARM_UP:
        return 0.04 + 0.96 * progress / WARM_UP
    return 0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))


class EmotionBrain(sb.Brain):  # type: ignore[misc]
    """Trains every head on the clips that have a target for it; keeps an average of the weights.

    Args:
        recipe: the settings.
        network: the network in training; `average` follows it.
        batches: the epochs' batches.
        augment: waveform augmentation.
        checkpointer: SpeechBrain's; a second call with the same folder goes on after the last finished epoch.
        log: JSON lines, one per epoch.
        score: called with the averaged network on scored epochs; returns figures for the log.
    """

    def __init__(
        self,
        recipe: Recipe,
        network: EmotionNetwork,
        batches: EpochBatches,
        augment: WaveformAugment,
        *,
        checkpointer: Any,
        log: Path,
        score: Callable[[nn.Module], dict[str, float]] | None,
        score_every: int = 0,
        run_opts: dict[str, Any],
    ) -> None:
        super().__init__(
            modules={"network": network},
            opt_class=lambda parameters: torch.optim.AdamW(
                self._groups(), lr=recipe.lr, weight_decay=recipe.weight_decay
            ),
            run_opts=run_opts,
            checkpointer=checkpointer,
        )
        self.recipe, self.batches, self.augment = recipe, batches, augment
        self.log, self.score, self.score_every = log, score, score_every
        moving_average = get_ema_multi_avg_fn(recipe.average_decay)  # type: ignore[no-untyped-call]  # torch
        self.average = AveragedModel(self.modules.network, multi_avg_fn=moving_average, use_buffers=True)
        self.counter = sb.utils.epoch_loop.EpochCounter(recipe.epochs)
        if checkpointer is not None:
            checkpointer.add_recoverables(
                {"network": self.modules.network, "average": self.average, "counter": self.counter}
            )

    def _groups(self) -> list[dict[str, Any]]:
        """The trunk's and the other parameters: after a pretraining the trunk may learn more slowly."""
        network = self.modules.network
        trunk = network.trunk()
        for name in self.recipe.frozen:
            trunk.get_submodule(name).requires_grad_(False)
        fresh = {id(p) for p in network.heads.parameters()}
        slow = list(trunk.parameters()) if trunk else [p for p in network.parameters() if id(p) not in fresh]
        known = {id(p) for p in slow}
        rest = [p for p in network.parameters() if id(p) not in known]
        slow = [p for p in slow if p.requires_grad]
        return [{"params": slow, "factor": self.recipe.trunk_lr}, {"params": rest, "factor": 1.0}]

    def on_stage_start(self, stage: Any, epoch: int | None = None) -> None:
        """Seed by epoch, so that a resumed run draws what an uninterrupted one would; draw the epoch's clips."""
        self.epoch = epoch or 1
        # a checkpoint at the end of an epoch holds the brain's count and mean of that epoch
        self.step, self.avg_train_loss = 0, 0.0
        seed = self.recipe.seed * 1000 + self.epoch
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        self.batches.draw(random.Random(seed))
        self.step_in_epoch = 0

    def on_fit_batch_start(self, batch: Batch, should_step: bool) -> None:
        done = (self.epoch - 1 + self.step_in_epoch / len(self.batches)) / self.recipe.epochs
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.lr * learning_rate(done) * group["factor"]
        self.step_in_epoch += 1

    def compute_forward(self, batch: Batch, stage: Any) -> dict[str, Tensor]:
        network = self.modules.network
        batch = batch.to(self.device)
        with torch.no_grad(), torch.autocast(self.device_type, enabled=False):
            features = self._features(network, batch.waveform)
        mixed, self.partners, self.share = mixup(features, self.recipe.mixup)
        embedding = network.dropout(network.encode(mixed))
        return {name: head(embedding) for name, head in network.heads.items()}

    def _features(self, network: EmotionNetwork, waveform: Tensor) -> Tensor:
        # a speaker with another vocal tract (Jaitly and Hinton, 2013)
        mel = network.warped(random.uniform(*self.recipe.warp))
        features = network.features(self.augment(waveform), mel)
        for drop in self.recipe.drops:
            features = drop(features)
        return features

    def compute_objectives(self, predictions: dict[str, Tensor], batch: Batch, stage: Any) -> Tensor:
        total = torch.zeros((), device=self.device)
        for name, logits in predictions.items():
            target = batch.targets[name].to(self.device)
            weight = self.recipe.head_weights.get(name, 1.0) / len(target)
            total = total + weight * self.share * self._loss(logits, target)
            total = total + weight * (1 - self.share) * self._loss(logits, target[self.partners])
        return total

    def _loss(self, logits: Tensor, target: Tensor) -> Tensor:
        return nn.functional.cross_entropy(
            logits.float(),
            target,
            ignore_index=IGNORED,
            reduction="sum",
            label_smoothing=self.recipe.label_smoothing,
        )

    def on_fit_batch_end(self, batch: Batch, outputs: Any, loss: Tensor, should_step: bool) -> None:
        self.average.update_parameters(self.modules.network)

    def on_stage_end(self, stage: Any, stage_loss: float, epoch: int | None = None) -> None:
        figures: dict[str, float] = {"epoch": self.epoch, "loss": round(float(stage_loss), 4)}
        last = self.epoch == self.recipe.epochs
        if self.score is not None and (last or (self.score_every and self.epoch % self.score_every == 0)):
            figures.update(self.score(self.average.module))
            self.average.module.train()
        with self.log.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(figures) + "\n")
        if self.checkpointer is not None:
            self.checkpointer.save_and_keep_only(meta=figures, num_to_keep=1)


def clip_logits(
    network: EmotionNetwork, head: str, sounds: Sequence[NDArray[np.float32]], device: str = "cpu"
) -> NDArray[np.float64]:
    """The logits of one head for each waveform on its own, whole and without padding: [clips, classes]."""
    network.eval()
    rows = []
    with torch.no_grad():
        for sound in sounds:
            logits, _ = network(torch.from_numpy(sound)[None].to(device))
            rows.append(logits[head][0].float().cpu().numpy())
    return np.array(rows, dtype=np.float64)
