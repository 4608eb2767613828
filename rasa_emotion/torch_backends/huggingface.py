"""Hugging Face's audio classifiers (wav2vec 2.0, HuBERT, WavLM, Whisper and others) with their features inside."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification
from transformers import Wav2Vec2FeatureExtractor as WaveformExtractor
from transformers import WhisperFeatureExtractor as WhisperExtractor

from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.errors import ModelError
from rasa_emotion.torch_backends.network import Source


class HuggingFaceSource(Source):
    """What `AutoModelForAudioClassification` loads.

    Args:
        name: a folder, or an identifier of the hub (fetched once, then kept by transformers).
        labels: replaces the classifier's head by a fresh one for these labels, to be trained.

    Raises:
        ModelError: it cannot be loaded, or was made for another rate than 16 kHz.
    """

    def __init__(self, name: str, *, labels: Sequence[str] | None = None) -> None:
        super().__init__()
        self.name = name
        fresh: dict[str, Any] = {}
        if labels is not None:
            fresh = {
                "num_labels": len(labels),
                "id2label": dict(enumerate(labels)),
                "label2id": {label: number for number, label in enumerate(labels)},
                "ignore_mismatched_sizes": True,
            }
        try:
            self.extractor = AutoFeatureExtractor.from_pretrained(name)  # type: ignore[no-untyped-call]  # transformers
            self.model = AutoModelForAudioClassification.from_pretrained(name, **fresh)
        except Exception as error:  # of the hub, of a file's format, of a class that is none for audio
            reason = str(error).split("\n", maxsplit=1)[0].rstrip(".")
            raise ModelError(f"'{name}' cannot be loaded as a Hugging Face audio classifier: {reason}.") from error
        if self.extractor.sampling_rate != SAMPLE_RATE:
            raise ModelError(f"'{name}' hears {self.extractor.sampling_rate} Hz; name a classifier for 16,000 Hz.")
        self.labels = [str(self.model.config.id2label[number]) for number in range(self.model.config.num_labels)]
        self.features = _features(self.extractor)
        self.traceable = not isinstance(self.features, _AnyFeatures)
        if hasattr(self.model, "set_attn_implementation"):
            self.model.set_attn_implementation("eager")  # the fused one does not export with free lengths
        if hasattr(self.model.config, "apply_spec_augment"):
            self.model.config.apply_spec_augment = False  # fails on clips shorter than its mask

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        found = self.model(self.features(waveform), output_hidden_states=True)
        return found.logits, found.hidden_states[-1].flatten(1, -2).mean(dim=1)

    def save(self, folder: Path) -> None:
        """Write weights and settings, as `from_pretrained` reads them."""
        self.model.save_pretrained(folder)
        self.extractor.save_pretrained(folder)


def _features(extractor: Any) -> nn.Module:
    if isinstance(extractor, WaveformExtractor):
        return _Normalise() if extractor.do_normalize else nn.Identity()
    if isinstance(extractor, WhisperExtractor) and not getattr(extractor, "do_normalize", False):
        return _WhisperMel(extractor)
    return _AnyFeatures(extractor)


class _Normalise(nn.Module):
    """Zero mean and unit variance per utterance, as wav2vec 2.0's extractor does."""

    def forward(self, waveform: Tensor) -> Tensor:
        centred = waveform - waveform.mean(dim=1, keepdim=True)
        return centred / torch.sqrt((centred * centred).mean(dim=1, keepdim=True) + 1e-7)


class _WhisperMel(nn.Module):
    """Whisper's log-mel spectrogram of 30 s, by a Fourier transform with real weights, which exports."""

    kernel: Tensor
    mel: Tensor

    def __init__(self, extractor: Any) -> None:
        super().__init__()
        self.samples, self.hop, self.points = extractor.n_samples, extractor.hop_length, extractor.n_fft
        time = torch.arange(self.points, dtype=torch.float64)
        bins = torch.arange(self.points // 2 + 1, dtype=torch.float64)
        angle = 2 * math.pi * bins[:, None] * time / self.points
        kernel = torch.cat([torch.cos(angle), torch.sin(angle)]) * torch.hann_window(self.points, dtype=torch.float64)
        self.register_buffer("kernel", kernel.float()[:, None], persistent=False)
        filters = torch.from_numpy(np.asarray(extractor.mel_filters, dtype=np.float32))
        self.register_buffer("mel", filters, persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        silence = waveform.new_zeros(waveform.shape[0], self.samples)
        padded = torch.cat([waveform, silence], dim=1)[:, : self.samples]
        framed = nn.functional.pad(padded[:, None], (self.points // 2, self.points // 2), mode="reflect")
        real, imaginary = nn.functional.conv1d(framed, self.kernel, stride=self.hop)[..., :-1].chunk(2, dim=1)
        power = (real * real + imaginary * imaginary).transpose(1, 2) @ self.mel
        logmel = torch.log10(torch.clamp(power, min=1e-10)).transpose(1, 2)
        return (torch.maximum(logmel, logmel.amax(dim=(1, 2), keepdim=True) - 8) + 4) / 4


class _AnyFeatures(nn.Module):
    """Any other extractor, in numpy: it works and trains, and cannot be exported."""

    def __init__(self, extractor: Any) -> None:
        super().__init__()
        self.extractor = extractor

    def forward(self, waveform: Tensor) -> Tensor:
        rows = [row.detach().cpu().numpy() for row in waveform]
        found = self.extractor(rows, sampling_rate=SAMPLE_RATE, return_tensors="pt", padding=True)
        name = "input_values" if "input_values" in found else "input_features"
        features: Tensor = found[name].to(waveform.device)
        return features
