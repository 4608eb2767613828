"""Make a voice's folder: heads, export, folds, calibration, figures and card.

    python -m rasa_emotion.training.voice.ship acoustic --data ../shared/data --features runs/features \
        --trunk runs/trunk --views runs/views --out models/acoustic

`views`, `distil` and `features` come before it; `docs/train.md` has the whole way. The voice that companies may use is
made by `company`.
"""

import argparse
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rasa_emotion.acoustic.heads import HEADS
from rasa_emotion.corpora.catalogue import commercial
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError
from rasa_emotion.model_folder import write_manifest
from rasa_emotion.training.acoustic.report import FOLDS, report
from rasa_emotion.training.voice.answers import answer_folds, fit_folds, scored_rows, train_rows
from rasa_emotion.training.voice.distil import Crops, read_trunk
from rasa_emotion.training.voice.export import export
from rasa_emotion.training.voice.features import Rows, read_rows
from rasa_emotion.training.voice.heads import Fitted, HeadRecipe, fit_head, read_heads
from rasa_emotion.training.voice.material import CALLS
from rasa_emotion.training.voice.yardstick import calibrate

logger = logging.getLogger(__name__)

LICENCES = Path(__file__).parents[1] / "acoustic" / "licences"
CATALOGUED = {CALLS: "service-calls"}
"""Names in the catalogue, where they are not those of the rows: people call recordings of their own `calls`."""


@dataclass(frozen=True)
class Product:
    """A voice that ships.

    Args:
        scored: the corpus of its card's first table.
        licence: of the weights.
        summary, split, data_note: sentences for its card and its users.
        cannot_hear: what stands behind "it cannot hear" in a line for people.
        recipe: of its heads.
    """

    scored: str
    licence: str
    summary: str
    cannot_hear: str
    split: str
    data_note: str
    recipe: HeadRecipe = field(default_factory=HeadRecipe)


INSIDE = (
    "the log-mel spectrogram of Whisper (80 bands, 25 ms window, 10 ms hop), three layers 256 wide distilled from the "
    "lower three of Whisper base's encoder (MIT licence; states every 40 ms), mean and deviation of the last two "
    "layers' states over time, a linear layer beside one hidden layer. Matrix products in int8 with fixed scales"
)
CANNOT_HEAR = (
    "whisper, song, crying, children or two people at once; real anger on the telephone is less clear to it than an "
    "actor's"
)
DISTILLED = (
    "Its trunk was distilled without labels from Whisper base's encoder, which was pretrained on 680,000 hours of "
    "transcribed speech. Every corpus is heard in the same eight ways: undisturbed, over an 8 kHz mu-law line, over a "
    "line drawn from eight (G.711, GSM, AMR, Opus, lost packets, automatic gain), in noise, faster or slower, in a "
    "room, cut short, and joined to a longer turn. Noises are from ESC-10 (K. J. Piczak, 2015; CC BY 3.0) and a "
    "collection that may not be passed on."
)
COMMANDS = """The figures, from the kept heads:

    python -m rasa_emotion.training.acoustic.report models/{name} --data ../shared/data

The weights, once the stages before it have run (docs/train.md):

    python -m rasa_emotion.training.voice.ship {name} --data ../shared/data --out models/{name}

The figures on ordinary speech, lines and corpora left out: docs/voice.md."""
PRODUCTS: Mapping[str, Product] = {
    "acoustic": Product(
        scored="ravdess",
        licence="CC-BY-NC-SA-4.0",
        summary="Hears one of eight emotions in a voice. Trained on acted and ordinary speech, some of which may serve "
        "research and evaluation only.",
        cannot_hear=CANNOT_HEAR,
        split="RAVDESS, EmoBox folds 1 to 5 (speaker-disjoint: each fold's four speakers are heard by heads that never "
        "heard them). UA is the mean over the folds. Nothing was chosen by these figures: the recipe of the heads was "
        "chosen by ordinary speech, anger on the line and corpora left out. EmoBox's own figures average six folds "
        "and train on more speakers.",
        data_note=DISTILLED,
    ),
}


