"""The SpeechBrain brain that trains a network on features, and the base of the neural systems."""

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import speechbrain as sb
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

from rasa_emotion.training.acoustic.device import run_options

if TYPE_CHECKING:
    from research.systems.recipe import SystemRecipe

OPTIMIZERS: Mapping[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "rmsprop": torch.optim.RMSprop,
}

Schedule = Callable[[torch.optim.Optimizer], torch.optim.lr_scheduler.LRScheduler]


class FeatureBrain(sb.Brain):  # type: ignore[misc]
    """Trains a network from features [batch, frames, dims] to logits [batch, classes] with cross-entropy.

    Args:
        network: in training.
        optimizer: of `OPTIMIZERS`.
        schedule: makes a scheduler that steps after each epoch.
        run_opts: SpeechBrain's: device and precision.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        optimizer: str,
        lr: float,
        weight_decay: float = 0.0,
        schedule: Schedule | None = None,
        run_opts: dict[str, Any],
    ) -> None:
        super().__init__(
            modules={"network": network},
            opt_class=lambda parameters: OPTIMIZERS[optimizer](parameters, lr=lr, weight_decay=weight_decay),
            run_opts=run_opts,
        )
        self.schedule = schedule
        self.scheduler: Any = None
        self.losses: list[float] = []

    def on_fit_start(self) -> None:
        super().on_fit_start()
        self.scheduler = self.schedule(self.optimizer) if self.schedule else None

    def compute_forward(self, batch: list[Tensor], stage: Any) -> Tensor:
        logits: Tensor = self.modules.network(batch[0].to(self.device))
        return logits

    def compute_objectives(self, predictions: Tensor, batch: list[Tensor], stage: Any) -> Tensor:
        return nn.functional.cross_entropy(predictions.float(), batch[1].to(self.device))

    def on_stage_end(self, stage: Any, stage_loss: float, epoch: int | None = None) -> None:
        self.losses.append(float(stage_loss))
        if self.scheduler is not None:
            self.scheduler.step()


class NeuralModel(ABC):
    """A `SystemModel` that is a network. A system says which one in `build`, and may widen `training_set`.

    Args:
        recipe: gives epochs, batch size, learning rate and optimiser.
        schedule: as `FeatureBrain`'s.
        weight_decay: of the optimiser.
    """

    def __init__(self, recipe: "SystemRecipe", *, schedule: Schedule | None = None, weight_decay: float = 0.0) -> None:
        self.recipe, self.schedule, self.weight_decay = recipe, schedule, weight_decay
        self.parameters = 0
        self.losses: list[float] = []

    @abstractmethod
    def build(self, frames: int, dims: int, classes: int) -> nn.Module:
        """A network from [batch, frames, dims], each dimension normalised, to logits [batch, classes]."""

    def training_set(
        self, x: NDArray[np.float32], y: NDArray[np.int64], *, classes: int, seed: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """What the network learns from, given the normalised training part: as it is, or with generated examples."""
        return x, y

    def fit(self, x: NDArray[np.float32], y: NDArray[np.int64], *, classes: int, seed: int) -> None:
        seed_everything(seed)
        self.mean = x.mean(axis=(0, 1), dtype=np.float64).astype(np.float32)
        self.scale = (x.std(axis=(0, 1), dtype=np.float64) + 1e-6).astype(np.float32)
        x, y = self.training_set(self._normalised(x), y, classes=classes, seed=seed)
        network = self.build(x.shape[1], x.shape[2], classes)
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
        brain = FeatureBrain(
            network,
            optimizer=self.recipe.optimizer,
            lr=self.recipe.lr,
            weight_decay=self.weight_decay,
            schedule=self.schedule,
            run_opts={**run_options(), "noprogressbar": True},
        )
        data = TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
        loader: DataLoader[Any] = DataLoader(
            data, batch_size=self.recipe.batch_size, shuffle=True, drop_last=len(x) > self.recipe.batch_size
        )
        brain.fit(tqdm(range(1, self.recipe.epochs + 1), desc="epochs", mininterval=2, leave=False), loader)
        self.network = network.eval()
        self.losses = brain.losses
        self.parameters = sum(weights.numel() for weights in network.parameters())

    def probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        device = next(self.network.parameters()).device
        rows = []
        with torch.no_grad():
            for start in range(0, len(x), 64):
                batch = torch.from_numpy(self._normalised(x[start : start + 64])).to(device)
                rows.append(self.network(batch).double().softmax(dim=-1).cpu().numpy())
        return np.concatenate(rows)

    def _normalised(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray((x - self.mean) / self.scale, dtype=np.float32)


def seed_everything(seed: int) -> None:
    """Python, numpy and torch."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
