"""SpeechBrain's pretrained utterance classifiers: a folder or repository with `hyperparams.yaml`."""

from pathlib import Path
from typing import Any, ClassVar

import torch
from speechbrain.inference.interfaces import Pretrained
from torch import Tensor

from rasa_emotion.errors import ModelError
from rasa_emotion.torch_backends.network import Source

ENCODER = frozenset({"compute_features", "mean_var_norm", "embedding_model", "classifier"})
WAV2VEC2 = frozenset({"wav2vec2", "avg_pool", "output_mlp"})


class _Modules(Pretrained):  # type: ignore[misc]
    """Loads the modules alone; what they do with a waveform is said below."""

    MODULES_NEEDED: ClassVar[list[str]] = []


class SpeechBrainSource(Source):
    """Two layouts are known: that of `EncoderClassifier` (`compute_features`, `mean_var_norm`, `embedding_model`,
    `classifier`), and that of the wav2vec 2.0 emotion models (`wav2vec2`, `avg_pool`, `output_mlp`). The labels come
    from `label_encoder`.

    A `hyperparams.yaml` can run any code: name only what you trust.

    Args:
        name: a folder, or an identifier of the Hugging Face hub.

    Raises:
        ModelError: it cannot be loaded, has another layout, or has no labels.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        # a folder that was moved or copied still says in its settings where its weights used to lie
        moved = {"pretrained_path": name} if Path(name).is_dir() else {}
        try:
            loaded = _Modules.from_hparams(
                source=name, overrides=moved, overrides_must_match=False, run_opts={"device": "cpu"}
            )
        except Exception as error:  # of the hub, of the YAML, of whatever class it names
            reason = str(error).split("\n", maxsplit=1)[0].rstrip(".")
            raise ModelError(f"'{name}' cannot be loaded as a SpeechBrain classifier: {reason}.") from error
        self.mods = loaded.mods
        if not any(needed.issubset(self.mods) for needed in (ENCODER, WAV2VEC2)):
            raise ModelError(
                f"'{name}' has the modules {', '.join(self.mods)}; a SpeechBrain classifier needs "
                f"{', '.join(sorted(ENCODER))}, or {', '.join(sorted(WAV2VEC2))}."
            )
        self.labels = _labels(name, getattr(loaded.hparams, "label_encoder", None))

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        lengths = torch.ones(waveform.shape[0], device=waveform.device)
        if ENCODER.issubset(self.mods):
            features = self.mods["mean_var_norm"](self.mods["compute_features"](waveform), lengths)
            embedding = self.mods["embedding_model"](features, lengths)
            logits = self.mods["classifier"](embedding)
        else:
            embedding = self.mods["avg_pool"](self.mods["wav2vec2"](waveform), lengths)
            logits = self.mods["output_mlp"](embedding.flatten(1))
        return logits.reshape(waveform.shape[0], -1), embedding.reshape(waveform.shape[0], -1)


def _labels(name: str, encoder: Any) -> list[str]:
    known = getattr(encoder, "ind2lab", None)
    if not known:
        raise ModelError(f"'{name}' has no 'label_encoder' with labels in its hyperparams.yaml; add it there.")
    return [str(known[index]) for index in sorted(known)]
