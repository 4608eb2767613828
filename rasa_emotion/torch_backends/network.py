"""Audio classifiers of other people, run in torch: the `torch` extra. Imported only for who names such a model."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rasa_emotion.acoustic.heads import one_by_one
from rasa_emotion.acoustic.labels import label_matrix
from rasa_emotion.errors import ModelError
from rasa_emotion.model_folder import ModelFolder

BACKENDS = ("huggingface", "speechbrain")


class Source(nn.Module, ABC):
    """A classifier as its makers left it.

    Attributes:
        labels: its own, in the order of its logits.
        name: identifier or folder.
        traceable: whether its features are computed in torch, without which it cannot be exported.
    """

    labels: Sequence[str]
    name: str
    traceable: bool = True

    @abstractmethod
    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        """[batch, samples] at 16 kHz to its logits [batch, labels] and an embedding [batch, d]."""


class EightEmotions(nn.Module):
    """Gives a classifier the eight emotions in place of its own labels.

    Args:
        source: the classifier.
        given: emotions of its labels where `labels.NAMES` does not know or mean them.

    Raises:
        ModelError: none of its labels is an emotion.
    """

    matrix: Tensor

    def __init__(self, source: Source, given: Mapping[str, str | None] | None = None) -> None:
        super().__init__()
        self.source = source
        matrix = label_matrix(source.labels, given=given, source=source.name)
        self.register_buffer("matrix", torch.from_numpy(matrix), persistent=False)

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        """[batch, samples] at 16 kHz to the logits of the eight, [batch, 8], and an embedding [batch, d]."""
        logits, embedding = self.source(waveform)
        return torch.logsumexp(logits[:, None] + self.matrix, dim=-1), embedding


class TorchNetwork:
    """Runs a model folder whose manifest names a `backend`, a `source` and, where needed, a `label_map`.

    `source` is a folder inside the model folder, any other folder, or an identifier of the Hugging Face hub.

    Raises:
        ModelError: the classifier cannot be loaded, or none of its labels is an emotion.
    """

    def __init__(self, model: ModelFolder) -> None:
        name = str(model.settings.get("source", ""))
        inside = model.file(name)
        source = open_source(str(inside) if name and inside.is_dir() else name, str(model.settings.get("backend")))
        self._module = EightEmotions(source, model.settings.get("label_map")).eval()

    def run(self, outputs: Sequence[str], sounds: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        def hear(waveform: NDArray[np.float32]) -> list[NDArray[np.float32]]:
            with torch.inference_mode():
                logits, embedding = self._module(torch.from_numpy(waveform))
            found = {"logits": logits, "embedding": embedding}
            return [found[output].float().numpy() for output in outputs]

        return one_by_one(hear, sounds)


def open_source(name: str, backend: str | None = None) -> Source:
    """Load a classifier by its folder or identifier.

    Args:
        name: folder or identifier.
        backend: "huggingface" or "speechbrain"; found by the folder's files or the identifier's owner when None.

    Raises:
        ModelError: the backend does not exist, or the classifier cannot be loaded.
    """
    backend = backend or backend_of(name)
    if backend == "huggingface":
        from rasa_emotion.torch_backends.huggingface import HuggingFaceSource  # noqa: PLC0415 -- one of the two alone

        return HuggingFaceSource(name)
    if backend == "speechbrain":
        from rasa_emotion.torch_backends.speechbrain import SpeechBrainSource  # noqa: PLC0415

        return SpeechBrainSource(name)
    raise ModelError(f"'{name}' names the backend '{backend}'; choose one of {', '.join(BACKENDS)}.")


def backend_of(name: str) -> str:
    """The library that a classifier is made for, by its folder's files or its identifier's owner.

    >>> backend_of("speechbrain/emotion-recognition-wav2vec2-IEMOCAP")
    'speechbrain'
    """
    folder = Path(name)
    if folder.is_dir():
        return "speechbrain" if (folder / "hyperparams.yaml").is_file() else "huggingface"
    return "speechbrain" if name.partition("/")[0] == "speechbrain" else "huggingface"
