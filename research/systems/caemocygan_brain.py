"""The SpeechBrain brain that trains a CAEmoCyGAN: two networks, two optimizers, one step of each a batch."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import speechbrain as sb
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from rasa_emotion.errors import ConfigError
from research.systems.caemocygan import (
    GENERATOR,
    Discriminator,
    GanSettings,
    Generator,
    Labels,
    Translator,
    Windows,
)

LOG = "gan.jsonl"
BETAS = (0.5, 0.999)  # the momentum that these losses need: the networks chase each other


class CycleGanBrain(sb.Brain):  # type: ignore[misc]
    """Trains generator and discriminator in turn.

    Args:
        settings: sizes and weights.
        generator: in training.
        discriminator: in training.
        partners: for each class the classes that it may be moved to, itself left out.
        seed: of everything drawn.
        log: JSON lines, one an epoch: the mean of each loss, and `accepted`, the share of generated windows that
            the class head takes for the class that was wanted.
        checkpointer: SpeechBrain's; a second call with its folder goes on after the last finished epoch.
    """

    def __init__(
        self,
        settings: GanSettings,
        generator: Generator,
        discriminator: Discriminator,
        partners: Sequence[Sequence[int]],
        *,
        seed: int,
        log: Path | None,
        checkpointer: Any,
        run_opts: dict[str, Any],
    ) -> None:
        super().__init__(
            modules={"generator": generator, "discriminator": discriminator},
            run_opts=run_opts,
            checkpointer=checkpointer,
        )
        self.settings, self.partners, self.seed, self.log = settings, partners, seed, log
        self.counter = sb.utils.epoch_loop.EpochCounter(settings.epochs)
        self.history: list[dict[str, float]] = []
        if checkpointer is not None:
            checkpointer.add_recoverables(
                {"generator": generator, "discriminator": discriminator, "counter": self.counter}
            )

    def init_optimizers(self) -> None:
        self.generator_optimizer = torch.optim.Adam(
            self.modules.generator.parameters(), lr=self.settings.generator_lr, betas=BETAS
        )
        self.discriminator_optimizer = torch.optim.Adam(
            self.modules.discriminator.parameters(), lr=self.settings.discriminator_lr, betas=BETAS
        )
        self.optimizers_dict = {"generator": self.generator_optimizer, "discriminator": self.discriminator_optimizer}
        if self.checkpointer is not None:
            for name, optimizer in self.optimizers_dict.items():
                self.checkpointer.add_recoverable(f"{name}_optimizer", optimizer)

    def on_stage_start(self, stage: Any, epoch: int | None = None) -> None:
        """Seed by epoch, so that a resumed run draws what an uninterrupted one would."""
        self.epoch = epoch or 1
        # a checkpoint at the end of an epoch holds the brain's count and mean of that epoch
        self.step, self.avg_train_loss = 0, 0.0
        torch.manual_seed(self.seed * 1000 + self.epoch)
        self.draws = np.random.default_rng([self.seed, self.epoch])
        self.sums: dict[str, float] = {}

    def fit_batch(self, batch: Sequence[Tensor]) -> Tensor:
        """One step of the discriminator, then one of the generator; returns the generator's loss."""
        real, source = (part.to(self.device) for part in batch)
        target = torch.tensor([self.draws.choice(self.partners[s]) for s in source.tolist()], device=self.device)
        fake = self.modules.generator(real, source, target)
        self._step(self.discriminator_optimizer, self.discriminator_loss(real, source, fake.detach(), target))
        loss = self.generator_loss(real, source, fake, target)
        self._step(self.generator_optimizer, loss)
        return loss.detach().cpu()

    def discriminator_loss(self, real: Tensor, source: Tensor, fake: Tensor, target: Tensor) -> Tensor:
        """Real windows are 1 as members of their class, generated ones 0; real windows teach the class head."""
        real_score, logits = self.modules.discriminator(real, source)
        fake_score, _ = self.modules.discriminator(fake, target)
        adversarial = ((real_score - 1) ** 2).mean() + (fake_score**2).mean()
        naming = nn.functional.cross_entropy(logits, source)
        self._note(discriminator=adversarial, naming=naming)
        total: Tensor = adversarial + naming
        return total

    def generator_loss(self, real: Tensor, source: Tensor, fake: Tensor, target: Tensor) -> Tensor:
        """Adversarial, classification, cycle and identity loss, weighed as the settings say."""
        generator, settings = self.modules.generator, self.settings
        score, logits = self.modules.discriminator(fake, target)
        adversarial = ((score - 1) ** 2).mean()
        classification = nn.functional.cross_entropy(logits, target)
        cycle = nn.functional.l1_loss(generator(fake, target, source), real)
        identity = nn.functional.l1_loss(generator(real, source, source), real)
        accepted = (logits.argmax(dim=1) == target).float().mean()
        self._note(
            adversarial=adversarial, classification=classification, cycle=cycle, identity=identity, accepted=accepted
        )
        total: Tensor = adversarial + settings.classification * classification
        return total + settings.cycle * cycle + settings.identity * identity

    def _step(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        self.check_loss_isfinite(loss)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch's stubs lack it
        optimizer.step()

    def _note(self, **values: Tensor) -> None:
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value.detach())

    def on_stage_end(self, stage: Any, stage_loss: float, epoch: int | None = None) -> None:
        means = {name: round(value / self.step, 4) for name, value in self.sums.items()}
        self.history.append({"epoch": self.epoch, **means})
        if self.log is not None:
            with self.log.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(self.history[-1]) + "\n")
        if self.checkpointer is not None:
            self.checkpointer.save_and_keep_only(meta={"epoch": self.epoch}, num_to_keep=1)


