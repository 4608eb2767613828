"""What a trained model answers to rows."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from rasa_emotion.training.text.data import Batch, TrainingText, in_order
from rasa_emotion.training.text.model import TextEmotionModel


@torch.no_grad()
def predict(
    model: TextEmotionModel, rows: Sequence[TrainingText], pool: str = "all", *, task: str = ""
) -> NDArray[np.float64]:
    """Logits of rows, float64, shape [rows, labels]; with the name of a task, a bar shows how far it is."""
    model.eval()
    device = next(model.parameters()).device
    logits = np.zeros((len(rows), len(model.labels)))
    bar = tqdm(total=len(rows), desc=task, disable=not task)
    for numbers, batch in in_order(rows, pool):
        bar.update(len(numbers))
        found, _ = model(*inputs(batch, device))
        logits[numbers] = found.float().cpu().numpy()
    return logits


def inputs(batch: Batch, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """What a model takes of a batch, on a device."""
    return batch.input_ids.to(device), batch.attention_mask.to(device), batch.pooled.to(device)
