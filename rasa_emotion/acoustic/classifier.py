"""What a voice sounds like. The models that ship were exported to ONNX and need no torch; others may run in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from rasa_emotion.acoustic.heads import HEADS, Network, one_by_one, read_head
from rasa_emotion.anger_weights import remember
from rasa_emotion.attributes import AttributeHead, load_head
from rasa_emotion.audio import (
    SAMPLE_RATE,
    Waveform,
    highpass,
    is_silent,
    resample,
    snr_db,
    speech_mask,
    trim_silence,
)
from rasa_emotion.audio.activity import FRAME_SECS
from rasa_emotion.emotions import EMOTIONS, as_probabilities
from rasa_emotion.errors import ConfigError, ModelError
from rasa_emotion.estimate import Evidence
from rasa_emotion.extras import missing_sentence
from rasa_emotion.model_folder import ModelFolder, read_model_folder
from rasa_emotion.plugins import class_of

KIND = "acoustic"
MODEL = "model.onnx"
IN_TORCH = "rasa_emotion.torch_backends.network.TorchNetwork"
"""Runs the classifiers of other people; named, not imported, since torch is loaded for who asks for it alone."""

MIN_SECS = 0.4
"""Shorter audio is repeated to this length; the network needs some frames to pool over."""

FULL_SPEECH_SECS = 1.5
"""Speech from which an utterance counts as fully reliable. The card's rows for the first 0.5, 1 and 2 s of each clip,
which hold 0.4, 0.9 and 1.7 s of speech, show how much is lost below it."""

MOST_AT_ONCE = 4
"""Windows in one batch. Larger ones save nothing, and neither does padding: `benchmarks/batches.py` has the curve."""

FRAME = round(FRAME_SECS * SAMPLE_RATE)

MIN_RELIABILITY = 0.1
"""Of audio in which there is hardly any speech. Where no voice is found at all, the reliability is 0: hold music and
tones say nothing of a caller, so the words decide."""


class OnnxNetwork:
    """An ONNX file: input `waveform` [batch, samples], outputs `logits` [batch, 8] and `embedding` [batch, d].

    A file that also takes `lengths` [batch] hears each item of a batch as it would hear it alone; of any other file,
    each sound is a batch of its own.

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
        self.takes_lengths = any(given.name == "lengths" for given in self._session.get_inputs())

    def run(self, outputs: Sequence[str], sounds: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        names = list(outputs)
        if not self.takes_lengths:
            return one_by_one(lambda sound: self._session.run(names, {"waveform": sound}), sounds)
        batches = alike(sounds)
        parts = [self._session.run(names, padded([sounds[row] for row in batch])) for batch in batches]
        order = np.argsort([row for batch in batches for row in batch])
        return [np.concatenate(part)[order] for part in zip(*parts, strict=True)]


def alike(sounds: Sequence[NDArray[np.float32]]) -> list[list[int]]:
    """The rows of each batch: sounds of one length, at most `MOST_AT_ONCE`.

    Padding moves the spectrogram by a rounding of float32, differently on each kind of CPU; where that takes a value
    over one of the steps of int8, a probability moves by more than 0.001.

    >>> alike([np.zeros(100), np.zeros(300), np.zeros(100)])
    [[0, 2], [1]]
    """
    batches: list[list[int]] = []
    for row in sorted(range(len(sounds)), key=lambda row: len(sounds[row])):
        last = batches[-1] if batches else []
        fits = 0 < len(last) < MOST_AT_ONCE and len(sounds[row]) == len(sounds[last[0]])
        batches = [*batches[:-1], [*last, row]] if fits else [*batches, [row]]
    return batches


def padded(sounds: Sequence[NDArray[np.float32]]) -> dict[str, NDArray[np.generic]]:
    """The inputs of a network that takes lengths, for sounds of any lengths: zeros fill up the shorter ones."""
    waveform = np.zeros((len(sounds), max(len(sound) for sound in sounds)), np.float32)
    for row, sound in enumerate(sounds):
        waveform[row, : len(sound)] = sound
    return {"waveform": waveform, "lengths": np.array([len(sound) for sound in sounds], dtype=np.int64)}


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
        return self._run([self._turn(waveform)])[0][0]

    def embed(self, waveform: Waveform) -> NDArray[np.float32]:
        """The embedding behind the logits, float32, shape [d]."""
        return self._run([self._turn(waveform)])[0][1]

    def classify(self, waveform: Waveform) -> Evidence:
        """Evidence of one utterance of up to some 30 s; cut what is longer with `stream_windows`.

        A long utterance is heard in windows, as the model's folder says, and the mean of what they say is taken,
        weighted by the speech in each. Reliability grows with the seconds in which a voice speaks
        (`audio.speech_mask`), from `MIN_RELIABILITY` to 1 at `FULL_SPEECH_SECS`; it is 0 for silence, tones, music and
        noise.

        Example: `AcousticClassifier.load("models/acoustic").classify(load_audio("call.wav")).emotion`
        """
        return self.classify_many([waveform])[0]

    def classify_many(self, waveforms: Sequence[Waveform]) -> list[Evidence]:
        """Evidence of each utterance, in order, from one call of the network: it batches windows of like length."""
        if not waveforms:
            return []
        turns = [self._turn(waveform) for waveform in waveforms]
        found = self._run(turns)
        return [self._evidence(turn, *heard) for turn, heard in zip(turns, found, strict=True)]

    def _evidence(self, turn: "_Turn", logits: NDArray[np.float64], embedding: NDArray[np.float32]) -> Evidence:
        scaled = logits / self.temperature
        exponentials = np.exp(scaled - scaled.max())
        reliability = min(1.0, max(MIN_RELIABILITY, turn.speech_secs / FULL_SPEECH_SECS))
        return Evidence(
            modality="acoustic",
            probabilities=as_probabilities(exponentials / exponentials.sum()),
            reliability=0.0 if turn.silent or not turn.speech_secs else round(reliability, 4),
            model=self.name,
            quality={"speech_secs": turn.speech_secs, "snr_db": turn.snr_db},
            confused=self._confused.probability(embedding) if self._confused else None,
        )

    def _turn(self, waveform: Waveform) -> "_Turn":
        sound = highpass(resample(waveform) if waveform.sample_rate != SAMPLE_RATE else waveform)
        trimmed = trim_silence(sound)
        samples = np.ascontiguousarray(trimmed.samples, dtype=np.float32)
        if len(samples) < MIN_SECS * SAMPLE_RATE:
            samples = np.resize(samples, int(MIN_SECS * SAMPLE_RATE))
        spans = self._spans(len(samples))
        known = waveform.speech_secs if len(spans) == 1 else None
        spoken = speech_mask(trimmed) if known is None else np.ones(0, bool)
        return _Turn(
            windows=[samples[start:stop] for start, stop in spans],
            weights=_shares([float(spoken[start // FRAME : stop // FRAME].sum()) for start, stop in spans]),
            speech_secs=round(float(spoken.sum()) * FRAME_SECS, 2) if known is None else known,
            snr_db=snr_db(sound),
            silent=is_silent(sound),
        )

    def _spans(self, count: int) -> list[tuple[int, int]]:
        """First and last sample of each window that an utterance of `count` samples is heard in."""
        if count <= float(self.settings.get("longest_secs", np.inf)) * SAMPLE_RATE:
            return [(0, count)]
        window, hop = (round(float(self.settings[name]) * SAMPLE_RATE) for name in ("window_secs", "hop_secs"))
        starts = [*range(0, count - window, hop), count - window]
        return [(start, start + window) for start in starts]

    def _run(self, turns: Sequence["_Turn"]) -> list[tuple[NDArray[np.float64], NDArray[np.float32]]]:
        """Logits and embedding of each turn: the mean over its windows, weighted by the speech in them."""
        logits, embeddings = self._network.run(("logits", "embedding"), [w for turn in turns for w in turn.windows])
        found, start = [], 0
        for turn in turns:
            own = slice(start, start + len(turn.windows))
            heard = turn.weights @ logits[own].astype(np.float64), (turn.weights @ embeddings[own]).astype(np.float32)
            found.append(heard)
            start = own.stop
        return found


@dataclass(frozen=True)
class _Turn:
    """One utterance as the network hears it.

    Args:
        windows: 16 kHz samples, one or more.
        weights: of the windows, with sum 1.
        speech_secs: in which a voice speaks.
        snr_db: see `audio.snr_db`.
        silent: whether there is nothing to hear.
    """

    windows: list[NDArray[np.float32]]
    weights: NDArray[np.float64]
    speech_secs: float
    snr_db: float
    silent: bool


def _shares(amounts: Sequence[float]) -> NDArray[np.float64]:
    """With sum 1; equal where all are nought."""
    found = np.array(amounts)
    return found / found.sum() if found.sum() > 0 else np.full(len(found), 1 / len(found))


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
        remedy = f" {missing_sentence('It', 'torch', 'torch')}." if path == IN_TORCH else ""
        raise ModelError(f"'{model.path}': {error}{remedy}") from error
    if not callable(getattr(network, "run", None)):
        raise ModelError(f"'{model.path}': the backend '{path}' lacks 'run' of acoustic.heads.Network.")
    return network
