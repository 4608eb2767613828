"""The voice that companies may use: a linear head on Whisper's own layers, from corpora that permit it.

    python -m research.voice.make.features --model models/acoustic-emogator --views runs/views-free \
        --out runs/features-emogator
    python -m research.voice.make.company --data ../shared/data --features runs/features-emogator \
        --base models/acoustic-emogator --out models/acoustic-emogator

The trunk is that of the base, whose embedding the first command keeps; it stays as it is.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rasa_emotion.acoustic.classifier import MODEL
from rasa_emotion.acoustic.heads import HEADS
from rasa_emotion.attributes import ATTRIBUTES_FILE
from rasa_emotion.model_folder import MANIFEST, read_model_folder, sha256
from rasa_emotion.training.acoustic.report import FOLDS
from rasa_emotion.training.voice.features import Rows, read_rows
from research.voice.make.answers import answered, scored_rows
from research.voice.make.folder import EIGHT_WAYS, Made, Product, describe
from research.voice.make.linear import LinearRecipe, fit_linear, linear_logits
from research.voice.make.other_head import write_with_head
from research.voice.make.yardstick import calibrate

FREE = ("emogator", "emodb", "digits", "prompts", "espeak", "flite", "festival", "hibari", "kokoro")
"""Corpora whose licence lets companies use what was trained on them; each one's source stands in the catalogue."""

NOT_FREE = ("prompts-es_CO_f_July",)
"""Speakers of these corpora whose recordings are under the GPL, which says nothing of weights."""

SCORED = "emogator"
HELD_OUT_FOLD = 0
CALIBRATED_ON = ("emogator", "emodb", "digits", "prompts")
RECIPE = LinearRecipe(
    weights={"emogator": 0.5, "emodb": 1.0, **{corpus: 0.05 for corpus in FREE if corpus not in ("emogator", "emodb")}},
    penalty=0.1,
    prior=-1.0,
)
PRODUCT = Product(
    scored=SCORED,
    summary="Hears one of eight emotions in a voice. Trained on vocal bursts, acted German sentences and ordinary "
    "speech, all of which companies may use; it finds much of loud anger and little of the other emotions in other "
    "languages.",
    cannot_hear="much of fear, disgust and sadness in spoken sentences, since few people acted them for it: there, the "
    "words decide",
    split="EmoGator, a fifth of its contributors (a fold) held out; the clips whose category maps to one of the eight. "
    "Nothing was chosen on them: the recipe of the head was chosen by ordinary speech and corpora that it never "
    "heard, RAVDESS not among them. The model that ships was then trained on all contributors.",
    data_note=f'{EIGHT_WAYS} Noises are from ESC-10 (K. J. Piczak, "ESC: Dataset for Environmental Sound '
    'Classification", 2015; CC BY 3.0). Whisper was pretrained without emotion labels. The licence of EmoDB is '
    "CC0-1.0 according to those who publish it with audb (github.com/audeering/emodb); its home page of 2005 names "
    "none (docs/licences.md).",
    inside="the log-mel spectrogram of Whisper (80 bands, 25 ms window, 10 ms hop), the lower three of the six layers "
    "of Whisper base's encoder (MIT licence; the third without its feed-forward part, states every 40 ms) as they were "
    "pretrained, mean and deviation of the last two layers' states over time, one linear layer. Matrix products of "
    "the trunk in int8",
    commands="""The figures, from the kept head:

    python -m rasa_emotion.training.acoustic.report models/{name} --data ../shared/data

The weights, once the features are kept (docs/company-voice.md):

    python -m research.voice.make.company --data ../shared/data --features runs/features-emogator \\
        --base models/{name} --out models/{name}

The figures on ordinary speech, lines and corpora that it never heard: docs/company-voice.md.""",
    trunk="whisper-base",
)


def permitted(rows: Rows) -> Rows:
    """The rows that this voice may learn from."""
    return rows.where(np.isin(rows.corpus, FREE) & ~np.isin(rows.speaker, NOT_FREE))


def ship(features: Path, base: Path, out: Path, *, data: Path, cache: Path, recipe: LinearRecipe = RECIPE) -> None:
    """Fit, describe and measure the voice; `out` may be `base` itself.

    Raises:
        ModelError: the base cannot be used.
    """
    beneath = read_model_folder(base, "acoustic")
    rows = permitted(read_rows(features))
    held_out = fit_linear(rows.where(rows.fold != HELD_OUT_FOLD), recipe)
    scored = rows.where(scored_rows(rows) & (rows.fold == HELD_OUT_FOLD))
    answers = answered(scored, linear_logits(held_out, scored.statistics), "speakers")
    (out / FOLDS).mkdir(parents=True, exist_ok=True)
    for old in (out / FOLDS).glob("*"):
        old.unlink()
    np.savez(out / FOLDS / HEADS, **{f"held-out.{name}": value for name, value in held_out.items()})
    kept = _attributes(base)
    write_with_head(beneath.file(MODEL), fit_linear(rows, recipe), out / MODEL)
    if kept is not None:
        kept["encoder"] = sha256(out / MODEL)
        (out / ATTRIBUTES_FILE).write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    tested = (rows.corpus == SCORED) & (rows.fold == HELD_OUT_FOLD)
    speakers = sorted({str(speaker) for speaker in rows.speaker[tested]})
    parameters = int(beneath.settings.get("parameters", 0))
    made = Made(rows, speakers, calibrate(answers, CALIBRATED_ON), CALIBRATED_ON, parameters, (MODEL,))
    describe(PRODUCT, made, out, data=data, cache=cache)


def _attributes(base: Path) -> dict[str, Any] | None:
    """Those of the base where they were fitted to its embedding, which is the one of the new voice too."""
    file = base / ATTRIBUTES_FILE
    if not file.is_file():
        return None
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found if found["encoder"] == sha256(base / MODEL) else None


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Make the voice that companies may use from kept features.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--features", type=Path, default=Path("runs/features-emogator"))
    parser.add_argument("--base", type=Path, required=True, help="the model folder whose embedding was kept")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    ship(options.features, options.base, options.out, data=options.data, cache=options.cache)
    figures = json.loads((options.out / MANIFEST).read_text(encoding="utf-8"))["figures"]
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
