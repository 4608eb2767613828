"""Tunes the whole text model on a handful of examples: sentences of one emotion are drawn together, others apart.

The method is that of L. Tunstall et al., "Efficient few-shot learning without prompts" (SetFit), 2022: contrastive
tuning of the encoder on pairs of examples with `sentence-transformers`, then a logistic regression on its embeddings.
Here the encoder is that of a text model that knows emotions already.
"""

import csv
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import losses, modules
from sentence_transformers.sentence_transformer.readers import InputExample
from torch.utils.data import DataLoader
from transformers import PreTrainedTokenizerFast

from rasa_emotion.corpora.text import read_sentences
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError
from rasa_emotion.model_folder import shipped_models, write_manifest
from rasa_emotion.text import TextClassifier
from rasa_emotion.text.adaptation import check_examples, fit
from rasa_emotion.text.adapter import Adapter
from rasa_emotion.text.classifier import MODEL_FILE, TOKENIZER_FILE
from rasa_emotion.training.claim import require_unused
from rasa_emotion.training.text.build import SEEN
from rasa_emotion.training.text.dequantize import dequantized, pools_utterance
from rasa_emotion.training.text.export import export_int8
from rasa_emotion.training.text.model import TextEmotionModel

READ = ("labels", "languages", "max_tokens", "vocabulary", "spell_emoji", "context_turns")
"""The settings that say how sentences are read; they stay as they are."""
LICENCE_FILE, CARD_FILE = "LICENSE", "card.md"
Examples = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Tuning:
    """Settings of a tuning.

    Args:
        pairs: of the same and of another emotion each, per example.
        batch_size: pairs in a step.
        learning_rate: highest, after the warm-up.
        warmup_share: of the steps, in which the rate rises.
        seed: of the pairs and their order.
    """

    pairs: int = 5
    batch_size: int = 16
    learning_rate: float = 2e-5
    warmup_share: float = 0.1
    seed: int = 1


def tune(base: Path, examples: Examples, out: Path, tuning: Tuning | None = None) -> TextClassifier:
    """Tune a text model on (text, emotion) pairs and write the result as a model folder of kind "text".

    Args:
        base: folder of the text model to start from.
        examples: what it is tuned on.
        out: the folder to write.
        tuning: the settings; the usual ones by default.

    Raises:
        ConfigError: an emotion is not among the eight, a text holds no word, or there are too few examples.
        ModelError: the model at `base` cannot be read back into PyTorch.
    """
    classifier = TextClassifier.load(base)
    check_examples(classifier, examples)
    model = dequantized(classifier)
    _contrast(model, classifier, examples, tuning or Tuning())
    with TemporaryDirectory() as draft:  # the head is fitted to embeddings as the export gives them
        _write(model, classifier, Path(draft), examples)
        tuned = TextClassifier.load(draft)
        _blend_heads(model, tuned, examples, temperature=float(classifier.folder.settings["temperature"]))
    _write(model, classifier, out, examples)
    return TextClassifier.load(out)


def tuner(base: Path, tuning: Tuning | None = None) -> Callable[[Examples, int], TextClassifier]:
    """A function of examples and seed that gives a tuned classifier and keeps no folder."""
    settings = tuning or Tuning()

    def run(examples: Examples, seed: int) -> TextClassifier:
        with TemporaryDirectory() as folder:
            return tune(base, examples, Path(folder), replace(settings, seed=seed))

    return run


def tune_on_file(path: Path, out: Path, *, base: Path | None = None) -> dict[str, Any]:
    """Tune on the examples of a CSV file, see `tune`; from the model that ships where no `base` is named.

    Raises ConfigError also where `out` holds something.
    """
    require_unused(out)
    examples = read_examples(path)
    folder = tune(base or shipped_models() / "text", examples, out).folder
    return {"folder": str(out), "examples": len(examples), "licence": folder.use}


def read_examples(path: Path) -> list[tuple[str, str]]:
    """The (text, emotion) pairs of a CSV file.

    Raises:
        ConfigError: the file is missing, is no table, or lacks one of the columns.
    """
    if not path.is_file():
        raise ConfigError(
            f"The file of examples '{path}' is missing; name a CSV file with the columns text and emotion."
        )
    try:
        return [(row.text, next(iter(row.target))) for row in read_sentences(path)]
    except (KeyError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"'{path}' is no table of examples; write CSV in UTF-8 with text and emotion.") from error


def pair_up(labels: NDArray[np.int64], tuning: Tuning) -> list[tuple[int, int, float]]:
    """Rows of two examples each, with 1 for the same emotion and 0 for another, as many of both."""
    random = np.random.default_rng(tuning.seed)
    found = []
    for row, label in enumerate(labels):
        same = np.flatnonzero((labels == label) & (np.arange(len(labels)) != row))
        other = np.flatnonzero(labels != label)
        for rows, target in ((same, 1.0), (other, 0.0)):
            # an emotion with a single example has no pair of its own
            if len(rows):
                found += [(row, int(partner), target) for partner in random.choice(rows, tuning.pairs)]
    return found


