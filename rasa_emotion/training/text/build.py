"""Make the model folder that ships out of a training:
`python -m rasa_emotion.training.text.build runs/text/emotions8 --out models/text`.

Chooses the class bias and the temperature on the inner split of the training part, exports to int8, and writes the
logits of held-out sentences for the fusion's fit.
"""

import csv
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rasa_emotion.corpora.text import LabelledText, read_sentences, read_text_corpus
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError, RasaEmotionError, TextError
from rasa_emotion.evaluation.metrics import fit_temperature, macro_f1, unweighted_accuracy
from rasa_emotion.model_folder import write_manifest
from rasa_emotion.text import TextClassifier
from rasa_emotion.text.classifier import MODEL_FILE, TOKENIZER_FILE, vocabulary_checksum
from rasa_emotion.text.reading import ENGLISH
from rasa_emotion.training.text.data import as_target, read_sources, split_sources, tokenize
from rasa_emotion.training.text.export import export_int8
from rasa_emotion.training.text.figures import single_labels
from rasa_emotion.training.text.model import TextEmotionModel, load_model, save_model
from rasa_emotion.training.text.predict import predict
from rasa_emotion.training.text.provenance import TEXTS, licence_of, provenance
from rasa_emotion.training.text.recipe import Recipe, read_recipe
from rasa_emotion.training.text.start import load_tokenizer
from rasa_emotion.training.text.teacher import read_taught_sources

MAX_TOKENS = 128
BIASED = "biased"
"""Folder inside a run: the weights that were exported, in float32, to measure what int8 costs."""
HELDOUT_FILE = "heldout_logits.csv"
STRENGTHS = np.arange(11) / 10
"""Never below 0, which would favour what is frequent on Reddit: callers are angry more often than that."""
SEEN = 200
"""Sentences that tell how large the network's numbers are; some hundred are as good as all."""
APACHE_FILE = Path(__file__).parent.parent / "acoustic" / "licences" / "Apache-2.0.txt"


@dataclass(frozen=True)
class Scored:
    """Sentences with one label: the label's number, shape [rows], and logits, shape [rows, 8]."""

    rows: list[LabelledText]
    truth: NDArray[np.int64]
    logits: NDArray[np.float64]


def build(recipe: Recipe, run: Path, data: Path, out: Path, *, beside: Path) -> None:
    """Write `model.onnx`, `tokenizer.json`, `model.json` and LICENSE into `out`, and what was exported into `run`."""
    if recipe.labels != EMOTIONS:
        raise ConfigError("Only a model of the eight emotions can be built; its recipe lists other labels.")
    if recipe.speakers:
        raise ConfigError("Nobody names the speakers of a conversation at run time; set speakers to false.")
    # tokenizer and provenance are those of the run, wherever it started from
    recipe = replace(recipe, start=str(run))
    out.mkdir(parents=True, exist_ok=True)
    model = load_model(run)
    strength = add_class_bias(model, recipe, data, beside)
    save_model(model, run / BIASED)
    seen = seen_sentences(recipe, data, beside)
    export_int8(model, out / MODEL_FILE, pools_utterance=recipe.pool == "utterance", sentences=seen)
    tokenizer = load_tokenizer(start=recipe.start)
    tokenizer.save(str(out / TOKENIZER_FILE), pretty=False)
    names = provenance(recipe)
    licence, commercial = licence_of(names)
    (out / "LICENSE").write_text(TEXTS.get(licence) or APACHE_FILE.read_text(encoding="utf-8"), encoding="utf-8")
    facts = {
        "licence": licence,
        "commercial": commercial,
        "summary": f"{summary_of(recipe.languages)}, eight emotions; trained on {', '.join(names)}",
        "labels": list(EMOTIONS),
        "languages": list(recipe.languages),
        "max_tokens": min(MAX_TOKENS, model.encoder.config.max_position_embeddings),
        "context_turns": recipe.context_turns,
        "spell_emoji": recipe.spell_emoji,
        "vocabulary": vocabulary_checksum(tokenizer),
        "class_bias_strength": strength,
    }
    files = [MODEL_FILE, TOKENIZER_FILE]
    write_manifest(out, files, name="text", kind="text", **facts, temperature=1.0)
    held = score_single(TextClassifier.load(out).logits, inner_rows(recipe, data, beside))
    temperature = fit_temperature(held.truth, held.logits)
    write_manifest(out, files, name="text", kind="text", **facts, temperature=temperature)


def summary_of(languages: Sequence[str]) -> str:
    """What sentences a model reads, for people.

    >>> summary_of(("de", "en"))
    'Sentences in de, en'
    """
    return "English sentences" if tuple(languages) == ENGLISH else f"Sentences in {', '.join(languages)}"


