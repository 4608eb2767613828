"""Score the model that ships and write its card:
`python -m rasa_emotion.training.text.report models/text --run runs/text/eighth --before runs/text/seventh`.

Every figure comes from rows that the training has not seen; the card says which of them were looked at before.
"""

import csv
import sys
from argparse import ArgumentParser
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from string import Template
from time import thread_time

import numpy as np
import torch
from numpy.typing import NDArray

from rasa_emotion.corpora.text import LabelledText, read_sentences, read_text_corpus
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import RasaEmotionError
from rasa_emotion.estimate import Evidence
from rasa_emotion.evaluation.metrics import (
    accuracy,
    average_auc,
    bootstrap,
    calibration_error,
    class_recall,
    macro_f1,
    softmax,
    unweighted_accuracy,
    weighted_f1,
)
from rasa_emotion.model_folder import sha256
from rasa_emotion.text import TextClassifier
from rasa_emotion.text.classifier import MODEL_FILE, TOKENIZER_FILE
from rasa_emotion.text.cleaning import LANGUAGE_WORDS
from rasa_emotion.training.attribute_card import with_attributes
from rasa_emotion.training.text.build import BIASED, Scored, score_single
from rasa_emotion.training.text.customers import overlap_table, style_table
from rasa_emotion.training.text.data import tokenize
from rasa_emotion.training.text.model import load_model
from rasa_emotion.training.text.predict import predict
from rasa_emotion.training.text.recipe import Recipe
from rasa_emotion.training.text.wording import wording_table

TEMPLATE = Path(__file__).parent / "card_template.md"
OWN_SENTENCES = Path(__file__).parent / "customer_sentences.csv"
TWELVE_WORDS = "I have been waiting for an hour and nobody has helped me"
PARTS = ("train", "train_more", "train_pairs", "train_kinds", "train_turns", "train_denials")
"""Of the customers' wording, in the order in which the stages came to them."""

REPEATS = 500
SAMPLES = 400
METRICS = {
    "UA": unweighted_accuracy,
    "macro-F1": macro_f1,
    "weighted F1": weighted_f1,
    "accuracy": accuracy,
}


@dataclass(frozen=True)
class Part:
    """One set of held-out sentences: its name in the card, and how the shipped model scored it."""

    name: str
    scored: Scored

    @property
    def found(self) -> NDArray[np.int64]:
        numbers: NDArray[np.int64] = self.scored.logits.argmax(1)
        return numbers


def score_parts(classifier: TextClassifier, rows: dict[str, list[LabelledText]]) -> list[Part]:
    """Every part through the classifier, as a bot would call it."""
    return [Part(name, score_single(classifier.logits, part)) for name, part in rows.items()]


def recall_table(parts: list[Part]) -> str:
    """Markdown: recall of each emotion in each part with its number of rows, then the summary figures."""
    lines = [_row(["emotion", *(part.name for part in parts)]), _row(["---"] * (len(parts) + 1))]
    recalls = [class_recall(part.scored.truth, part.found, len(EMOTIONS)) for part in parts]
    for number, emotion in enumerate(EMOTIONS):
        cells = []
        for part, recall in zip(parts, recalls, strict=True):
            count = int((part.scored.truth == number).sum())
            cells.append(f"{recall[number]:.2f} of {count:,}" if count else "none")
        lines.append(_row([emotion, *cells]))
    for name, metric in METRICS.items():
        lines.append(
            _row(
                [
                    f"**{name}**",
                    *(str(bootstrap(metric, part.scored.truth, part.found, samples=SAMPLES)) for part in parts),
                ]
            )
        )
    return "\n".join(lines)


def calibration_row(parts: list[Part], temperature: float) -> str:
    """Expected calibration error of each part, in words."""
    errors = [calibration_error(part.scored.truth, softmax(part.scored.logits, temperature)) for part in parts]
    return ", ".join(f"{error:.3f} on {part.name}" for part, error in zip(parts, errors, strict=True))