def train_translator(
    windows: Windows,
    labels: Labels,
    *,
    groups: Sequence[int],
    settings: GanSettings,
    seed: int,
    folder: Path | None = None,
    progress: bool = True,
) -> Translator:
    """Train on the windows of a training part; with a folder, go on where an interrupted training stopped.

    Each training has a folder of its own below `folder`, named after its windows, settings and seed: a finished one is
    read again, and never serves other windows.

    Args:
        windows: shape [n, frames, bins].
        labels: the class of each window, shape [n].
        groups: the group of each class: windows are moved among the classes of one group.
        settings: sizes and weights.
        seed: of the weights and of everything drawn.
        folder: holds a folder for each training with its checkpoints, log and trained generator.
        progress: show a bar an epoch.

    Raises:
        ConfigError: a class is alone in its group, so there is nothing to move its windows to.
    """
    out = None if folder is None else folder / _fingerprint(windows, labels, groups, settings, seed)
    if out is not None and (out / GENERATOR).is_file():
        return Translator.load(out / GENERATOR)
    present = np.unique(labels)
    partners = [[int(p) for p in present if groups[p] == groups[c] and p != c] for c in range(len(groups))]
    lonely = [int(c) for c in present if not partners[c]]
    if lonely:
        raise ConfigError(f"Classes {lonely} have no other class in their group: train the GAN with more classes.")
    mean = windows.mean(axis=(0, 1))
    std = windows.std(axis=(0, 1)) + 1e-6
    brain = _brain(windows.shape[2], partners, settings, seed, out)
    dataset = TensorDataset(torch.from_numpy((windows - mean) / std), torch.from_numpy(labels))
    loader = DataLoader(dataset, batch_size=settings.batch_size, shuffle=True)
    brain.fit(brain.counter, loader, progressbar=progress)
    translator = Translator(brain.modules.generator.cpu(), mean, std, settings, len(groups))
    if out is not None:
        translator.save(out / GENERATOR)
    return translator


def _fingerprint(windows: Windows, labels: Labels, groups: Sequence[int], settings: GanSettings, seed: int) -> str:
    digest = hashlib.sha256(repr((settings, tuple(groups), seed, windows.shape)).encode())
    digest.update(windows.tobytes())
    digest.update(labels.tobytes())
    return digest.hexdigest()[:12]


def _brain(
    bins: int, partners: Sequence[Sequence[int]], settings: GanSettings, seed: int, out: Path | None
) -> CycleGanBrain:
    torch.manual_seed(seed)
    classes = len(partners)
    checkpointer = None
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        checkpointer = sb.utils.checkpoints.Checkpointer(str(out / "checkpoints"))
    return CycleGanBrain(
        settings,
        Generator(bins, classes, width=settings.width, blocks=settings.blocks),
        Discriminator(bins, classes, width=settings.width),
        partners,
        seed=seed,
        log=None if out is None else out / LOG,
        checkpointer=checkpointer,
        run_opts={"device": "cuda" if torch.cuda.is_available() else "cpu"},
    )
