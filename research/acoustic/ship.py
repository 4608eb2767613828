"""Train what a model folder needs, export it and measure it.

    python -m research.acoustic.ship acoustic --data ../shared/data --runs runs --out models/acoustic

Runs that are finished are used as they are; an interrupted one goes on after its last epoch.
"""

import argparse
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from rasa_emotion.acoustic.heads import HEADS
from rasa_emotion.acoustic.whisper import WhisperNetwork
from rasa_emotion.corpora.catalogue import commercial
from rasa_emotion.corpora.manifest import read_manifest
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError
from rasa_emotion.model_folder import write_manifest
from rasa_emotion.training.acoustic.export import export
from rasa_emotion.training.acoustic.pretrained import WHISPER
from rasa_emotion.training.acoustic.produce import RECIPES
from rasa_emotion.training.acoustic.recipe import HEAD, read_recipe
from rasa_emotion.training.acoustic.report import FOLDS, report
from rasa_emotion.training.acoustic.train import RUN, WEIGHTS, choose_split, read_run, train
from research.acoustic.heads import carried_over, write_heads

logger = logging.getLogger(__name__)

LICENCES = RECIPES.parent / "licences"


@dataclass(frozen=True)
class Run:
    """One training: its recipe, and what is held out (nothing by default)."""

    recipe: str
    fold: int | None = None
    held_out: int = 0


@dataclass(frozen=True)
class Product:
    """A model folder: the runs behind it by name, which of them ships, whose heads are kept, and what its card says."""

    runs: Mapping[str, Run]
    shipped: str
    kept: tuple[str, ...]
    scored: str
    corpora: tuple[str, ...]
    licence: str
    summary: str
    split: str
    data_note: str
    held_out_run: str | None = None
    inner_speakers: tuple[str, ...] = ()


FOLD_RUNS = tuple(f"fold{fold}" for fold in range(1, 6))
INNER_SPEAKERS = tuple(f"ravdess-{n:02d}" for n in (2, 3, 4, 5, 7, 8, 9, 10, 12, 14, 15, 16, 18, 19, 23, 24))
INSIDE = (
    "the log-mel spectrogram of Whisper (80 bands, 25 ms window, 10 ms hop), the lower three of the six layers "
    "of Whisper base's encoder (MIT licence; the third without its feed-forward part, states every 40 ms) as they were "
    "pretrained, mean and deviation of the last two layers' states over time, one linear layer. Matrix products in int8"
)

ACOUSTIC = Product(
    runs={**{run: Run("whisper", fold=fold) for fold, run in enumerate(FOLD_RUNS, start=1)}, "all": Run("whisper")},
    shipped="all",
    kept=FOLD_RUNS,
    scored="ravdess",
    corpora=("ravdess", "emogator", "savee"),
    licence="CC-BY-NC-SA-4.0",
    summary="Hears one of eight emotions in a voice. Trained on acted speech and vocal bursts, some of which "
    "may serve research and evaluation only.",
    split="RAVDESS, EmoBox folds 1 to 5 (speaker-disjoint: each fold's four speakers are heard by heads trained on "
    "the other sixteen). UA is the mean over the folds. Settings were chosen on the sixteen training speakers of "
    "fold 1, each heard by heads trained on twelve others; they are the test speakers of folds 2 to 5. The UA of a "
    "plain head on each layer of Whisper tiny and base had been seen over all five folds before, so that fold 1 is "
    "nearly, not wholly, free of any choice. EmoBox's own figures average six folds and train on more speakers.",
    data_note="Whisper was pretrained on 680,000 hours of transcribed speech from the web, without emotion labels. The "
    "heads learn from RAVDESS, each clip undisturbed, on the telephone, in noise, at another speed, with another vocal "
    "tract and between silence, and, with a fourth of the weight, from SAVEE and the clips of EmoGator whose category "
    "maps to one of the eight. SAVEE's are augmented copies, used for training alone. The model that ships has heard "
    "all twenty speakers of RAVDESS; the heads of the folds, beside it in the repository, have not. Training mixes in "
    'noises of ESC-10 (K. J. Piczak, "ESC: Dataset for Environmental Sound Classification", 2015; CC BY 3.0) and a '
    "hundred short non-speech noises that may not be passed on.",
    inner_speakers=INNER_SPEAKERS,
)

