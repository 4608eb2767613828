"""Heads on a pretrained trunk by ridge regression: a training without epochs, or the start of a fine-tuning.

Heads that already fit leave the trunk's features whole when it is fine-tuned afterwards (Kumar et al., "Fine-Tuning can
Distort Pretrained Features and Underperform Out-of-Distribution", 2022).
"""

import hashlib
import logging
import random
import zlib
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from rasa_emotion.acoustic.whisper import LOUDEST, WhisperNetwork
from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.corpora.clip import Clip
from rasa_emotion.training.acoustic.augment import add_noise, telephone
from rasa_emotion.training.acoustic.batches import IGNORED, Tasks
from rasa_emotion.training.acoustic.clips import Sounds, as_float

logger = logging.getLogger(__name__)

SCALES = (1.0, 2.0, 4.0, 6.0, 8.0, 12.0, 16.0)
CLEAN = "clean"
SILENCE_S = 0.3  # at most, before and after the clip


@dataclass(frozen=True)
class View:
    """How a waveform [1, samples] is heard: what makes the disturbed waveform and the warp of the mel filters, and
    the settings behind it, which tell kept statistics apart."""

    disturb: Callable[[Tensor], tuple[Tensor, float]]
    settings: str = ""


@dataclass(frozen=True)
class Probe:
    """How a recipe fits the heads.

    Args:
        penalty: of the weights, per dimension of the embedding and per view.
        views: how the scored corpus' clips are heard besides undisturbed: telephone, noise, speed, warp, silence.
        others: weight of a clip of another corpus, whose mean is first moved to that of the scored corpus.
    """

    penalty: float = 1.0
    views: Sequence[str] = field(default_factory=list)
    others: float = 0.3


def make_views(
    names: Sequence[str],
    *,
    noises: Sequence[NDArray[np.int16]],
    snr_db: Sequence[float],
    speed: Callable[[Tensor], Tensor],
    warp: Sequence[float],
) -> dict[str, View]:
    """The named views. What they draw comes from `random` and torch, which `hear` seeds by clip."""
    known: dict[str, View] = {
        "telephone": View(lambda waveform: (telephone(waveform), 1.0)),
        "noise": View(lambda waveform: (_noisy(waveform, noises, snr_db), 1.0), _noise_settings(noises, snr_db)),
        "speed": View(lambda waveform: (speed(waveform), 1.0), str(getattr(speed, "speeds", ""))),
        "silence": View(lambda waveform: (_between_silence(waveform), 1.0), str(SILENCE_S)),
        "warp": View(lambda waveform: (waveform, random.uniform(*warp)), str(list(warp))),
    }
    return {name: known[name] for name in names}


def hear(
    network: WhisperNetwork,
    clips: Sequence[Clip],
    sounds: Sounds,
    views: Mapping[str, View],
    *,
    scored: str,
    cache: Path,
) -> dict[str, NDArray[np.float32]]:
    """Statistics of every clip, undisturbed, and of the scored corpus' clips in each view too: [clips, d] by view.

    Each view is kept in a file of the folder `cache`, since every fold of a recipe needs the same ones.
    """
    own = [clip for clip in clips if clip.corpus == scored]
    network.eval()
    cache.mkdir(parents=True, exist_ok=True)
    heard = {}
    for name, view in {CLEAN: View(lambda waveform: (waveform, 1.0)), **views}.items():
        rows = clips if name == CLEAN else own
        file = cache / f"statistics-{_key(network, rows, view, name)}.npy"
        if not file.is_file():
            partial = file.with_suffix(".part")
            with partial.open("wb") as stream:
                np.save(stream, _statistics(network, rows, sounds, view, name))
            partial.replace(file)
        heard[name] = np.load(file)
    return heard


@dataclass(frozen=True)
class Known:
    """What `hear` was given and returned, the paths to learn from, and the corpus that counts fully."""

    clips: Sequence[Clip]
    heard: Mapping[str, NDArray[np.float32]]
    used: Set[str]
    scored: str


def fit_heads(network: WhisperNetwork, known: Known, tasks: Tasks, probe: Probe, *, smoothing: float) -> None:
    """Set the embedding's normalisation and every head; `smoothing` of the labels is that of the loss which chooses
    the logits' scale."""
    rows, statistics, weights = _rows(known, probe)
    values = torch.from_numpy(statistics).double()
    mean, deviation = values.mean(dim=0), values.std(dim=0) + 1e-6
    running_mean, running_var = network.normalise.running_mean, network.normalise.running_var
    assert running_mean is not None
    assert running_var is not None
    running_mean.copy_(mean)
    running_var.copy_(deviation**2)
    embeddings, share = (values - mean) / deviation, torch.from_numpy(weights)
    for name, head in network.heads.items():
        target = torch.tensor([tasks.target(name, clip) for clip in rows])
        labelled = target != IGNORED
        found = embeddings[labelled], target[labelled], share[labelled]
        weight = ridge(*found, len(tasks.labels[name]), probe.penalty * (1 + len(probe.views)))
        assert isinstance(head, nn.Linear)
        with torch.no_grad():
            head.weight.copy_((weight * _scale(found[0] @ weight, *found[1:], smoothing)).T)
            head.bias.zero_()


