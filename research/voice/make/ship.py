"""Make the folder of the voice for research: heads, export, folds, calibration, figures and card.

    python -m research.voice.make.ship --data ../shared/data --features runs/features \
        --trunk runs/trunk --views runs/views --out models/acoustic

`views`, `distil` and `features` come before it; `docs/train.md` has the whole way. The voice that companies may use is
made by `company`.
"""

import argparse
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rasa_emotion.acoustic.heads import HEADS
from rasa_emotion.training.acoustic.report import FOLDS
from rasa_emotion.training.voice.features import read_rows
from rasa_emotion.training.voice.heads import Fitted, on_embedding, read_heads
from research.voice.make.answers import answer_folds, fit_folds, scored_rows, train_rows
from research.voice.make.blend import SHIPPED, fit_blend
from research.voice.make.distil import Crops, read_trunk
from research.voice.make.export import export
from research.voice.make.folder import EIGHT_WAYS, Made, Product, describe
from research.voice.make.yardstick import calibrate

PRODUCT = Product(
    scored="ravdess",
    summary="Hears one of eight emotions in a voice. Trained on acted and ordinary speech, some of which may serve "
    "research and evaluation only.",
    cannot_hear="whisper, song, crying, children or two people at once; real anger on the telephone is less clear to "
    "it than an actor's",
    split="RAVDESS, EmoBox folds 1 to 5 (speaker-disjoint: each fold's four speakers are heard by heads that never "
    "heard them). UA is the mean over the folds. Nothing was chosen by these figures: the recipe of the heads was "
    "chosen by ordinary speech, anger on the line and corpora left out. EmoBox's own figures average six folds "
    "and train on more speakers.",
    data_note="Its trunk was distilled without labels from Whisper base's encoder, which was pretrained on 680,000 "
    f"hours of transcribed speech. {EIGHT_WAYS} Noises are from ESC-10 (K. J. Piczak, 2015; CC BY 3.0) and a "
    "collection that may not be passed on.",
    inside="the log-mel spectrogram of Whisper (80 bands, 25 ms window, 10 ms hop), three layers 256 wide distilled "
    "from the lower three of Whisper base's encoder (MIT licence; states every 40 ms), mean and deviation of the last "
    "two layers' states over time, a linear layer beside one hidden layer. Matrix products in int8 with fixed scales",
    commands="""The figures, from the kept heads:

    python -m rasa_emotion.training.acoustic.report models/{name} --data ../shared/data

The weights, once the stages before it have run (docs/train.md):

    python -m research.voice.make.ship --data ../shared/data --out models/{name}

The figures on ordinary speech, lines and corpora left out: docs/voice.md.""",
    trunk="whisper-base, distilled without labels",
)
CALIBRATED = 24
"""Batches of crops that the scales of int8 are read from."""


def ship(
    *, data: Path, features: Path, trunk: Path, views: Path, out: Path, cache: Path, heads: Path | None = None
) -> None:
    """Fit, export, describe and measure the voice; `heads` are those of the folds, as `choose` kept them."""
    rows = read_rows(features)
    folds = read_heads(heads) if heads else fit_folds(rows, SHIPPED)
    answers = answer_folds(rows.where(scored_rows(rows)), folds)
    trained = rows.where(train_rows(rows))
    fitted = fit_blend(trained, SHIPPED)
    (out / FOLDS).mkdir(parents=True, exist_ok=True)
    network = read_trunk(trunk)
    crops = Crops(views, batch=8).epoch(0, CALIBRATED)
    export(network, fitted, out / "model.onnx", calibration=[batch.numpy() for batch in crops])
    _write_heads(out, fitted, folds)
    parameters = sum(p.numel() for part in (network, fitted.head) for p in part.parameters())
    heard = SHIPPED.calibrated_on()
    made = Made(trained, (), calibrate(answers, heard), heard, parameters, ("model.onnx", HEADS))
    describe(PRODUCT, made, out, data=data, cache=cache)


def _write_heads(out: Path, fitted: Fitted, folds: Sequence[Fitted]) -> None:
    """Every head as it reads the shipped embedding; that of the whole training beside the model, for `train voice`."""
    for old in (out / FOLDS).glob("*"):
        old.unlink()
    own = {f"fold{fold}": on_embedding(head, fitted.mean, fitted.deviation) for fold, head in enumerate(folds, start=1)}
    np.savez(out / FOLDS / HEADS, **_flat(own))
    np.savez(out / HEADS, **_flat({"shipped": on_embedding(fitted, fitted.mean, fitted.deviation)}))


def _flat(heads: Mapping[str, Mapping[str, NDArray[np.float32]]]) -> dict[str, NDArray[np.float32]]:
    return {f"{name}.{part}": value for name, head in heads.items() for part, value in head.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Make the folder of the voice for research from kept features.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--features", type=Path, default=Path("runs/features"))
    parser.add_argument("--trunk", type=Path, default=Path("runs/trunk"))
    parser.add_argument("--views", type=Path, default=Path("runs/views"))
    parser.add_argument("--heads", type=Path, help="of the folds, as `choose` kept them; fitted where none are named")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO)
    torch.set_num_threads(options.threads)
    places = {key: getattr(options, key) for key in ("data", "features", "trunk", "views", "out", "cache", "heads")}
    ship(**places)
    print(json.dumps(json.loads((options.out / "model.json").read_text(encoding="utf-8"))["figures"], indent=1))


if __name__ == "__main__":
    main()
