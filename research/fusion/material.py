"""What both models make of held-out clips and sentences, in quiet and degraded: evidence, embeddings and states."""

import csv
import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tqdm import tqdm

from rasa_emotion.acoustic import AcousticClassifier
from rasa_emotion.acoustic.classifier import padded
from rasa_emotion.acoustic.heads import HEADS, Network, head_names, one_by_one, read_head
from rasa_emotion.audio import Waveform
from rasa_emotion.corpora.manifest import read_manifest
from rasa_emotion.corpora.text import LabelledText, read_text_corpus
from rasa_emotion.emotions import EMOTIONS, as_array
from rasa_emotion.errors import ConfigError, ModelError
from rasa_emotion.estimate import Evidence
from rasa_emotion.fusion.trust import RECOGNISER, SNR
from rasa_emotion.model_folder import MANIFEST, read_model_folder
from rasa_emotion.text import TextClassifier
from rasa_emotion.text.classifier import MODEL_FILE, TOKENIZER_FILE
from rasa_emotion.text.cleaning import clean
from rasa_emotion.training.acoustic.clips import as_float, audible, clip_sounds, noise_sounds
from rasa_emotion.training.acoustic.outoffold import conditions, first_seconds
from research.fusion.recogniser import ERROR_RATES, Misheard, recognised, vocabulary

logger = logging.getLogger(__name__)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SEED = 20_26
PARTS = 5
CLEAN = 0
"""The number of the undisturbed condition, of voices and of words."""

CORPUS = "ravdess"
HELDOUT_FILE = "heldout_logits.csv"
TEST_PART = "customer_test"
"""Sentences that stay a test set and are never fitted on."""

FRAMES_PER_STATE = 8
MAX_FRAMES, MAX_TOKENS = 14, 24


@dataclass(frozen=True)
class Material:
    """One modality's held-out items under each condition.

    Args:
        conditions: names; the first is undisturbed.
        labels, parts, groups: emotion, part and speaker (or sentence) of each item, shape [items].
        probabilities: calibrated, shape [conditions, items, 8].
        reliability: as the evidence has it, shape [conditions, items].
        measured: signal-to-noise ratio in dB, or the recogniser's confidence; shape [conditions, items].
        embeddings: shape [conditions, items, d].
        states: of frames or tokens, shape [conditions, items, longest, width], 0 behind the end.
        lengths: of the states, shape [conditions, items].
    """

    conditions: tuple[str, ...]
    labels: Ints
    parts: Ints
    groups: NDArray[np.str_]
    probabilities: Floats
    reliability: Floats
    measured: Floats
    embeddings: NDArray[np.float32]
    states: NDArray[np.float16]
    lengths: Ints


@dataclass(frozen=True)
class Item:
    """One clip or sentence under one condition."""

    evidence: Evidence
    embedding: NDArray[np.float32]
    states: NDArray[np.float32]


def hear_voices(folder: Path, data: Path, cache: Path) -> Material:
    """Every RAVDESS clip by the model that was not trained on its speaker: the head of its fold, where there is one.

    Raises:
        ConfigError: the recordings are missing.
        ModelError: the model folder cannot be used.
    """
    clips = [clip for clip in read_manifest(data, corpora=[CORPUS]) if clip.emotion is not None]
    noises = noise_sounds(data, cache, held_out=True)
    heard = conditions(noises) | {"first 1 s": first_seconds(1.0)}
    file = cache / f"fusion-voices-{_digest(folder, [*heard, *(clip.path for clip in clips)])}.npz"
    if not file.is_file():
        sounds = clip_sounds(clips, data, cache)
        clips = audible(clips, sounds)
        network = Recording(folder / "model.onnx", cache)
        models = fold_models(folder, network)
        items = []
        for name, disturb in heard.items():
            for clip in tqdm(clips, desc=f"hear {name}", mininterval=5):
                model = models[clip.fold if clip.fold in models else None]
                evidence = model.classify(disturb(Waveform(as_float(sounds[clip.path])), clip.path))
                items.append(Item(evidence, *network.last))
        _store(
            file,
            _material(
                tuple(heard), [(c.emotion or "", str(c.fold or c.speaker), c.speaker) for c in clips], items, SNR
            ),
        )
    return _stored(file)


