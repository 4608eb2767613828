"""CAEmoCyGAN: a class-aware, cycle-consistent GAN that moves windows of speech features from one class to another.

One generator serves every pair of classes, told which by an embedding of both; there and back it must return to where
it began (cycle), and towards its own class it must leave the window alone (identity). The discriminator judges a
window as one *of its class* and has a second head that names the class. Sources: J.-Y. Zhu et al., "Unpaired
image-to-image translation using cycle-consistent adversarial networks", 2017 (cycle, identity); Y. Choi et al.,
"StarGAN", 2018 (one generator, classification); T. Miyato and M. Koyama, "cGANs with projection discriminator", 2018;
X. Mao et al., "Least squares generative adversarial networks", 2017; F. Bao et al., "CycleGAN-based emotion style
transfer as data augmentation for speech emotion recognition", 2019 (features instead of images).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from rasa_emotion.errors import ModelError

GENERATOR = "generator.pt"
Windows = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class GanSettings:
    """Sizes and weights of a training.

    Args:
        epochs: passes over the training windows.
        batch_size: windows in a step of each of the two networks.
        width: channels of the generator at full resolution; half the frames have twice as many.
        blocks: residual blocks of the generator.
        generator_lr: learning rate of the generator.
        discriminator_lr: learning rate of the discriminator.
        cycle: weight of the cycle loss beside the adversarial one.
        identity: weight of the identity loss.
        classification: weight of the loss of the class head.
    """

    epochs: int = 20
    batch_size: int = 32
    width: int = 64
    blocks: int = 3
    generator_lr: float = 2e-4
    discriminator_lr: float = 2e-4
    cycle: float = 10.0
    identity: float = 5.0
    classification: float = 1.0


class Modulated(nn.Module):
    """Instance normalisation whose scale and shift follow from the pair of classes."""

    def __init__(self, channels: int, condition: int) -> None:
        super().__init__()
        self.norm = nn.InstanceNorm1d(channels)
        self.affine = nn.Linear(condition, 2 * channels)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.affine(condition)[:, :, None].chunk(2, dim=1)
        return cast(Tensor, self.norm(x) * (1 + scale) + shift)


class Residual(nn.Module):
    def __init__(self, channels: int, condition: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, 2 * channels, 5, padding=2)
        self.modulated = Modulated(2 * channels, condition)
        self.mix = nn.Conv1d(channels, channels, 1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        hidden = nn.functional.glu(self.modulated(self.conv(x), condition), dim=1)
        return cast(Tensor, x + self.mix(hidden))


class Generator(nn.Module):
    """Windows of one class and the class that is wanted -> windows, both [batch, frames, bins], normalised.

    It computes what to add, and begins by adding nothing: an untrained generator is the identity.
    """

    def __init__(self, bins: int, classes: int, *, width: int = 64, blocks: int = 3) -> None:
        super().__init__()
        condition = 32
        self.source = nn.Embedding(classes, condition)
        self.target = nn.Embedding(classes, condition)
        self.enter = nn.Conv1d(bins, width, 5, padding=2)
        self.down = nn.Conv1d(width, 2 * width, 4, stride=2, padding=1)
        self.blocks = nn.ModuleList(Residual(2 * width, 2 * condition) for _ in range(blocks))
        self.up = nn.ConvTranspose1d(2 * width, width, 4, stride=2, padding=1)
        self.leave = nn.Conv1d(width, bins, 5, padding=2)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(cast(Tensor, self.leave.bias))

    def forward(self, x: Tensor, source: Tensor, target: Tensor) -> Tensor:
        condition = torch.cat([self.source(source), self.target(target)], dim=1)
        frames = x.shape[1]
        hidden = nn.functional.leaky_relu(self.enter(x.transpose(1, 2)), 0.2)
        hidden = nn.functional.leaky_relu(self.down(nn.functional.pad(hidden, (0, frames % 2))), 0.2)
        for block in self.blocks:
            hidden = block(hidden, condition)
        added: Tensor = self.leave(nn.functional.leaky_relu(self.up(hidden)[:, :, :frames], 0.2))
        return x + added.transpose(1, 2)


class Discriminator(nn.Module):
    """Windows [batch, frames, bins] and a class -> how real each is as one of it [batch], logits [batch, classes]."""

    def __init__(self, bins: int, classes: int, *, width: int = 64) -> None:
        super().__init__()
        self.body = nn.Sequential(
            spectral_norm(nn.Conv1d(bins, width, 5, padding=2)),
            nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv1d(width, 2 * width, 4, stride=2, padding=1)),
            nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv1d(2 * width, 2 * width, 4, stride=2, padding=1)),
            nn.LeakyReLU(0.2),
        )
        self.real = spectral_norm(nn.Linear(2 * width, 1))
        self.member = spectral_norm(nn.Embedding(classes, 2 * width))
        self.classes = nn.Linear(2 * width, classes)

    def forward(self, x: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.body(x.transpose(1, 2)).mean(dim=2)
        score = self.real(hidden)[:, 0] + (self.member(label) * hidden).sum(dim=1)
        return score, self.classes(hidden)


class Translator:
    """A trained generator with the scale of its features: what augments a training part.

    Args:
        generator: on the CPU or a GPU.
        mean: of each feature in the windows that it was trained on, shape [bins].
        std: the same, of its spread.
        settings: of the training.
        classes: how many.
    """

    def __init__(self, generator: Generator, mean: Windows, std: Windows, settings: GanSettings, classes: int) -> None:
        self.generator, self.mean, self.std = generator.eval(), mean, std
        self.settings, self.classes = settings, classes

    def translate(self, windows: Windows, source: Labels, target: Labels) -> Windows:
        """Windows [n, frames, bins] of the classes `source` as windows of the classes `target`, both [n]."""
        device = next(self.generator.parameters()).device
        made = []
        with torch.no_grad():
            for start in range(0, len(windows), 256):
                part = slice(start, start + 256)
                x = torch.from_numpy((windows[part] - self.mean) / self.std).to(device)
                of, to = torch.from_numpy(source[part]).to(device), torch.from_numpy(target[part]).to(device)
                made.append(self.generator(x, of, to).cpu().numpy())
        return np.asarray(np.concatenate(made) * self.std + self.mean, dtype=np.float32)

    def save(self, file: Path) -> None:
        kept = {
            "settings": asdict(self.settings),
            "classes": self.classes,
            "mean": torch.from_numpy(self.mean),
            "std": torch.from_numpy(self.std),
            "weights": self.generator.state_dict(),
        }
        partial = file.with_name(f"{file.name}.part")
        torch.save(kept, partial)
        partial.replace(file)

    @classmethod
    def load(cls, file: Path) -> "Translator":
        """A translator that was saved.

        Raises:
            ModelError: there is none.
        """
        if not file.is_file():
            raise ModelError(f"No trained generator at '{file}': run its recipe, which trains one.")
        kept = torch.load(file, map_location="cpu", weights_only=True)
        settings = GanSettings(**kept["settings"])
        generator = Generator(len(kept["mean"]), kept["classes"], width=settings.width, blocks=settings.blocks)
        generator.load_state_dict(kept["weights"])
        return cls(generator, kept["mean"].numpy(), kept["std"].numpy(), settings, kept["classes"])


def missing_windows(
    windows: Windows, labels: Labels, translator: Translator, *, groups: Sequence[int], share: float, seed: int
) -> tuple[Windows, Labels]:
    """Generated windows and their labels that bring every class to `share` times the largest class.

    A class takes from the other classes of its group, drawn without repeating a window while there are enough.

    Args:
        windows: of the training part alone, shape [n, frames, bins].
        labels: their classes, shape [n].
        translator: trained on the same windows.
        groups: the group of each class: translations stay inside it, such as among voices of one sex.
        share: 1 fills every class up to the largest; more enlarges all of them.
        seed: of the draw.
    """
    generator = np.random.default_rng(seed)
    counts = np.bincount(labels, minlength=len(groups))
    wanted = round(share * counts.max())
    rows, targets = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for label, group in enumerate(groups):
        others = np.flatnonzero((np.asarray(groups)[labels] == group) & (labels != label))
        lacking = wanted - counts[label]
        if counts[label] and lacking > 0 and len(others):
            drawn = np.resize(generator.permutation(others), lacking)
            rows.append(drawn)
            targets.append(np.full(lacking, label))
    chosen, target = np.concatenate(rows), np.concatenate(targets)
    if not len(chosen):
        return windows[:0], labels[:0]
    return translator.translate(windows[chosen], labels[chosen], target), target
