"""The mean of the weights of several trainings that went on from the same model:
`python -m research.text.average runs/text/first runs/text/second --out runs/text/mean`.

One model that costs no more than each of them, and mostly knows more (Wortsman et al., "Model soups", 2022). With the
model that they started from among them, less of what it knew is lost (Wortsman et al., "Robust fine-tuning of zero-shot
models", 2022).
"""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from rasa_emotion.errors import ConfigError, RasaEmotionError
from rasa_emotion.text.classifier import TOKENIZER_FILE
from rasa_emotion.training.text.model import TextEmotionModel, load_model, save_model
from rasa_emotion.training.text.provenance import PROVENANCE, behind


def averaged(models: Sequence[TextEmotionModel], shares: Sequence[float]) -> TextEmotionModel:
    """The first of the models, with the weighted mean of the weights of all.

    Args:
        models: networks of the same shape and labels.
        shares: how much each counts, above 0; their sum is brought to 1.

    Raises:
        ConfigError: the shapes or labels differ, or the shares do not fit.
    """
    if len(shares) != len(models) or not all(share > 0 for share in shares):
        raise ConfigError(f"There are {len(models)} models for the shares {list(shares)}; give one above 0 for each.")
    states = [model.state_dict() for model in models]
    alike = [model.labels == models[0].labels and _shapes(model) == _shapes(models[0]) for model in models]
    if not all(alike):
        raise ConfigError("The models differ in labels or shape; average trainings that started from the same model.")
    total = sum(shares)
    mean = {
        name: torch.stack([share / total * state[name] for share, state in zip(shares, states, strict=True)]).sum(0)
        for name in states[0]
    }
    models[0].load_state_dict(mean)
    return models[0]


def _shapes(model: TextEmotionModel) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in model.state_dict().items()}


def write_average(runs: Sequence[Path], shares: Sequence[float], out: Path) -> None:
    """Write the mean of the runs as a run: weights, tokenizer and what is behind all of them.

    Raises:
        ConfigError: a run is missing, or they do not belong together.
    """
    save_model(averaged([load_model(run) for run in runs], shares or [1.0] * len(runs)), out)
    shutil.copyfile(runs[0] / TOKENIZER_FILE, out / TOKENIZER_FILE)
    names = sorted({name for run in runs for name in behind(str(run))})
    (out / PROVENANCE).write_text(json.dumps(names) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="research.text.average",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("runs", type=Path, nargs="+", help="folders of trainings that started from the same model")
    parser.add_argument("--shares", type=float, nargs="+", default=[], help="how much each counts; by default alike")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    try:
        write_average(options.runs, options.shares, options.out)
    except RasaEmotionError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