def int8_cost(part: Part, classifier: TextClassifier, weights: Path) -> str:
    """What int8 changes against the float32 weights on one part, in words."""
    settings = classifier.folder.settings
    recipe = Recipe((), EMOTIONS, max_tokens=settings["max_tokens"], spell_emoji=settings.get("spell_emoji", False))
    exact = predict(load_model(weights), tokenize(part.scored.rows, recipe)).argmax(1)
    return (
        f"{accuracy(part.scored.truth, part.found):.4f} in int8, {accuracy(part.scored.truth, exact):.4f} in float32; "
        f"{(part.found == exact).mean():.1%} of the predictions agree"
    )


def latency_ms(classifier: TextClassifier) -> dict[str, float]:
    """Milliseconds of one sentence of 12 words: median, 95th percentile, best.

    They are CPU time, which is what passes where nothing else is running, so that a training beside it changes little.
    """
    times = []
    for _ in range(REPEATS):
        start = thread_time()
        classifier.classify(TWELVE_WORDS)
        times.append(1000 * (thread_time() - start))
    figures = {"p50": float(np.median(times)), "p95": float(np.percentile(times, 95)), "best": min(times)}
    return {name: round(value, 2) for name, value in figures.items()}


def latency(classifier: TextClassifier) -> str:
    """The same, in words."""
    return ", ".join(f"{name} {value:.2f} ms" for name, value in latency_ms(classifier).items())


def anger_row(parts: list[Part], temperature: float) -> str:
    """How well the probability of anger ranks the angry ones before the rest (area under the ROC curve), in words."""
    areas = []
    for part in parts:
        angry = (part.scored.truth == EMOTIONS.index("angry")).astype(np.int64)
        said = softmax(part.scored.logits, temperature)[:, EMOTIONS.index("angry")]
        areas.append(f"{average_auc(angry, np.stack([1 - said, said], axis=1)):.3f} on {part.name}")
    return ", ".join(areas)


def reliability_shares(read: dict[str, list[Evidence]]) -> str:
    """How many English sentences are trusted by less than half, in words; `read` is the evidence by part."""
    shares = []
    for name, found in read.items():
        shares.append(f"{np.mean([evidence.reliability < 0.5 for evidence in found]):.1%} of {name}")
    return ", ".join(shares)


def foreign_shares(classifier: TextClassifier, read: dict[str, list[Evidence]], languages: Path) -> dict[str, str]:
    """How many English sentences are taken for another language, and how many of other languages are left out.

    Args:
        classifier: the model that ships.
        read: the evidence of English sentences, by part.
        languages: TSV file with the columns language and text.
    """
    mistaken = []
    for name, found in read.items():
        told = [evidence for evidence in found if evidence.quality["words"] >= LANGUAGE_WORDS]
        mistaken.append(f"{np.mean([e.foreign_language is not None for e in told]):.2%} of {len(told):,} in {name}")
    with languages.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream, delimiter="\t") if row["language"] != "en"]
    left_out = np.mean([classifier.classify(row["text"]).reliability == 0 for row in rows])
    spoken_in = len({row["language"] for row in rows})
    return {
        "mistaken": ", ".join(mistaken),
        "foreign": f"{left_out:.1%} of {len(rows)} short utterances in {spoken_in} languages",
    }


def counts(data: Path, sentences: Path, utterances: Path, wording: Path) -> dict[str, str]:
    """Rows of each part, for the card."""
    mapped = read_text_corpus(data, "goemotions_train")
    own = read_sentences(OWN_SENTENCES)
    worded = {part: read_sentences(wording / f"{part}.csv") for part in PARTS}
    found = {
        "comments": len(read_text_corpus(data, "goemotions_train", as_emotions=False)),
        "mapped": len(mapped),
        "relief": sum("calm" in row.target for row in mapped),
        "own": len(own),
        "own_calm": sum(
            "calm" in row.target
            for row in [*own, *read_sentences(utterances / "train.csv"), *chain.from_iterable(worded.values())]
        ),
        "goemotions_dev": len(read_text_corpus(data, "goemotions_dev", as_emotions=False)),
        "meld_dev": len(read_text_corpus(data, "meld_dev", as_emotions=False)),
        "tweets": len(read_text_corpus(data, "tweeteval_emotion_dev", as_emotions=False)),
        "customers": len(read_sentences(sentences)),
        "utterances": len(read_sentences(utterances / "train.csv")),
        "utterances_test": len(read_sentences(utterances / "test.csv")),
        "wording": len(worded["train"]),
        "more": len(worded["train_more"]),
        "pairs": len(worded["train_pairs"]),
        "kinds_train": len(worded["train_kinds"]),
        "turns_train": len(worded["train_turns"]),
        "denials_train": len(worded["train_denials"]),
        "wording_dev": len(read_sentences(wording / "dev.csv")),
        "kinds_dev": len(read_sentences(wording / "dev_kinds.csv")),
        "turns_dev": len(read_sentences(wording / "dev_turns.csv")),
        "denials_dev": len(read_sentences(wording / "dev_denials.csv")),
        "wording_test": len(read_sentences(wording / "test.csv")),
    }
    return {name: f"{count:,}" for name, count in found.items()}


