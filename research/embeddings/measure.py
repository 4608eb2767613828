"""System E's words: contextual against static embeddings under the same convolutional branch, scored on sentences whose
speakers, or whose speakers and scripts, were not trained on:
`python -m research.embeddings.measure --data ../shared/data --out runs/embeddings`.

The corpus is MELD, the only text here with speakers and a script; a dialogue of it is a script. `--glove FILE` scores
published vectors too.
"""

import csv
import hashlib
import random
import re
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from rasa_emotion.corpora.clip import Clip
from rasa_emotion.corpora.splits import ScriptSplit, Split, deal_scripts
from rasa_emotion.corpora.text import COLUMNS, read_text_corpus
from rasa_emotion.errors import ConfigError, RasaEmotionError
from rasa_emotion.evaluation.metrics import (
    Answers,
    IntArray,
    Metric,
    average_auc,
    bootstrap,
    class_recall,
    mcnemar,
    paired_bootstrap,
    unweighted_accuracy,
)
from rasa_emotion.training.text.minilm import load_minilm
from research.embeddings.branch import Fitting, Padded, fit, probabilities
from research.embeddings.page import PAGE, RESULT
from research.embeddings.vectors import (
    Sequences,
    Words,
    encoder_states,
    encoder_table,
    read_glove,
    static,
    train_vectors,
)

CORPUS = "meld"
CLASSES = ("angry", "happy", "neutral", "sad")
FOLDS = 6
"""As many as MELD has main speakers, so that each fold has one of them and a share of the others."""
PROTOCOLS = ("speaker", "speaker-script")
CONTEXTUAL, TABLE, TRAINED, GLOVE = "minilm", "minilm-table", "word2vec", "glove"
TITLES: Mapping[str, str] = {
    CONTEXTUAL: "MiniLM's states",
    TABLE: "MiniLM's word table",
    TRAINED: "word2vec, trained here",
    GLOVE: "GloVe",
}
ABOUT: Mapping[str, str] = {
    CONTEXTUAL: "contextual, the states of the pretrained MiniLM-L6 (as a DistilBERT) after its last layer",
    TABLE: "static, the same encoder's word embeddings before its first layer: the same pretraining, no context",
    TRAINED: "static, skip-gram vectors of the training parts of the other text corpora here (GoEmotions, TweetEval, "
    "dair-ai emotion, EmoContext); zeros for words that are not in them",
    GLOVE: "static, published vectors from the file that was given; zeros for words that are not in it",
}
SEVERAL = re.compile(r"\b(?:and|all|both)\b", re.IGNORECASE)
"""Who speaks together with others cannot be kept apart from them."""


@dataclass(frozen=True)
class Cell:
    """The same sentences to score under both protocols, and as many to train on.

    Args:
        speaker: trains on other speakers, in any dialogue.
        script: trains on other speakers in other dialogues.
    """

    speaker: Split
    script: ScriptSplit

    def split(self, protocol: str) -> Split:
        return self.script if protocol == "speaker-script" else self.speaker


def read_clips(data: Path, folds: int = FOLDS) -> list[Clip]:
    """MELD's sentences of the four classes as clips: the fold is their speaker's, the script their dialogue.

    Raises:
        ConfigError: the corpus is missing, or has too few speakers.
    """
    rows = [row for row in read_text_corpus(data, f"{CORPUS}_train") if set(row.target) & set(CLASSES)]
    clips = [
        Clip(row.id, CORPUS, row.speaker, label, label, None, 0.0, row.text, row.dialogue)
        for row in rows
        for label in row.target
        if not SEVERAL.search(row.speaker)
    ]
    dealt = deal_scripts((replace(clip, script=clip.speaker) for clip in clips), folds)
    if len(set(dealt.values())) < folds:
        raise ConfigError(
            f"MELD has fewer than {folds} speakers here: name the folder of the whole corpus with --data."
        )
    return [replace(clip, fold=1 + dealt[clip.speaker]) for clip in clips]


def cells(clips: Sequence[Clip], rotations: int, seed: int) -> list[Cell]:
    """Each fold's speakers in so many groups of dialogues; every clip is scored at most once.

    Both protocols train on equally many clips: under the first they are drawn from all of other speakers' ones.
    """
    dealt = deal_scripts(clips, FOLDS)
    found = []
    for rotation in range(rotations):
        for fold in range(FOLDS):
            group = (fold + rotation) % FOLDS
            test = [clip for clip in clips if clip.fold == 1 + fold and dealt[clip.script] == group]
            others = [clip for clip in clips if clip.fold != 1 + fold]
            apart = [clip for clip in others if dealt[clip.script] != group]
            drawn = random.Random(f"{seed}-{fold}-{group}").sample(others, len(apart))
            found.append(Cell(Split(drawn, test), ScriptSplit(apart, test)))
    return found


