"""A linear probe before fine-tuning: heads that already fit leave the pretrained trunk's features whole.

After Kumar et al., "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution" (2022).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from tqdm import tqdm

from rasa_emotion.acoustic.whisper import WhisperNetwork
from rasa_emotion.corpora.manifest import Clip
from rasa_emotion.training.acoustic.batches import IGNORED, Tasks
from rasa_emotion.training.acoustic.clips import Sounds, as_float

SCALES = (1.0, 2.0, 4.0, 6.0, 8.0, 12.0, 16.0)


def fit_heads(
    network: WhisperNetwork, clips: Sequence[Clip], sounds: Sounds, tasks: Tasks, *, penalty: float, smoothing: float
) -> None:
    """Set the embedding's normalisation and every head from the whole clips, by ridge regression on the classes.

    Args:
        penalty: of the weights, per dimension of the embedding.
        smoothing: of the labels, in the loss that chooses the logits' scale.
    """
    network.eval()
    with torch.no_grad():
        rows = [
            network.statistics(network.features(torch.from_numpy(as_float(sounds[clip.path]))[None]))[0]
            for clip in tqdm(clips, desc="probe", mininterval=2)
        ]
    statistics = torch.stack(rows).double()
    mean, deviation = statistics.mean(dim=0), statistics.std(dim=0) + 1e-5
    running_mean, running_var = network.normalise.running_mean, network.normalise.running_var
    assert running_mean is not None
    assert running_var is not None
    running_mean.copy_(mean)
    running_var.copy_(deviation**2)
    embeddings = (statistics - mean) / deviation
    for name, head in network.heads.items():
        target = torch.tensor([tasks.target(name, clip) for clip in clips])
        known = target != IGNORED
        weight = ridge(embeddings[known], target[known], len(tasks.labels[name]), penalty)
        logits = embeddings[known] @ weight
        losses = [
            nn.functional.cross_entropy(logits * scale, target[known], label_smoothing=smoothing) for scale in SCALES
        ]
        scale = SCALES[int(torch.stack(losses).argmin())]
        assert isinstance(head, nn.Linear)
        with torch.no_grad():
            head.weight.copy_((weight * scale).T)
            head.bias.zero_()


def ridge(embeddings: Tensor, target: Tensor, classes: int, penalty: float) -> Tensor:
    """Weights [d, classes] of the least squared error on one-hot classes, of embeddings [n, d] with mean 0.

    >>> ridge(torch.tensor([[1.0], [-1.0]]), torch.tensor([0, 1]), 2, 0.0)
    tensor([[ 0.5000, -0.5000]])
    """
    wanted = nn.functional.one_hot(target, classes).to(embeddings) - 1 / classes
    dims = embeddings.shape[1]
    gram = embeddings.T @ embeddings + penalty * dims * torch.eye(dims, dtype=embeddings.dtype)
    weight: Tensor = torch.linalg.solve(gram, embeddings.T @ wanted)
    return weight