def add_class_bias(model: TextEmotionModel, recipe: Recipe, data: Path, beside: Path) -> float:
    """Move the head's bias towards rare emotions by as much as the inner split likes best; returns how much.

    The bias is -strength * log(share of the emotion in the training rows) (Menon et al., "Long-tail learning via logit
    adjustment", 2021); the best strength is the one with the highest mean of macro-F1 and UA.
    """
    parts = split_sources(recipe, read_taught_sources(recipe, data, beside))
    shares = np.stack([as_target(row, recipe.labels) for kept, _ in parts for row in kept]).sum(0)
    held = [row for number, (_, rows) in enumerate(parts) for row in tokenize(rows, recipe, number)]
    # an emotion that the rows lack stays where it is: how rare it is among callers, they cannot say
    offset = np.log(np.where(shares > 0, shares / shares.sum(), 1.0))
    single, truth = single_labels(held)
    logits = predict(model, held, recipe.pool)[single]

    def figure(strength: float) -> float:
        found = (logits - strength * offset).argmax(1)
        return macro_f1(truth, found) + unweighted_accuracy(truth, found)

    best = float(max(STRENGTHS, key=figure))
    with torch.no_grad():
        model.head.bias.sub_(torch.from_numpy(best * offset).to(model.head.bias))
    return best


def seen_sentences(recipe: Recipe, data: Path, beside: Path) -> list[list[int]]:
    """Token ids of some rows that were trained on, drawn at random, to see how large the network's numbers are."""
    rows = [row for kept, _ in split_sources(recipe, read_sources(recipe, data, beside)) for row in kept]
    drawn = np.random.default_rng(0).permutation(len(rows))[:SEEN]
    return [list(row.tokens.ids) for row in tokenize([replace(rows[number], target={}) for number in drawn], recipe)]


def inner_rows(recipe: Recipe, data: Path, beside: Path) -> list[LabelledText]:
    """The rows that no training of this recipe has seen, as sentences."""
    return [row for _, held in split_sources(recipe, read_sources(recipe, data, beside)) for row in held]


def score_single(logits: Callable[..., NDArray[np.float32]], rows: Sequence[LabelledText]) -> Scored:
    """Logits of the rows that have one label and hold a word; earlier turns are passed where a row has some."""
    kept, found = [], []
    for row in rows:
        if len(row.target) > 1:
            continue
        try:
            earlier = [[turn.text for turn in row.earlier]] if row.earlier else []
            found.append(logits(row.text, *earlier))
        except TextError:
            continue
        kept.append(row)
    truth = np.array([EMOTIONS.index(next(iter(row.target))) for row in kept])
    return Scored(kept, truth, np.stack(found).astype(np.float64))


def write_heldout(classifier: TextClassifier, data: Path, sentences: Path, out: Path, *, per_emotion: int) -> None:
    """Logits of sentences that were never trained on: id, part, emotion, eight logits; no texts.

    Args:
        classifier: the model that ships.
        data: the folder of the corpora.
        sentences: CSV file of the project's own test sentences.
        out: the CSV file to write.
        per_emotion: at most that many GoEmotions rows of each emotion, so that all are well represented.
    """
    rows = read_text_corpus(data, "goemotions_dev")
    order = np.random.default_rng(0).permutation(len(rows))
    counts = dict.fromkeys(EMOTIONS, 0)
    chosen = []
    for index in order:
        label = next(iter(rows[index].target))
        if len(rows[index].target) == 1 and counts[label] < per_emotion:
            counts[label] += 1
            chosen.append(rows[index])
    parts = {"goemotions_dev": chosen, "customer_test": read_sentences(sentences)}
    with out.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["id", "part", "emotion", *EMOTIONS])
        for part, part_rows in parts.items():
            scored = score_single(classifier.logits, sorted(part_rows, key=lambda row: row.id))
            for row, truth, logits in zip(scored.rows, scored.truth, scored.logits, strict=True):
                writer.writerow([row.id, part, EMOTIONS[truth], *(f"{value:.4f}" for value in logits)])


def main() -> None:
    parser = ArgumentParser(prog="rasa_emotion.training.text.build", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--recipe", type=Path, default=Path(__file__).parent / "recipes" / "emotions8.yaml")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sentences", type=Path, default=Path("tests/data/customer_test_sentences.csv"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--heldout-per-emotion", type=int, default=200)
    options = parser.parse_args()
    torch.set_num_threads(1)
    try:
        build(read_recipe(options.recipe), options.run, options.data, options.out, beside=options.recipe.parent)
        write_heldout(
            TextClassifier.load(options.out),
            options.data,
            options.sentences,
            options.out / HELDOUT_FILE,
            per_emotion=options.heldout_per_emotion,
        )
    except RasaEmotionError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
