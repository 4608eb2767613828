"""`python -m research.fusion`: fit and measure the fusion for an acoustic model, write its folder."""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rasa_emotion.errors import RasaEmotionError
from rasa_emotion.evaluation.plots import roc_curves
from rasa_emotion.fusion.product import FUSION_FILE, fusion_for
from rasa_emotion.model_folder import sha256, write_manifest
from rasa_emotion.text.classifier import MODEL_FILE
from research.fusion.material import hear_voices, read_words
from research.fusion.measure import NEUTRAL_SHARE, measure
from research.fusion.pairs import pair
from research.fusion.report import VOICES, card, document
from research.fusion.shipped import MAX_FALSE_CONFLICTS, fit_fusion
from research.fusion.strategies import Recipe, read_recipe, shipped_recipes

DOCUMENT, PLOT = "fusion.md", "fusion.svg"
RESULT = Path(__file__).parent / "result.json"
MAIN = "acoustic"
"""The acoustic model that the document is about; the others have cards alone."""


def build(models: Path, acoustic: str, data: Path, cache: Path, recipes: Sequence[Recipe]) -> dict[str, Any]:
    """Everything that the result, card and document say.

    Raises:
        ConfigError: the data or a recipe cannot be used.
        ModelError: a model folder cannot be used.
    """
    words = read_words(models / "text", data, cache)
    voices = hear_voices(models / acoustic, data, cache)
    agreeing = pair(voices, words, neutral_share=0.0)
    fusion = fit_fusion(pair(voices, words, neutral_share=NEUTRAL_SHARE), agreeing)
    constants = {name: value for name, value in asdict(fusion).items() if name != "checksum"}
    return {
        "acoustic": acoustic,
        "checksums": {name: sha256(models / name / MODEL_FILE) for name in (acoustic, "text")},
        "constants": constants,
        "measured": measure(voices, words, recipes),
    }


def write(models: Path, report: dict[str, Any], docs: Path | None, result: Path = RESULT) -> None:
    """Write the model folder and, where `docs` is a folder, the figures and there the document and its plot."""
    folder = models / fusion_for(report["acoustic"])
    folder.mkdir(exist_ok=True)
    (folder / FUSION_FILE).write_text(json.dumps(report["constants"], indent=2) + "\n", encoding="utf-8")
    (folder / "card.md").write_text(card(report), encoding="utf-8")
    shutil.copyfile(models / "text" / "LICENSE", folder / "LICENSE")
    write_manifest(
        folder,
        [FUSION_FILE],
        name=folder.name,
        kind="fusion",
        licence="Apache-2.0",
        commercial=True,
        summary=f"Weighted product of voice ({report['acoustic']}) and words, fitted on held-out evidence.",
    )
    if docs is None:
        return
    docs.mkdir(parents=True, exist_ok=True)
    (docs / DOCUMENT).write_text(document(report), encoding="utf-8")
    result.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    kinds = report["measured"]["conflict"]["kinds"]
    curves = {kind: row["roc"] for kind, row in kinds.items()}
    (docs / PLOT).write_bytes(roc_curves(curves, MAX_FALSE_CONFLICTS))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m research.fusion",
        description="Fit the fusion of voice and words, compare the strategies, and write folder, card and document.",
        epilog="Example: python -m research.fusion models --acoustic acoustic --data ../shared/data",
    )
    parser.add_argument("models", type=Path, help="folder that holds the models and receives the fusion's")
    parser.add_argument("--acoustic", default=MAIN, choices=list(VOICES), help="acoustic model to fit for")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the corpora")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"), help="where evidence is kept between runs")
    parser.add_argument("--docs", type=Path, default=Path("docs"), help=f"receives the document for '{MAIN}'")
    parser.add_argument("--result", type=Path, default=RESULT, help="receives the figures of the document")
    parser.add_argument("--recipe", type=Path, action="append", help="compare this recipe (each that ships by default)")
    parser.add_argument("--json", action="store_true", help="print the figures")
    options = parser.parse_args(arguments)
    try:
        recipes = [read_recipe(file) for file in options.recipe] if options.recipe else shipped_recipes()
        report = build(options.models, options.acoustic, options.data, options.cache, recipes)
    except RasaEmotionError as error:
        sys.exit(str(error))
    write(options.models, report, options.docs if options.acoustic == MAIN else None, options.result)
    if options.json:
        print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
