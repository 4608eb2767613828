"""Distil the lower layers of Whisper's encoder into the narrow trunk, on everything that was heard, labelled or not.

    python -m research.voice.make.distil --views runs/views --out runs/trunk

The target is what the wide layers make of the same sound (Romero et al., "FitNets: Hints for Thin Deep Nets", 2015): no
label of an emotion is looked at, so the heads' splits by speaker and corpus stay what they are. An interrupted run goes
on after its last checkpoint.
"""

import argparse
import json
import logging
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import speechbrain as sb
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from rasa_emotion.acoustic.whisper import WhisperNetwork
from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.training.acoustic.pretrained import load_whisper
from research.voice.make.narrow import narrow, trace
from research.voice.make.network import Trunk

logger = logging.getLogger(__name__)

TRUNK = "trunk.pt"
LENGTHS_S = (1.0, 1.5, 2.0, 3.0, 4.0)
"""Of crops; one length a batch."""

SHARES = (0.1, 0.2, 0.3, 0.25, 0.15)
POOLED = 2
TRACED = 12
"""Batches that the narrow copy is made from."""


class Crops:
    """Batches of random crops of the views' samples.

    Args:
        folder: what `views` wrote.
        batch: crops in a batch of 2 s; longer ones come in smaller batches.
    """

    def __init__(self, folder: Path, *, batch: int) -> None:
        self.batch = batch
        self.parts: list[NDArray[np.int16]] = []
        spans = []
        for number, ends in enumerate(sorted(folder.glob("*-ends.npy"))):
            self.parts.append(np.load(ends.with_name(ends.name.replace("-ends", "")), mmap_mode="r"))
            stops = np.load(ends)
            starts = np.concatenate([[0], stops[:-1]])
            spans.append(np.stack([np.full(len(stops), number), starts, stops], axis=1))
        self.spans = np.concatenate(spans)
        self.secs = (self.spans[:, 2] - self.spans[:, 1]) / SAMPLE_RATE

    def draw(self, random: np.random.Generator) -> Tensor:
        """[batch, samples], float32."""
        secs = float(random.choice(LENGTHS_S, p=SHARES))
        count = int(secs * SAMPLE_RATE)
        able = np.flatnonzero(self.secs >= secs)
        rows = able[random.integers(len(able), size=max(4, int(self.batch * 2 / secs)))]
        crops = []
        for part, start, stop in self.spans[rows]:
            begin = int(random.integers(start, stop - count + 1))
            crops.append(self.parts[part][begin : begin + count].astype(np.float32) / 32768)
        return torch.from_numpy(np.stack(crops))

    def epoch(self, seed: int, steps: int) -> Iterator[Tensor]:
        random = np.random.default_rng(seed)
        for _ in range(steps):
            yield self.draw(random)


class Student(nn.Module):
    """The trunk, and what maps its states to the wide ones, which is left behind afterwards.

    Args:
        trunk: in training.
        directions: of the wide stream that the narrow one began with, [wide width, width].
        deviation: of each value of the wide network's last states, [POOLED, wide width].
    """

    deviation: Tensor

    def __init__(self, trunk: Trunk, directions: Tensor, deviation: Tensor) -> None:
        super().__init__()
        self.trunk = trunk
        self.widen = nn.ModuleList(nn.Linear(directions.shape[1], directions.shape[0]) for _ in range(POOLED))
        for layer in self.widen:
            assert isinstance(layer, nn.Linear)
            layer.weight.data.copy_(directions)
            layer.bias.data.zero_()
        self.register_buffer("deviation", deviation)

    def forward(self, waveform: Tensor) -> list[Tensor]:
        lengths = torch.full((len(waveform),), waveform.shape[1])
        states, _ = self.trunk.states(waveform, lengths)
        return [widen(state) for widen, state in zip(self.widen, states[-POOLED:], strict=True)]