def embed(clips: Sequence[Clip], data: Path, out: Path, glove: Path | None, seed: int) -> dict[str, Sequences]:
    """The word vectors of every clip under each embedding; those that take time are kept in `out`."""
    texts = [clip.text for clip in clips]
    encoder = load_minilm()
    kept = partial(_kept, out, hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12])
    found = {
        CONTEXTUAL: kept(CONTEXTUAL, lambda: encoder_states(encoder, texts)),
        TABLE: encoder_table(encoder, texts),
        TRAINED: kept(f"{TRAINED}-{seed}", lambda: static(train_vectors(_other_texts(data), seed=seed), texts)),
    }
    if glove is not None:
        words = Words()
        found[GLOVE] = static(read_glove(glove, {word for text in texts for word in words(text)}), texts)
    return found


def _other_texts(data: Path) -> list[list[str]]:
    """The words of the training parts of the other text corpora: none of MELD, whose sentences are scored."""
    words, found = Words(), []
    for name in tqdm(sorted(set(COLUMNS) - {CORPUS}), desc="reading corpora", leave=False):
        for row in read_text_corpus(data, f"{name}_train", as_emotions=False):
            found += [words(text) for text in (*(turn.text for turn in row.earlier), row.text)]
    return found


def _kept(out: Path, key: str, name: str, make: Callable[[], Sequences]) -> Sequences:
    file = out / f"{name}-{key}.npz"
    if not file.is_file():
        made = make()
        partial_file = file.with_suffix(".part")
        with partial_file.open("wb") as stream:
            np.savez(stream, values=made.values, starts=made.starts)
        partial_file.replace(file)
    with np.load(file) as stored:
        return Sequences(stored["values"], stored["starts"])


@dataclass(frozen=True)
class Scored:
    """Every scored clip, cell by cell.

    Args:
        clips: that were scored.
        truth: class numbers [n].
        answers: probabilities [n, classes] by embedding and protocol.
    """

    clips: Sequence[Clip]
    truth: NDArray[np.int64]
    answers: Mapping[tuple[str, str], NDArray[np.float64]]

    @property
    def dialogues(self) -> list[str]:
        return [clip.script for clip in self.clips]


def score(clips: Sequence[Clip], parts: Sequence[Cell], embedded: Mapping[str, Sequences], fitting: Fitting) -> Scored:
    """Train a branch for each cell, protocol and embedding, and let it answer the cell's test part."""
    number = {clip.path: row for row, clip in enumerate(clips)}
    truth = np.array([CLASSES.index(clip.label) for clip in clips])
    answers: dict[tuple[str, str], list[NDArray[np.float64]]] = {}
    scored = [clip for part in parts for clip in part.script.test]
    padded = {name: Padded(sequences) for name, sequences in embedded.items()}
    with tqdm(total=len(parts) * len(embedded) * len(PROTOCOLS), desc="training branches") as bar:
        for part in parts:
            test = np.array([number[clip.path] for clip in part.script.test])
            for protocol in PROTOCOLS:
                train = np.array([number[clip.path] for clip in part.split(protocol).train])
                for name, sentences in padded.items():
                    branch = fit(sentences, train, truth, fitting)
                    answers.setdefault((name, protocol), []).append(probabilities(branch, sentences, test))
                    bar.update()
    return Scored(
        scored,
        truth[[number[clip.path] for clip in scored]],
        {key: np.concatenate(found) for key, found in answers.items()},
    )


def figures(scored: Scored, parts: Sequence[Cell], dims: Mapping[str, int], samples: int) -> dict[str, Any]:
    """What the page shows; intervals come from drawing whole dialogues.

    Args:
        dims: the dimensions of each embedding, the contextual one first.
    """
    names = list(dims)
    contextual, *others = names
    return {
        "corpus": "MELD, training part",
        "classes": list(CLASSES),
        "sentences": len(scored.clips),
        "speakers": len({clip.speaker for clip in scored.clips}),
        "dialogues": len(set(scored.dialogues)),
        "trainings": len(parts),
        "trained_on": round(float(np.mean([len(part.script.train) for part in parts]))),
        "shared_dialogues": {p: _share(parts, p, lambda clip: clip.script) for p in PROTOCOLS},
        "shared_sentences": {p: _share(parts, p, lambda clip: clip.text.lower()) for p in PROTOCOLS},
        "rows": [_row(scored, name, p, samples) | {"dims": dims[name]} for name in names for p in PROTOCOLS],
        "paired": [_paired(scored, contextual, other, p, samples) for other in others for p in PROTOCOLS],
        "flattered": [_flattered(scored, name, samples) for name in names],
    }