def read_words(folder: Path, data: Path, cache: Path) -> Material:
    """Every held-out sentence of the text model as it was written, and as recognisers of several error rates print it.

    Raises:
        ConfigError: the sentences are missing.
        ModelError: the model folder cannot be used.
    """
    rows = _held_out(folder, data)
    file = cache / f"fusion-words-{_digest(folder, [str(ERROR_RATES), *(row.id for row in rows)])}.npz"
    if not file.is_file():
        known = vocabulary([row.text for row in read_text_corpus(data, "goemotions_train")])
        classifier, states = TextClassifier.load(folder), _TokenStates(folder, cache)
        items = []
        for rate in ERROR_RATES:
            for row in tqdm(rows, desc=f"read, {rate:.0%} of the words wrong", mininterval=5):
                said = Misheard(row.text, 1.0) if rate == 0 else recognised(row.text, rate, known)
                evidence = classifier.classify(said.text)
                measured = Evidence(**{**vars(evidence), "quality": {RECOGNISER: said.confidence}})
                items.append(Item(measured, *states.read(said.text)))
        names = tuple("transcript" if rate == 0 else f"{rate:.0%} wrong" for rate in ERROR_RATES)
        _store(file, _material(names, [(next(iter(row.target)), row.id, row.id) for row in rows], items, RECOGNISER))
    return _stored(file)


def _held_out(folder: Path, data: Path) -> list[LabelledText]:
    """The sentences whose logits lie beside the text model, but for the test set."""
    file = folder / HELDOUT_FILE
    if not file.is_file():
        raise ConfigError(f"'{file}' is missing, which names the held-out sentences: build the text model again.")
    with file.open(newline="", encoding="utf-8") as stream:
        wanted = [(row["part"], row["id"]) for row in csv.DictReader(stream) if row["part"] != TEST_PART]
    texts = {
        part: {row.id: row for row in read_text_corpus(data, part)} for part in sorted({part for part, _ in wanted})
    }
    return [texts[part][identity] for part, identity in wanted]


def fold_models(folder: Path, network: Network) -> dict[int | None, AcousticClassifier]:
    """The model of each fold, under None the one that ships, for speakers that it was not trained on."""
    manifest = read_model_folder(folder, "acoustic")
    settings: dict[str, Any] = {"name": manifest.name, "temperature": _temperature(folder)}
    file = folder / "folds" / HEADS
    folds = [name for name in head_names(file) if name.startswith("fold")]
    if CORPUS in manifest.settings["corpora"] and len(folds) < PARTS:
        raise ModelError(f"'{file}' lacks heads of folds, so that '{folder}' knows every speaker: ship it again.")
    return {
        None: AcousticClassifier(network, **settings),
        **{int(n.removeprefix("fold")): AcousticClassifier(read_head(file, n, network), **settings) for n in folds},
    }