def ship(
    name: str,
    *,
    data: Path,
    features: Path,
    trunk: Path,
    views: Path,
    out: Path,
    cache: Path,
    heads: Path | None = None,
) -> None:
    """Fit, export, describe and measure one of `PRODUCTS`; `heads` are those of the folds, as `choose` kept them.

    Raises:
        ConfigError: there is no product of that name.
    """
    if name not in PRODUCTS:
        raise ConfigError(f"There is no voice '{name}': choose one of {', '.join(PRODUCTS)}.")
    product = PRODUCTS[name]
    rows = read_rows(features)
    folds = read_heads(heads) if heads else fit_folds(rows, product.recipe)
    answers = answer_folds(rows.where(scored_rows(rows)), folds)
    fitted = fit_head(rows.where(train_rows(rows)), product.recipe)
    (out / FOLDS).mkdir(parents=True, exist_ok=True)
    network = read_trunk(trunk)
    crops = Crops(views, batch=8).epoch(0, CALIBRATED)
    export(network, fitted, out / "model.onnx", calibration=[batch.numpy() for batch in crops])
    _write_heads(out, fitted, folds)
    temperature = calibrate(answers)
    parameters = sum(p.numel() for p in network.parameters())
    _describe(product, name, rows, out, temperature=temperature, parameters=parameters)
    report(out, data, cache)


CALIBRATED = 24
"""Batches of crops that the scales of int8 are read from."""


def _write_heads(out: Path, fitted: Fitted, folds: Sequence[Fitted]) -> None:
    """Every head as it reads the shipped embedding; that of the whole training beside the model, for `train voice`."""
    for old in (out / FOLDS).glob("*"):
        old.unlink()
    own = {f"fold{fold}": _carried(head, fitted) for fold, head in enumerate(folds, start=1)}
    np.savez(out / FOLDS / HEADS, **_flat(own))
    np.savez(out / HEADS, **_flat({"shipped": _carried(fitted, fitted)}))


def _flat(heads: Mapping[str, Mapping[str, NDArray[np.float32]]]) -> dict[str, NDArray[np.float32]]:
    return {f"{name}.{part}": value for name, head in heads.items() for part, value in head.items()}


def _carried(own: Fitted, shipped: Fitted) -> dict[str, NDArray[np.float32]]:
    """A head on the shipped embedding, which is normalised otherwise than the one it was fitted to."""
    scale, offset = shipped.deviation / own.deviation, (shipped.mean - own.mean) / own.deviation
    head = own.head
    skip, hidden = (layer.weight.detach().numpy() for layer in (head.skip, head.hidden))
    return {
        "weight": (skip * scale).T.astype(np.float32),
        "bias": (head.skip.bias.detach().numpy() + head.out.bias.detach().numpy() + skip @ offset).astype(np.float32),
        "hidden.weight": (hidden * scale).T.astype(np.float32),
        "hidden.bias": (head.hidden.bias.detach().numpy() + hidden @ offset).astype(np.float32),
        "out.weight": head.out.weight.detach().numpy().T.astype(np.float32),
    }


def _describe(product: Product, name: str, rows: Rows, out: Path, *, temperature: float, parameters: int) -> None:
    texts = [(LICENCES / f"{part}.txt").read_text(encoding="utf-8") for part in (product.licence, "whisper-notice")]
    (out / "LICENSE").write_text("".join(texts), encoding="utf-8")
    (out / "card.md").touch()
    trained = rows.where(train_rows(rows))
    corpora = [CATALOGUED.get(corpus, corpus) for corpus in map(str, np.unique(trained.corpus))]
    held_out = sorted(set(trained.speaker[(trained.corpus == product.scored) & (trained.fold == 0)]))
    settings: dict[str, Any] = {
        "longest_secs": 5.0,
        "window_secs": 4.0,
        "hop_secs": 2.0,
        "cannot_hear": product.cannot_hear,
        "calibrated_on": "unheard speakers, acted and ordinary",
        "frozen_trunk": "whisper-base, distilled without labels",
    }
    write_manifest(
        out,
        ("model.onnx", "LICENSE", "card.md", HEADS),
        name=name,
        kind="acoustic",
        licence=product.licence,
        commercial=commercial(corpora),
        summary=product.summary,
        labels=list(EMOTIONS),
        temperature=round(temperature, 4),
        sample_rate=16_000,
        parameters=parameters,
        corpora=corpora,
        scored=product.scored,
        test_speakers=[] if product.scored == "ravdess" else [str(speaker) for speaker in held_out],
        inner_speakers=[],
        split=product.split,
        data_note=product.data_note,
        inside=INSIDE,
        commands=COMMANDS.format(name=name),
        **settings,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Make a voice's folder from kept features.")
    parser.add_argument("name", choices=sorted(PRODUCTS))
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
    ship(options.name, **places)
    print(json.dumps(json.loads((options.out / "model.json").read_text(encoding="utf-8"))["figures"], indent=1))


if __name__ == "__main__":
    main()
