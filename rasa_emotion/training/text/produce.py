"""From a recipe to a model folder: what `rasa-emotion train text RECIPE` does."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError, ModelError
from rasa_emotion.evaluation.metrics import accuracy, bootstrap, class_recall, macro_f1, unweighted_accuracy
from rasa_emotion.model_folder import MANIFEST, permitted, write_manifest
from rasa_emotion.text import TextClassifier
from rasa_emotion.text.classifier import MODEL_FILE, TOKENIZER_FILE
from rasa_emotion.training.claim import claim
from rasa_emotion.training.text.build import BIASED, Scored, build, inner_rows, score_single
from rasa_emotion.training.text.data import read_part, tokenize
from rasa_emotion.training.text.model import load_model
from rasa_emotion.training.text.predict import predict
from rasa_emotion.training.text.provenance import provenance
from rasa_emotion.training.text.recipe import Recipe, read_recipe
from rasa_emotion.training.text.report import latency_ms
from rasa_emotion.training.text.score import FIGURES_FILE, score
from rasa_emotion.training.text.start import MPNET, model_type
from rasa_emotion.training.text.train import train

RECIPES = Path(__file__).parent / "recipes"
LEAST_AGREEMENT = 0.9
"""Share of the answers that int8 must have in common with float32; it is 0.95 and more for trained models."""
METRICS = {"ua": unweighted_accuracy, "accuracy": accuracy, "macro_f1": macro_f1}


def find_recipe(name: str) -> Path:
    """The file of a recipe, named by its path or, where it ships, by its name.

    Raises:
        ConfigError: there is no such recipe.
    """
    if Path(name).suffix in {".yaml", ".yml"}:
        return Path(name)
    shipped = {file.stem: file for file in sorted(RECIPES.glob("*.yaml"))}
    if name not in shipped:
        raise ConfigError(f"There is no recipe '{name}': name a YAML file, or one of {', '.join(shipped)}.")
    return shipped[name]


def train_recipe(
    name: str, data: Path, out: Path, *, changes: str = "", start: str | None = None, part: str | None = None
) -> dict[str, Any]:
    """Train, export and measure a recipe, or go on where that was interrupted.

    Args:
        name: a recipe's file, or the name of one that ships.
        data: the folder of the corpora.
        out: the model folder to write; for labels other than the eight emotions, a folder with `figures.json`.
        changes: YAML of values in place of the recipe's.
        start: in place of the recipe's.
        part: a part of a corpus to score that the recipe does not train on, such as "goemotions_dev".

    Returns:
        What `model.json` or `figures.json` holds, with `folder`, which is None where there is no model folder.

    Raises:
        ConfigError: the recipe, the data or the folder cannot be used.
        ModelError: the exported model differs from the trained one.
    """
    file = find_recipe(name)
    recipe = read_recipe(file, changes, start=start)
    if part in {source.corpus for source in recipe.train}:
        raise ConfigError(f"The recipe trains on '{part}', so that it cannot be scored; name another part.")
    run = claim(out, {"recipe": file.stem, "settings": json.loads(json.dumps(asdict(recipe)))})
    if recipe.labels != EMOTIONS:
        return {"folder": None, **_figures_alone(recipe, data, out, run, beside=file.parent, part=part)}
    if model_type(recipe.start) == MPNET:
        raise ConfigError(f"'{recipe.start}' is an MPNet, which can teach but not be exported; start from another.")
    if not recipe.inner_share:
        raise ConfigError("Nothing is left to fit the temperature on: set the recipe's inner_share above 0.")
    train(recipe, data, run, beside=file.parent)
    build(recipe, run, data, out, beside=file.parent)
    figures = measure(recipe, out, run, data, beside=file.parent, part=part)
    return {"folder": str(out), **_describe(out, recipe, figures)}


def measure(
    recipe: Recipe, out: Path, run: Path, data: Path, *, beside: Path, part: str | None = None
) -> dict[str, Any]:
    """Figures of a built folder: on the inner split, on a part that was not trained on, against float32, and its speed.

    Raises:
        ModelError: int8 and float32 give other answers to more than a tenth of the inner split.
    """
    classifier = TextClassifier.load(out)
    held = score_single(classifier.logits, inner_rows(recipe, data, beside))
    exact = predict(load_model(run / BIASED), tokenize(held.rows, recipe), recipe.pool)
    agreement = float(np.mean(exact.argmax(1) == held.logits.argmax(1)))
    if agreement < LEAST_AGREEMENT:
        raise ModelError(f"In int8 only {agreement:.1%} of the answers stay the same; the export of '{run}' failed.")
    figures = {
        "inner": _scored(held),
        "int8_agreement": round(agreement, 4),
        "latency_ms": latency_ms(classifier),
        "megabytes": round(sum((out / name).stat().st_size for name in (MODEL_FILE, TOKENIZER_FILE)) / 1e6, 1),
    }
    if part is not None:
        figures[part] = _scored(score_single(classifier.logits, read_part(recipe, data, part)))
    return figures


def _scored(scored: Scored) -> dict[str, Any]:
    found = scored.logits.argmax(1)
    recalls = class_recall(scored.truth, found, len(EMOTIONS))
    return {
        "rows": len(scored.truth),
        **{name: str(bootstrap(metric, scored.truth, found, samples=400)) for name, metric in METRICS.items()},
        "recall": {e: round(float(r), 3) for e, r in zip(EMOTIONS, recalls, strict=True) if not np.isnan(r)},
    }


def _describe(out: Path, recipe: Recipe, figures: dict[str, Any]) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    files = manifest.pop("files")
    manifest |= {"name": out.resolve().name, "figures": figures}
    rows = [f"| {name} | {value} |" for name, value in figures["inner"].items() if name in METRICS]
    rows += [f"| {key}: {name} | {figures[key][name]} |" for key in figures if key.endswith("_dev") for name in METRICS]
    use = permitted(manifest["licence"], commercial=manifest["commercial"])
    card = f"""# {manifest["name"]}: what the words say

Trained on {", ".join(provenance(recipe))}. **Licence: {manifest["licence"]}, {use}.**

| figure | value, 95 % interval |
|---|---|
{chr(10).join(rows)}

Figures without a part's name are of the inner split ({figures["inner"]["rows"]:,} rows), on which the epoch, the class
bias and the temperature ({manifest["temperature"]}) were chosen: on other rows expect a little less.
int8 answers as float32 does in {figures["int8_agreement"]:.1%} of them. Twelve words take
{figures["latency_ms"]["p50"]} ms (median, one thread); model and tokenizer have {figures["megabytes"]} MB.
"""
    (out / "card.md").write_text(card, encoding="utf-8")
    write_manifest(out, files, **manifest)
    return manifest


def _figures_alone(
    recipe: Recipe, data: Path, out: Path, run: Path, *, beside: Path, part: str | None
) -> dict[str, Any]:
    figures: dict[str, Any] = {"labels": list(recipe.labels)}
    if part is not None:
        figures |= score(recipe, data, part, run, beside=beside, seeds=[recipe.seed])
    else:
        train(recipe, data, run / "inner", beside=beside)
        history = run / "inner" / "history.json"
        figures["inner"] = json.loads(history.read_text(encoding="utf-8")) if history.is_file() else []
    (out / FIGURES_FILE).write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return figures
