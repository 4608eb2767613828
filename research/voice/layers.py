"""Which layers of Whisper base's encoder say most of an emotion: linear heads on neighbouring layers' statistics.

    python -m research.voice.layers

A trunk is distilled from some of these layers, so this is what it can reach at best. Unheard speakers are those of
another fold; *unheard corpus* is UA among the corpus' emotions by a head that RAVDESS, SAVEE and EmoDB taught, less
the corpus itself.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rasa_emotion.acoustic.whisper import WhisperEncoder, WhisperMel
from rasa_emotion.evaluation.metrics import unweighted_accuracy
from rasa_emotion.training.acoustic.pretrained import load_whisper
from rasa_emotion.training.voice.features import Hear, Rows, read_rows, write_features
from research.voice.make.linear import LinearRecipe, fit_linear, linear_logits
from research.voice.trunks import PENALTIES, linear_ua

LAYERS, WIDTH = 6, 512
SCORED = ("emodb", "ravdess", "nemo")
TAUGHT = {"ravdess": 1.0, "savee": 1.0, "emodb": 1.0}
UNHEARD = ("nemo", "emodb")


def by_layers() -> Hear:
    """Mean and deviation over time of every layer's states, from below: [sounds, LAYERS * 2 * WIDTH]."""
    encoder = WhisperEncoder(width=WIDTH, attention_heads=8, hidden=[4 * WIDTH] * LAYERS, stride=2)
    load_whisper(encoder, "whisper-base")
    encoder.eval()
    mel = WhisperMel()

    def one(sound: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.no_grad():
            states = encoder(mel(torch.from_numpy(sound)[None]))
        found: NDArray[np.float32] = torch.cat(
            [part for state in states for part in (state[0].mean(dim=0), state[0].std(dim=0))]
        ).numpy()
        return found

    return lambda sounds: np.stack([one(sound) for sound in sounds])


def of_layers(rows: Rows, layers: Sequence[int]) -> Rows:
    """The rows with the statistics of some layers, numbered from 1."""
    columns = np.concatenate([np.arange((layer - 1) * 2 * WIDTH, layer * 2 * WIDTH) for layer in layers])
    return replace(rows, statistics=np.ascontiguousarray(rows.statistics[:, columns]))


def unheard_ua(rows: Rows, corpus: str, penalty: float) -> float:
    """UA among the emotions of a corpus that taught nothing."""
    recipe = LinearRecipe(weights={name: share for name, share in TAUGHT.items() if name != corpus}, penalty=penalty)
    own = rows.where(rows.corpus == corpus)
    logits = linear_logits(fit_linear(rows.where(rows.corpus != corpus), recipe), own.statistics)
    present = np.unique(own.emotion)
    return unweighted_accuracy(own.emotion, present[logits[:, present].argmax(axis=1)])


def line(rows: Rows, layers: Sequence[int]) -> str:
    """A row of the table; each cell is the best of `PENALTIES`."""
    chosen = of_layers(rows, layers)
    heard = [max(linear_ua(chosen.where(chosen.corpus == c), penalty) for penalty in PENALTIES) for c in SCORED]
    unheard = [max(unheard_ua(chosen, c, penalty) for penalty in PENALTIES) for c in UNHEARD]
    return f"| {', '.join(map(str, layers))} | {' | '.join(f'{value:.3f}' for value in (*heard, *unheard))} |"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="UA of linear heads on neighbouring layers of Whisper base.")
    parser.add_argument("--views", type=Path, default=Path("runs/views"))
    parser.add_argument("--out", type=Path, default=Path("runs/features-layers"), help="of the kept statistics")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    write_features(options.views, by_layers(), options.out, corpora=[*SCORED, "savee"], only=["clean"])
    rows = read_rows(options.out)
    rows = rows.where(~rows.augmented)
    heads = [*SCORED, *(f"unheard {corpus}" for corpus in UNHEARD)]
    print(f"| layers | {' | '.join(heads)} |\n|{'---|' * (len(heads) + 1)}")
    for first in range(1, LAYERS):
        print(line(rows, (first, first + 1)), flush=True)


if __name__ == "__main__":
    main()
