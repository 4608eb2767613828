"""What a voice sounds like. The models that ship were exported to ONNX and need no torch; others may run in it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from rasa_emotion.acoustic.heads import HEADS, Network, read_head
from rasa_emotion.anger_weights import remember
from rasa_emotion.attributes import AttributeHead, load_head
from rasa_emotion.audio import (
    SAMPLE_RATE,
    Waveform,
    highpass,
    is_silent,
    resample,
    snr_db,
    speech_secs,
    trim_silence,
)
from rasa_emotion.emotions import EMOTIONS, as_probabilities
from rasa_emotion.errors import ConfigError, ModelError
from rasa_emotion.estimate import Evidence
from rasa_emotion.model_folder import ModelFolder, read_model_folder
from rasa_emotion.plugins import class_of

KIND = "acoustic"
MODEL = "model.onnx"
LENGTHS = "lengths"
IN_TORCH = "rasa_emotion.torch_backends.network.TorchNetwork"
"""Runs the classifiers of other people; named, not imported, since torch is loaded for who asks for it alone."""

MIN_SECS = 0.4
"""Shorter audio is repeated to this length; the network needs some frames to pool over."""

FULL_SPEECH_SECS = 1.5
"""Speech from which an utterance counts as fully reliable. The card's rows for the first 0.5, 1 and 2 s of each clip,
which hold 0.4, 0.9 and 1.7 s of speech, show how much is lost below it."""

MIN_RELIABILITY = 0.1
"""Of audio in which no speech is found: a scream or a sob may say much, but so may a passing lorry."""


class OnnxNetwork:
    """An ONNX file: input `waveform` [batch, samples], outputs `logits` [batch, 8] and `embedding` [batch, d].

    One with a second input `lengths` [batch], the samples of each clip, takes several clips at once.

    Raises:
        ModelError: the file cannot be loaded.
    """

    def __init__(self, file: Path, *, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has no public base class of its errors
            raise ModelError(f"'{file}' cannot be loaded ({error}); reinstall rasa-emotion.") from error
        self.batches = any(found.name == LENGTHS for found in self._session.get_inputs())

    def run(
        self, outputs: Sequence[str], waveform: NDArray[np.float32], lengths: NDArray[np.int64] | None = None
    ) -> list[NDArray[np.float32]]:
        """Run the network once (see `heads.Network`)."""
        inputs: dict[str, NDArray[Any]] = {"waveform": waveform}
        if self.batches:
            whole = np.full(len(waveform), waveform.shape[1], dtype=np.int64)
            inputs[LENGTHS] = whole if lengths is None else lengths
        found: list[NDArray[np.float32]] = self._session.run(list(outputs), inputs)
        return found


class AcousticClassifier:
    """An acoustic model. Safe to share between threads.

    Args:
        model: what runs it, or its ONNX file.
        name: appears in the evidence.
        checksum: changes whenever the model does.
        temperature: divides the logits; fitted on clips that the model was not trained on.
        threads: of ONNX Runtime. One is fastest for a turn, and leaves the other cores to other callers.
        settings: everything else that `model.json` says.
        confused: the head on the embedding that says how confused the voice sounds, where the model has one.
    """

    def __init__(
        self,
        model: Path | Network,
        *,
        name: str,
        checksum: str = "",
        temperature: float = 1.0,
        threads: int = 1,
        settings: Mapping[str, Any] | None = None,
        confused: AttributeHead | None = None,
    ) -> None:
        self._network = OnnxNetwork(model, threads=threads) if isinstance(model, Path) else model
        self.name, self.checksum, self.temperature = name, checksum, temperature
        self.settings: Mapping[str, Any] = settings or {}
        self._confused = confused

    @classmethod
    def load(cls, folder: str | Path, *, threads: int = 1) -> "AcousticClassifier":
        """Load a model folder whose files were checked against their checksums.

        A manifest may name a `head` of the folder's `heads.npz` that replaces the model's own, as the fold models do.
        A folder whose manifest names another `backend` than "onnx" runs in torch, which is imported for it alone, or in
        a class of one's own, given by its module path: a `heads.Network` that is made of the `ModelFolder`.

        Raises:
            ModelError: the folder or a file is missing or altered, its labels are not the eight emotions, or what
                it runs in is not installed.
        """
        model = read_model_folder(folder, KIND)
        remember(model.name, model.path)
        if tuple(model.settings.get("labels", ())) != EMOTIONS:
            raise ModelError(f"'{model.path}' has other labels than {', '.join(EMOTIONS)}; train it with a recipe.")
        return cls(
            _network(model, threads),
            name=model.name,
            checksum=model.checksum,
            temperature=float(model.settings.get("temperature", 1.0)),
            threads=threads,
            settings={**model.settings, "licence": model.licence, "commercial": model.commercial},
            confused=load_head(model, "confused"),
        )

    def logits(self, waveform: Waveform) -> NDArray[np.float64]:
        """Eight logits before the temperature, in the order of `EMOTIONS`; silence at both ends is cut first."""
        return self._run(waveform, "logits")[0].astype(np.float64)

    def embed(self, waveform: Waveform) -> NDArray[np.float32]:
        """The embedding behind the logits, float32, shape [d]."""
        return self._run(waveform, "embedding")[0]

    def classify(self, waveform: Waveform) -> Evidence:
        """Evidence of one utterance of up to some 30 s; cut what is longer with `stream_windows`.

        Reliability grows with the seconds in which a voice speaks (`audio.speech_mask`), from `MIN_RELIABILITY`, also
        for tones, music and noise, to 1 at `FULL_SPEECH_SECS`; it is 0 for silence.

        Example: `AcousticClassifier.load("models/acoustic").classify(load_audio("call.wav")).emotion`
        """
        return self._evidence(waveform, *self._run(waveform, "logits", "embedding"))

    def classify_many(self, waveforms: Sequence[Waveform]) -> list[Evidence]:
        """What `classify` finds in each: one call of a network that takes lengths, else one call each."""
        if not self._network.batches or len(waveforms) < 2:
            return [self.classify(waveform) for waveform in waveforms]
        clips = [_samples(waveform) for waveform in waveforms]
        lengths = np.array([len(clip) for clip in clips], dtype=np.int64)
        padded = np.stack([np.pad(clip, (0, int(lengths.max()) - len(clip))) for clip in clips])
        outputs = zip(*self._network.run(("logits", "embedding"), padded, lengths), strict=True)
        return [self._evidence(waveform, *found) for waveform, found in zip(waveforms, outputs, strict=True)]

    def _evidence(self, waveform: Waveform, logits: NDArray[np.float32], embedding: NDArray[np.float32]) -> Evidence:
        scaled = logits.astype(np.float64) / self.temperature
        exponentials = np.exp(scaled - scaled.max())
        waveform = highpass(waveform)
        spoken = speech_secs(waveform)
        reliability = 0.0 if is_silent(waveform) else min(1.0, max(MIN_RELIABILITY, spoken / FULL_SPEECH_SECS))
        return Evidence(
            modality="acoustic",
            probabilities=as_probabilities(exponentials / exponentials.sum()),
            reliability=round(reliability, 4),
            model=self.name,
            quality={"speech_secs": spoken, "snr_db": snr_db(waveform)},
            confused=self._confused.probability(embedding) if self._confused else None,
        )

    def _run(self, waveform: Waveform, *outputs: str) -> list[NDArray[np.float32]]:
        return [found[0] for found in self._network.run(outputs, _samples(waveform)[None])]


def _samples(waveform: Waveform) -> NDArray[np.float32]:
    """What the network hears of a clip, at 16 kHz, shape [samples]: without silence at both ends, and long enough."""
    trimmed = trim_silence(resample(waveform) if waveform.sample_rate != SAMPLE_RATE else waveform)
    samples = np.ascontiguousarray(trimmed.samples, dtype=np.float32)
    return np.resize(samples, max(len(samples), int(MIN_SECS * SAMPLE_RATE)))


def _network(model: ModelFolder, threads: int) -> Network:
    backend = str(model.settings.get("backend", "onnx"))
    if backend == "onnx":
        network = OnnxNetwork(model.file(MODEL), threads=threads)
        head = model.settings.get("head")
        return read_head(model.file(HEADS), str(head), network) if head else network
    return _network_of(backend if "." in backend else IN_TORCH, model)


def _network_of(path: str, model: ModelFolder) -> Network:
    try:
        network: Network = class_of(path, "The backend")(model)
    except ConfigError as error:
        remedy = " It comes with: pip install 'rasa-emotion[torch]'." if path == IN_TORCH else ""
        raise ModelError(f"'{model.path}': {error}{remedy}") from error
    if not callable(getattr(network, "run", None)) or not isinstance(getattr(network, "batches", None), bool):
        raise ModelError(f"'{model.path}': the backend '{path}' lacks 'run' or 'batches' of acoustic.heads.Network.")
    return network