class Distillation(sb.Brain):  # type: ignore[misc]
    """Brings the student's states and their statistics over time close to the teacher's."""

    def __init__(self, teacher: WhisperNetwork, student: Student, steps: int, lr: float, checkpointer: Any) -> None:
        super().__init__(
            modules={"student": student},
            opt_class=lambda parameters: torch.optim.AdamW(parameters, lr=lr, weight_decay=0.01),
            run_opts={"device": "cpu"},
            checkpointer=checkpointer,
        )
        self.teacher, self.steps, self.lr = teacher, steps, lr

    def on_fit_batch_start(self, batch: Tensor, should_step: bool) -> None:
        done = min(1.0, self.optimizer_step / self.steps)
        factor = done / 0.05 if done < 0.05 else 0.5 * (1 + math.cos(math.pi * (done - 0.05) / 0.95))
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr * max(factor, 0.01)

    def compute_forward(self, batch: Tensor, stage: Any) -> tuple[list[Tensor], list[Tensor]]:
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            wanted = wide_states(self.teacher, batch)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            given = self.modules.student(batch)
        return [state.float() for state in given], wanted

    def compute_objectives(self, predictions: tuple[list[Tensor], list[Tensor]], batch: Tensor, stage: Any) -> Tensor:
        total = torch.zeros(())
        for given, wanted, deviation in zip(*predictions, self.modules.student.deviation, strict=True):
            count = min(given.shape[1], wanted.shape[1])
            off = (given[:, :count] - wanted[:, :count]) / deviation
            mean = off.mean(dim=1)
            spread = (given[:, :count].std(dim=1) - wanted[:, :count].std(dim=1)) / deviation
            total = total + (off**2).mean() + 2 * (mean**2).mean() + 2 * (spread**2).mean()
        return total

    def on_stage_end(self, stage: Any, stage_loss: float, epoch: int | None = None) -> None:
        logger.info("Epoch %s: loss %.4f", epoch, stage_loss)
        self.step, self.avg_train_loss = 0, 0.0
        if self.checkpointer is not None:
            self.checkpointer.save_and_keep_only(meta={"epoch": epoch, "loss": float(stage_loss)}, num_to_keep=1)


def wide_states(teacher: WhisperNetwork, waveform: Tensor) -> list[Tensor]:
    """The last states of the wide network, less the mean over each state's values: its norms never see that mean."""
    states = teacher.encoder(teacher.features(waveform))[-POOLED:]
    return [(state - state.mean(dim=2, keepdim=True)).float() for state in states]


def distil(
    views: Path, out: Path, *, settings: dict[str, Any], steps: int, epochs: int, batch: int, lr: float
) -> Trunk:
    """Train a trunk and write it to `out`; `steps` are those of an epoch."""
    torch.manual_seed(7)
    crops = Crops(views, batch=batch)
    teacher = WhisperNetwork({"emotion": 8})
    load_whisper(teacher.encoder, "whisper-base")
    teacher.eval().requires_grad_(False)
    seen = list(crops.epoch(0, TRACED))
    trunk = Trunk(**settings)
    directions = narrow(teacher, trunk, trace(teacher, seen))
    wide = [torch.cat([wide_states(teacher, part)[layer].flatten(0, 1) for part in seen]) for layer in range(POOLED)]
    student = Student(trunk, directions, torch.stack([states.std(dim=0) for states in wide]))
    counter = sb.utils.epoch_loop.EpochCounter(epochs)
    checkpointer = sb.utils.checkpoints.Checkpointer(out / "checkpoints", {"student": student, "counter": counter})
    brain = Distillation(teacher, student, steps * epochs, lr, checkpointer)
    brain.fit(counter, DataLoader(_Epochs(crops, counter, steps), batch_size=None), progressbar=False)
    torch.save({"settings": trunk.settings, "weights": trunk.state_dict()}, out / TRUNK)
    (out / "run.json").write_text(json.dumps({"steps": steps, "epochs": epochs, "batch": batch, "lr": lr}))
    return trunk


class _Epochs(IterableDataset):  # type: ignore[type-arg]
    """The batches of the counter's epoch, drawn anew each time."""

    def __init__(self, crops: Crops, counter: Any, steps: int) -> None:
        self.crops, self.counter, self.steps = crops, counter, steps

    def __iter__(self) -> Iterator[Tensor]:
        return self.crops.epoch(int(self.counter.current), self.steps)

    def __len__(self) -> int:
        return self.steps


def read_trunk(folder: Path) -> Trunk:
    """A distilled trunk in evaluation mode."""
    kept = torch.load(folder / TRUNK, map_location="cpu", weights_only=True)
    trunk = Trunk(**kept["settings"])
    trunk.load_state_dict(kept["weights"])
    return trunk.eval()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Distil the narrow trunk; run it again to resume.")
    parser.add_argument("--views", type=Path, default=Path("runs/views"))
    parser.add_argument("--out", type=Path, default=Path("runs/trunk"))
    parser.add_argument("--steps", type=int, default=150, help="of an epoch")
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--batch", type=int, default=24, help="crops of 2 s in a batch")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--set", type=json.loads, default={}, help="of the trunk, as JSON")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO)
    torch.set_num_threads(options.threads)
    distil(
        options.views,
        options.out,
        settings={"channels": 192, "hidden": [768, 768, 0], **options.set},
        steps=options.steps,
        epochs=options.epochs,
        batch=options.batch,
        lr=options.lr,
    )


if __name__ == "__main__":
    main()