EMOGATOR = Product(
    runs={"emogator-held-out": Run("whisper-emogator", held_out=22), "emogator-all": Run("whisper-emogator")},
    shipped="emogator-all",
    kept=("emogator-held-out",),
    scored="emogator",
    corpora=("emogator",),
    licence="Apache-2.0",
    summary="Hears one of eight emotions in a voice. Trained on vocal bursts (laughs, sighs, groans) alone, which "
    "companies may use; it knows little of spoken sentences.",
    split="EmoGator, 22 of its 110 contributors held out (drawn with the recipe's seed); the clips whose category maps "
    "to one of the eight. Nothing was chosen on them. The model that ships was then trained on all contributors.",
    data_note="Eleven of the eighteen categories map to the eight emotions (Contentment and Serenity to calm, "
    "Amusement and Elation to happy, both surprises to surprise, ...). Each is heard undisturbed, on the telephone, in "
    "noise, at another speed and with another vocal tract; Whisper was pretrained without emotion labels. "
    'Training mixes in noises of ESC-10 (K. J. Piczak, "ESC: Dataset for Environmental Sound Classification", 2015; CC '
    "BY 3.0).",
    held_out_run="emogator-held-out",
)

PRODUCTS = {"acoustic": ACOUSTIC, "acoustic-emogator": EMOGATOR}


def ship(name: str, *, data: Path, runs: Path, out: Path, cache: Path, report_too: bool = True) -> None:
    """Train what is missing, then write the model folder.

    Raises:
        ConfigError: there is no product of that name, or its recipe or data cannot be used.
    """
    if name not in PRODUCTS:
        raise ConfigError(f"There is no acoustic model '{name}': choose one of {', '.join(PRODUCTS)}.")
    product = PRODUCTS[name]
    for run, settings in product.runs.items():
        if not (runs / run / WEIGHTS).is_file():
            _train(settings, runs / run, data=data, runs=runs, cache=cache)
    (out / FOLDS).mkdir(parents=True, exist_ok=True)
    network = read_whisper(runs / product.shipped)
    export(network, out / "model.onnx")
    write_heads(
        out / FOLDS / HEADS, {run: carried_over(network, read_whisper(runs / run), HEAD) for run in product.kept}
    )
    _describe(product, name, runs, out)
    if report_too:
        report(out, data, cache)


def _train(run: Run, out: Path, *, data: Path, runs: Path, cache: Path) -> None:
    recipe = read_recipe(RECIPES / f"{run.recipe}.yaml")
    if recipe.initial and recipe.initial not in WHISPER:
        recipe.initial = str(runs / Path(recipe.initial).parent.name / WEIGHTS)
    clips = read_manifest(data, corpora=list(recipe.shares))
    split = choose_split(clips, recipe.scored, fold=run.fold, held_out=run.held_out, seed=recipe.seed)
    logger.info("Training %s.", out)
    train(recipe, clips, split, data=data, out=out, cache=cache, score_every=0)


def _describe(product: Product, name: str, runs: Path, out: Path) -> None:
    """Licence and a manifest without figures; the report adds these."""
    texts = [(LICENCES / f"{name}.txt").read_text(encoding="utf-8") for name in (product.licence, "whisper-notice")]
    (out / "LICENSE").write_text("".join(texts), encoding="utf-8")
    (out / "card.md").touch()
    network = read_run(runs / product.shipped)
    served = sum(p.numel() for n, p in network.named_parameters() if not n.startswith("heads.") or ".emotion." in n)
    test_speakers: list[str] = []
    if product.held_out_run:
        test_speakers = _test_speakers(runs / product.held_out_run)
    write_manifest(
        out,
        ("model.onnx", "LICENSE", "card.md"),
        name=name,
        kind="acoustic",
        licence=product.licence,
        commercial=commercial(product.corpora),
        summary=product.summary,
        labels=list(EMOTIONS),
        temperature=1.0,
        sample_rate=16_000,
        parameters=served,
        corpora=list(product.corpora),
        scored=product.scored,
        test_speakers=test_speakers,
        inner_speakers=list(product.inner_speakers),
        split=product.split,
        data_note=product.data_note,
        inside=INSIDE,
        frozen_trunk="whisper-base",
    )


def read_whisper(run: Path) -> WhisperNetwork:
    """A finished run whose trunk the others share.

    Raises:
        ConfigError: it is not finished, or of another encoder.
    """
    network = read_run(run)
    if not isinstance(network, WhisperNetwork):
        raise ConfigError(f"'{run}' was trained with another encoder than 'whisper': delete it and ship again.")
    return network


def _test_speakers(run: Path) -> list[str]:
    return list(json.loads((run / RUN).read_text(encoding="utf-8"))["test_speakers"])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Train, export and measure a model folder; run it again to resume.")
    parser.add_argument("name", choices=sorted(PRODUCTS))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (0: all)")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO)
    if options.threads:
        torch.set_num_threads(options.threads)
    ship(options.name, data=options.data, runs=options.runs, out=options.out, cache=options.cache)


if __name__ == "__main__":
    main()