def ridge(embeddings: Tensor, target: Tensor, weights: Tensor, classes: int, penalty: float) -> Tensor:
    """Weights [d, classes] of the least squared error on one-hot classes, of embeddings [n, d] with mean 0.

    >>> one = torch.ones(2)
    >>> ridge(torch.tensor([[1.0], [-1.0]]), torch.tensor([0, 1]), one, 2, 0.0)
    tensor([[ 0.5000, -0.5000]])
    """
    wanted = nn.functional.one_hot(target, classes).to(embeddings) - 1 / classes
    dims = embeddings.shape[1]
    weighted = embeddings * weights[:, None]
    gram = weighted.T @ embeddings + penalty * dims * torch.eye(dims, dtype=embeddings.dtype)
    solved: Tensor = torch.linalg.solve(gram, weighted.T @ wanted)
    return solved


def _rows(known: Known, probe: Probe) -> tuple[list[Clip], NDArray[np.float32], NDArray[np.float64]]:
    """Clips, statistics and weights of all rows; every other corpus centred where the scored one is."""
    clips, clean = known.clips, known.heard[CLEAN]
    own = [clip for clip in clips if clip.corpus == known.scored]
    chosen = np.array([clip.path in known.used for clip in own], dtype=bool)
    kept = [clip for clip, use in zip(own, chosen, strict=True) if use]
    corpora = np.array([clip.corpus for clip in clips])
    parts = [clean[corpora == known.scored][chosen], *(known.heard[name][chosen] for name in probe.views)]
    rows, weights = kept * len(parts), [np.ones(len(part)) for part in parts]
    centre = parts[0].mean(axis=0)
    for corpus in sorted({clip.corpus for clip in clips} - {known.scored}):
        inside = (corpora == corpus) & np.array([clip.path in known.used for clip in clips])
        part = clean[inside]
        parts.append(part - part.mean(axis=0) + centre)
        rows += [clip for clip, use in zip(clips, inside, strict=True) if use]
        weights.append(np.full(len(part), probe.others))
    return rows, np.concatenate(parts), np.concatenate(weights)


def _scale(logits: Tensor, target: Tensor, weights: Tensor, smoothing: float) -> float:
    """What the logits are multiplied with for the least cross-entropy."""
    losses = [
        (
            nn.functional.cross_entropy(logits * scale, target, label_smoothing=smoothing, reduction="none") * weights
        ).sum()
        for scale in SCALES
    ]
    return SCALES[int(torch.stack(losses).argmin())]


def _statistics(
    network: WhisperNetwork, clips: Sequence[Clip], sounds: Sounds, view: View, name: str
) -> NDArray[np.float32]:
    rows = []
    with torch.no_grad():
        for clip in tqdm(clips, desc=f"hear {name}", mininterval=2):
            seed = zlib.crc32(f"{name} {clip.path}".encode())  # the same in every fold and run
            random.seed(seed)
            torch.manual_seed(seed)
            waveform, warp = view.disturb(torch.from_numpy(as_float(sounds[clip.path]))[None])
            mel = None if warp == 1.0 else network.warped(warp)
            rows.append(network.statistics(network.features(waveform, mel))[0].numpy())
    return np.array(rows)


def _between_silence(waveform: Tensor) -> Tensor:
    """The clip with up to `SILENCE_S` of silence drawn for each end: where speech is cut must not matter."""
    before, after = (random.randrange(int(SILENCE_S * SAMPLE_RATE)) for _ in range(2))
    return nn.functional.pad(waveform, (before, after))


def _noisy(waveform: Tensor, noises: Sequence[NDArray[np.int16]], snr_db: Sequence[float]) -> Tensor:
    if not noises:
        return waveform
    noise = random.choice(noises)
    return add_noise(waveform[0], noise, random.uniform(*snr_db), random.randrange(len(noise)))[None]


def _noise_settings(noises: Sequence[NDArray[np.int16]], snr_db: Sequence[float]) -> str:
    digest = hashlib.sha256(str(list(snr_db)).encode())
    for noise in noises:
        digest.update(noise.tobytes())
    return digest.hexdigest()


def _key(network: WhisperNetwork, clips: Sequence[Clip], view: View, name: str) -> str:
    """Changes with the trunk, the clips and the view."""
    digest = hashlib.sha256("\n".join([f"{name} {view.settings}", *(clip.path for clip in clips)]).encode())
    for value in network.encoder.state_dict().values():
        digest.update(value.numpy().tobytes())
    digest.update(str((network.pooled, network.encoder.stride, LOUDEST)).encode())
    return digest.hexdigest()[:16]