class Recording:
    """An acoustic model that keeps the last embedding and the frame states behind it."""

    def __init__(self, model: Path, cache: Path) -> None:
        self._session, self._states = _open_with_states(model, cache)
        self._takes_lengths = any(given.name == "lengths" for given in self._session.get_inputs())
        self.last: tuple[NDArray[np.float32], NDArray[np.float32]]

    def run(self, outputs: Sequence[str], sounds: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        names = ["logits", "embedding", self._states]

        def hear(waveform: NDArray[np.float32]) -> list[NDArray[np.float32]]:
            inputs = padded(list(waveform)) if self._takes_lengths else {"waveform": waveform}
            found = dict(zip(names, self._session.run(names, inputs), strict=True))
            self.last = found["embedding"][0], _thinned(found[self._states][0])
            return [found[name] for name in outputs]

        return one_by_one(hear, sounds)


class _TokenStates:
    """Embedding and token states of sentences."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self._session, self._states = _open_with_states(folder / MODEL_FILE, cache)
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._spelled = bool(read_model_folder(folder, "text").settings.get("spell_emoji", False))

    def read(self, text: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        ids = np.array([self._tokenizer.encode(clean(text, spelled=self._spelled)).ids], dtype=np.int64)
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        embedding, states = self._session.run(["embedding", self._states], inputs)
        return embedding[0], states[0]


def _open_with_states(model: Path, cache: Path) -> tuple[onnxruntime.InferenceSession, str]:
    """A session whose states before the pooling can be asked for, and their name."""
    graph = onnx.load(str(model))
    states = _joined_states(graph.graph) or _normed_states(graph.graph)
    if states is None:
        raise ModelError(f"'{model}' pools no states of an encoder: early and attention fusion need one.")
    graph.graph.output.append(onnx.helper.make_tensor_value_info(states, onnx.TensorProto.FLOAT, None))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"]), states


def _joined_states(graph: onnx.GraphProto) -> str | None:
    """The states of several layers side by side that are masked and summed, as the voice's trunk pools them."""
    made = {output: node for node in graph.node for output in node.output}
    for node in graph.node:
        masked = made.get(node.input[0]) if node.op_type == "ReduceSum" else None
        if masked is not None and masked.op_type == "Mul":
            for name in masked.input:
                if name in made and made[name].op_type == "Concat":
                    return str(name)
    return None


def _normed_states(graph: onnx.GraphProto) -> str | None:
    """What the first mean or sum is taken of that has passed a layer's norm."""
    normed: set[str] = set()
    for node in graph.node:
        if node.op_type in {"ReduceMean", "ReduceSum"} and node.input[0] in normed:
            return str(node.input[0])
        if node.op_type == "LayerNormalization" or normed.intersection(node.input):
            normed.update(node.output)
    return None


def _thinned(states: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of every `FRAMES_PER_STATE` states in a row."""
    starts = np.arange(0, len(states), FRAMES_PER_STATE)
    counts = np.diff([*starts, len(states)])
    thinned: NDArray[np.float32] = np.add.reduceat(states, starts, axis=0) / counts[:, None]
    return thinned[:MAX_FRAMES]


def _material(
    names: tuple[str, ...], rows: Sequence[tuple[str, str, str]], items: Sequence[Item], measured: str
) -> Material:
    """Arrays of the items, condition by condition, dealt into parts by the second column of the rows."""
    shape = (len(names), len(rows))
    longest = max(len(item.states) for item in items)
    states = np.zeros((len(items), longest, items[0].states.shape[1]), dtype=np.float16)
    for number, item in enumerate(items):
        states[number, : len(item.states)] = item.states
    dealt = [part for _, part, _ in rows]
    numbers = np.random.default_rng(SEED).permutation(len(set(dealt))) % PARTS
    return Material(
        conditions=names,
        labels=np.array([EMOTIONS.index(label) for label, _, _ in rows]),
        parts=numbers[np.unique(dealt, return_inverse=True)[1]],
        groups=np.array([group for _, _, group in rows]),
        probabilities=np.stack([as_array(item.evidence.probabilities) for item in items]).reshape(*shape, -1),
        reliability=np.array([item.evidence.reliability for item in items]).reshape(shape),
        measured=np.array([item.evidence.quality[measured] for item in items]).reshape(shape),
        embeddings=np.stack([item.embedding for item in items]).astype(np.float32).reshape(*shape, -1),
        states=states.reshape(*shape, *states.shape[1:]),
        lengths=np.array([len(item.states) for item in items]).reshape(shape),
    )


def _digest(folder: Path, names: Sequence[str]) -> str:
    """Changes with the model, its temperature and heads, and with what is heard or read."""
    settings = (SEED, PARTS, FRAMES_PER_STATE, MAX_FRAMES, MAX_TOKENS, _temperature(folder))
    digest = hashlib.sha256("\n".join([str(settings), *names]).encode())
    for file in (folder / MODEL_FILE, folder / "folds" / HEADS):
        digest.update(file.read_bytes() if file.is_file() else b"")
    return digest.hexdigest()[:16]


def _temperature(folder: Path) -> float:
    return float(json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["temperature"])


def _store(file: Path, material: Material) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".part")
    with partial.open("wb") as stream:
        np.savez(stream, **{field.name: np.asarray(getattr(material, field.name)) for field in fields(Material)})
    partial.replace(file)


def _stored(file: Path) -> Material:
    with np.load(file) as stored:
        arrays = {name: stored[name] for name in stored.files}
    return Material(**{**arrays, "conditions": tuple(str(name) for name in arrays["conditions"])})