def write_card(
    folder: Path,
    run: Path,
    before: Path,
    data: Path,
    *,
    sentences: Path,
    utterances: Path,
    wording: Path,
    languages: Path,
) -> str:
    """Score the model in `folder` and write its `card.md`; returns the text."""
    rows = {
        "GoEmotions dev": read_text_corpus(data, "goemotions_dev"),
        "MELD dev": read_text_corpus(data, "meld_dev"),
        "TweetEval dev": read_text_corpus(data, "tweeteval_emotion_dev"),
        "own customers, test": read_sentences(sentences),
        "utterances of customers, test": read_sentences(utterances / "test.csv"),
    }
    rows["wording of customers, test"] = read_sentences(wording / "test.csv")
    classifier, former = TextClassifier.load(folder), TextClassifier.load(before)
    parts, earlier = score_parts(classifier, rows), score_parts(former, rows)
    read = {part.name: [classifier.classify(row.text) for row in part.scored.rows] for part in parts}
    customers, worded = parts[-2].scored, parts[-1].scored
    temperature = float(classifier.folder.settings["temperature"])
    text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        **counts(data, sentences, utterances, wording),
        table=recall_table(parts),
        before="\n".join(_before_after(parts, earlier)),
        styles=style_table(earlier[-2].scored, customers, utterances),
        overlap=overlap_table(customers, utterances),
        kinds=wording_table(former.logits, classifier.logits, wording / "test.csv"),
        wording_overlap=overlap_table(worded, wording),
        anger=anger_row(parts, temperature),
        anger_before=anger_row(earlier, float(former.folder.settings["temperature"])),
        calibration=calibration_row(parts, temperature),
        temperature=temperature,
        strength=classifier.folder.settings["class_bias_strength"],
        int8=int8_cost(parts[0], classifier, run / BIASED),
        latency=latency(classifier),
        reliability=reliability_shares(read),
        **foreign_shares(classifier, read, languages),
        megabytes=f"{sum((folder / name).stat().st_size for name in (MODEL_FILE, TOKENIZER_FILE)) / 1e6:.1f}",
        checksum=sha256(folder / MODEL_FILE),
    )
    text = with_attributes(text, folder)
    (folder / "card.md").write_text(text, encoding="utf-8")
    return text


def _before_after(parts: list[Part], earlier: list[Part]) -> list[str]:
    lines = [_row(["macro-F1 / UA", *(part.name for part in parts)]), _row(["---"] * (len(parts) + 1))]
    for name, scored in {"before": earlier, "now": parts}.items():
        figures = [
            f"{macro_f1(p.scored.truth, p.found):.3f} / {unweighted_accuracy(p.scored.truth, p.found):.3f}"
            for p in scored
        ]
        lines.append(_row([name, *figures]))
    return lines


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = ArgumentParser(prog="rasa_emotion.training.text.report", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--run", type=Path, required=True, help="the training that the model was built from")
    parser.add_argument("--before", type=Path, required=True, help="the folder of the model that this one started from")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sentences", type=Path, default=Path("tests/data/customer_test_sentences.csv"))
    parser.add_argument("--utterances", type=Path, default=Path("tests/data/customer_utterances"))
    parser.add_argument("--wording", type=Path, default=Path("tests/data/customer_wording"))
    parser.add_argument("--languages", type=Path, default=Path("tests/data/languages.tsv"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    try:
        text = write_card(
            options.folder,
            options.run,
            options.before,
            options.data,
            sentences=options.sentences,
            utterances=options.utterances,
            wording=options.wording,
            languages=options.languages,
        )
        print(text)
    except RasaEmotionError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