def _contrast(model: TextEmotionModel, classifier: TextClassifier, examples: Examples, tuning: Tuning) -> None:
    """Move the encoder in place; its word embeddings stay, as few examples say little about most words."""
    torch.manual_seed(tuning.seed)
    labels = np.array([EMOTIONS.index(emotion) for _, emotion in examples])
    pairs = [
        InputExample(texts=[examples[first][0], examples[second][0]], label=target)
        for first, second, target in pair_up(labels, tuning)
    ]
    with TemporaryDirectory() as folder:
        sentences = _sentence_transformer(model, classifier, Path(folder))
        encoder: Any = sentences[0].auto_model
        encoder.embeddings.requires_grad_(False)
        loader: Any = DataLoader(pairs, batch_size=tuning.batch_size, shuffle=True)  # type: ignore[arg-type]
        sentences.old_fit(  # `fit` needs two packages more, for large data
            [(loader, losses.CosineSimilarityLoss(sentences))],
            warmup_steps=round(tuning.warmup_share * len(loader)),
            optimizer_params={"lr": tuning.learning_rate},
        )
        model.encoder.load_state_dict(encoder.state_dict())
    model.eval()


def _sentence_transformer(model: TextEmotionModel, classifier: TextClassifier, folder: Path) -> SentenceTransformer:
    model.encoder.save_pretrained(folder)
    make: Any = PreTrainedTokenizerFast  # its initialiser has no annotations
    tokenizer = make(
        tokenizer_file=str(classifier.folder.file(TOKENIZER_FILE)),
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_input_names=["input_ids", "attention_mask"],
    )
    tokenizer.save_pretrained(folder)
    words = modules.Transformer(str(folder), max_seq_length=int(classifier.folder.settings["max_tokens"]))
    pooling = modules.Pooling(model.encoder.config.dim)
    found: SentenceTransformer = SentenceTransformer(modules=[words, pooling], device="cpu")
    return found


def _blend_heads(model: TextEmotionModel, tuned: TextClassifier, examples: Examples, *, temperature: float) -> None:
    """Put the logistic regression into the network's own head, which then needs no temperature.

    Nothing is blended for the emotions that have examples: the encoder moves so far that what the head said before does
    not fit it any more. The others keep their logits; a shift keeps their probability in the mean over the examples.
    """
    found = [tuned.read(text) for text, _ in examples]
    own, embeddings = (np.stack(parts).astype(np.float64) for parts in zip(*found, strict=True))
    labels = np.array([EMOTIONS.index(emotion) for _, emotion in examples])
    learned = replace(fit(embeddings, labels, own, choose=False), blend=1.0)
    weight, bias = (part.detach().double().numpy() / temperature for part in (model.head.weight, model.head.bias))
    blended = _blended(weight, bias, learned, embeddings)
    with torch.no_grad():
        for part, value in zip((model.head.weight, model.head.bias), blended, strict=True):
            part.copy_(torch.from_numpy(value))


def _blended(
    weight: NDArray[np.float64], bias: NDArray[np.float64], learned: Adapter, embeddings: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The head's weights, shape [8, d], and bias, shape [8], with those of what was learned."""
    known = [EMOTIONS.index(emotion) for emotion in learned.emotions]
    weights, biases = weight.copy(), bias.copy()
    weights[known] = learned.blend * learned.weights + (1 - learned.blend) * weight[known]
    biases[known] = learned.blend * learned.bias + (1 - learned.blend) * bias[known]
    before, after = (
        np.logaddexp.reduce(embeddings @ w[known].T + b[known], axis=1) for w, b in ((weight, bias), (weights, biases))
    )
    biases[known] += (before - after).mean()
    return weights, biases


def _write(model: TextEmotionModel, classifier: TextClassifier, out: Path, examples: Examples) -> None:
    base = classifier.folder
    out.mkdir(parents=True, exist_ok=True)
    export_int8(
        model,
        out / MODEL_FILE,
        pools_utterance=pools_utterance(base.file(MODEL_FILE)),
        sentences=[classifier.token_ids(text) for text, _ in examples[:SEEN]],
    )
    for name in (TOKENIZER_FILE, LICENCE_FILE):
        shutil.copyfile(base.file(name), out / name)
    counts = {emotion: sum(label == emotion for _, label in examples) for emotion in EMOTIONS}
    listed = ", ".join(f"{count} {emotion}" for emotion, count in counts.items() if count)
    (out / CARD_FILE).write_text(
        f"# Text: tuned on a bot's own examples\n\nThe model '{base.name}' ({base.use}; `model.json` has SHA-256 "
        f"{base.checksum}), tuned by contrast on {len(examples)} examples ({listed}).\n\nIts figures are unknown until "
        "it is scored on sentences that it has not seen: `rasa-emotion evaluate`.\n",
        encoding="utf-8",
    )
    write_manifest(
        out,
        [MODEL_FILE, TOKENIZER_FILE, LICENCE_FILE, CARD_FILE],
        **{
            **{name: base.settings[name] for name in READ if name in base.settings},
            "name": f"{base.name}-tuned",
            "kind": "text",
            "licence": base.licence,
            "commercial": base.commercial,
            "summary": f"{base.summary}; tuned on {len(examples)} examples of a bot",
            "temperature": 1.0,
        },
    )
