"""What a model folder says under every line, of cut clips and of long turns, by heads that never heard the speaker."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from rasa_emotion.acoustic.classifier import OnnxNetwork
from rasa_emotion.acoustic.heads import HEADS, Network, head_names, read_head
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.training.voice.kept import enough, read_sounds
from research.voice.make.yardstick import ANGRY, Rule


def folds_of(folder: Path) -> list[Network]:
    """The network with each fold's head; the same network for each where the folder keeps none."""
    network = OnnxNetwork(folder / "model.onnx")
    file = folder / "folds" / HEADS
    names = [name for name in head_names(file) if name.startswith("fold")]
    return [read_head(file, name, network) for name in names] or [network]


def logits(folder: Path, conditions: Path, part: str) -> tuple[list[dict[str, str]], NDArray[np.float64]]:
    """Rows of a part's table and their logits, [rows, 8]."""
    folds = folds_of(folder)
    with (conditions / f"{part}.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    sounds = read_sounds(conditions, part, "all")
    heard = tqdm(zip(rows, sounds, strict=True), desc=part, total=len(rows), mininterval=5)
    found = [folds[int(row["fold"]) % len(folds)].run(["logits"], [enough(sound)])[0][0] for row, sound in heard]
    return rows, np.array(found, dtype=np.float64)


def by_condition(rows: list[dict[str, str]], said: NDArray[np.float64], rule: Rule) -> dict[str, float]:
    """UA of each condition, `unknown` counting as wrong."""
    truth = np.array([EMOTIONS.index(row["emotion"]) for row in rows])
    names = np.array([row["condition"] for row in rows])
    answers = rule.answers(said)
    found = {}
    for name in dict.fromkeys(names):
        own = names == name
        recalls = [(answers[own & (truth == e)] == e).mean() for e in np.unique(truth[own])]
        found[str(name)] = round(float(np.mean(recalls)), 4)
    return found


def long_turns(rows: list[dict[str, str]], said: NDArray[np.float64], rule: Rule) -> dict[str, Any]:
    """For each length, how many of the angry turns are angry, by corpus; and how many ordinary ones stay ordinary."""
    turns: dict[tuple[str, str, str, str], list[NDArray[np.float64]]] = {}
    for row, logit in zip(rows, said, strict=True):
        turns.setdefault((row["corpus"], row["emotion"], row["condition"], row["speaker"]), []).append(logit)
    found: dict[str, Any] = {}
    for (corpus, emotion, condition, _), windows in turns.items():
        answer = int(rule.answers(np.mean(windows, axis=0)[None])[0])
        if emotion == "angry":
            counts = found.setdefault(f"angry {corpus} {condition}", [0, 0])
            counts[0] += answer == ANGRY
        elif corpus == "digits":
            counts = found.setdefault(f"ordinary {corpus} {condition}", [0, 0])
            counts[0] += answer == -1 or EMOTIONS[answer] in {"neutral", "calm"}
        else:
            continue
        counts[1] += 1
    return found