def _share(parts: Sequence[Cell], protocol: str, of: Callable[[Clip], str]) -> float:
    """The share of scored clips whose dialogue or words are also trained on."""
    shared = []
    for part in parts:
        split = part.split(protocol)
        known = {of(clip) for clip in split.train}
        shared += [of(clip) in known for clip in split.test]
    return round(float(np.mean(shared)), 4)


def _row(scored: Scored, name: str, protocol: str, samples: int) -> dict[str, Any]:
    answers = scored.answers[name, protocol]
    recall = class_recall(scored.truth, answers.argmax(axis=1), len(CLASSES))

    def figure(metric: Metric, found: Answers) -> list[float]:
        interval = bootstrap(metric, scored.truth, found, groups=scored.dialogues, samples=samples)
        return [round(value, 4) for value in (interval.value, interval.low, interval.high)]

    return {
        "embedding": name,
        "title": TITLES[name],
        "about": ABOUT[name],
        "protocol": protocol,
        "recall": figure(unweighted_accuracy, answers.argmax(axis=1)),
        "auc": figure(average_auc, answers),
        "by_class": {label: round(float(value), 4) for label, value in zip(CLASSES, recall, strict=True)},
    }


def _paired(scored: Scored, first: str, second: str, protocol: str, samples: int) -> dict[str, Any]:
    found = [scored.answers[name, protocol].argmax(axis=1) for name in (first, second)]
    return {
        "against": TITLES[second],
        "protocol": protocol,
        **_difference(scored, found[0], found[1], samples),
        "mcnemar": mcnemar(scored.truth, found[0], found[1]),
    }


def _flattered(scored: Scored, name: str, samples: int) -> dict[str, Any]:
    """What speaker-only folds add to an embedding's average recall."""
    by_speaker, by_both = (scored.answers[name, protocol].argmax(axis=1) for protocol in PROTOCOLS)
    return {"title": TITLES[name], **_difference(scored, by_speaker, by_both, samples)}


def _difference(scored: Scored, first: IntArray, second: IntArray, samples: int) -> dict[str, float]:
    found = paired_bootstrap(unweighted_accuracy, scored.truth, first, second, groups=scored.dialogues, samples=samples)
    return {name: round(float(getattr(found, name)), 4) for name in ("value", "low", "high", "p")}


def write_answers(file: Path, scored: Scored) -> None:
    """One row per scored sentence: id, speaker, dialogue, truth and every answer; no texts."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["id", "speaker", "dialogue", "truth", *(f"{n} {p}" for n, p in scored.answers)])
        for row, clip in enumerate(scored.clips):
            said = [CLASSES[int(answers[row].argmax())] for answers in scored.answers.values()]
            writer.writerow([clip.path, clip.speaker, clip.script, clip.label, *said])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = ArgumentParser(prog="research.embeddings.measure", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, required=True, help="for what is kept between runs, and the answers")
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="where the page goes")
    parser.add_argument("--result", type=Path, default=RESULT, help="where the figures go")
    parser.add_argument("--glove", type=Path, help="a GloVe file, which is scored beside the others")
    parser.add_argument("--rotations", type=int, default=1, choices=range(1, FOLDS + 1), help="sixths to score")
    parser.add_argument("--epochs", type=int, default=Fitting.epochs)
    parser.add_argument("--samples", type=int, default=1000, help="of the bootstrap")
    parser.add_argument("--seed", type=int, default=Fitting.seed)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        clips = read_clips(options.data)
        parts = cells(clips, options.rotations, options.seed)
        embedded = embed(clips, options.data, options.out, options.glove, options.seed)
        scored = score(clips, parts, embedded, Fitting(epochs=options.epochs, seed=options.seed))
        write_answers(options.out / "answers.csv", scored)
        found = figures(scored, parts, {name: part.dims for name, part in embedded.items()}, options.samples)
        PAGE.publish(options.docs, found, options.result)
    except RasaEmotionError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
