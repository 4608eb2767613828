"""Train and score a published system under each of its protocols; run it again to go on.

python -m research.systems.run c-cnn2d --data ../shared/data --out runs/systems/c-cnn2d
"""

import argparse
import json
import logging
import shlex
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from imblearn.over_sampling import SMOTE
from numpy.typing import NDArray
from tqdm import tqdm

from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.errors import ConfigError
from rasa_emotion.training.claim import require_unused
from research.systems.base import SystemModel
from research.systems.examples import Material, material
from research.systems.features import extract
from research.systems.protocols import PROTOCOLS, Draw, Part, split
from research.systems.recipe import SystemRecipe, read_system_recipe
from research.systems.results import (
    RESULTS,
    Scored,
    comparison_rows,
    write_comparison,
    write_predictions,
)

MEASURED = "model.json"
RESULT = "result.json"
SETTINGS = "recipe.json"


def run_system(
    recipe: SystemRecipe,
    *,
    data: Path,
    out: Path,
    cache: Path = Path("runs/cache"),
    comparison: Path | None = None,
    protocols: Sequence[str] | None = None,
    smoke: bool = False,
    command: str = "",
) -> dict[str, Any]:
    """Train and score a recipe; what `out` already holds is not trained again.

    Args:
        data: folder with speech.csv.
        out: folder of the run: predictions of each training and protocol, and the result.
        cache: decoded clips and features.
        comparison: where the result's rows and the predictions for paired tests are written; nowhere when None.
        protocols: only these of the recipe's.
        smoke: one epoch on few clips, to see that everything runs; figures mean nothing.
        command: noted in the result as what regenerates it.

    Returns:
        The result, as it stands in `out`/result.json: the recipe's words, the model's size and latency, and a row per
        finished protocol and corpus.

    Raises:
        ConfigError: the data does not fit the recipe, a protocol is not the recipe's, or `out` holds other settings.
    """
    chosen = list(protocols or recipe.protocols)
    strange = sorted(set(chosen) - set(recipe.protocols))
    if strange:
        raise ConfigError(f"'{recipe.name}' has no protocol {', '.join(strange)}: use {', '.join(recipe.protocols)}.")
    if smoke:
        recipe = replace(recipe, epochs=1)
    _claim(out, recipe, smoke=smoke)
    found = material(recipe, data, cache, smoke=smoke)
    recipe = replace(recipe, folder=out, classes=found.classes)
    for protocol in chosen:
        _train_protocol(recipe, found, protocol, out)
    scored = {p: s for p in recipe.protocols if (s := _read(recipe, found, p, out)) is not None}
    for protocol, predictions in scored.items():
        write_predictions(out / f"predictions-{protocol}.csv", predictions)
    result = {
        **{key: getattr(recipe, key) for key in ("system", "name", "title", "reported", "paper_split")},
        **json.loads((out / MEASURED).read_text(encoding="utf-8")),
        "deviations": list(recipe.deviations),
        "command": command,
        "rows": comparison_rows(recipe, scored),
    }
    (out / RESULT).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if comparison is not None:
        write_comparison(comparison, result, scored)
    return result


def _claim(out: Path, recipe: SystemRecipe, *, smoke: bool) -> None:
    """Note the settings in `out`, or refuse a folder that holds a run of others."""
    words = {"deviations", "title", "reported", "paper_split", "protocols"}
    values = {key: str(value) for key, value in asdict(recipe).items() if key not in words} | {"smoke": str(smoke)}
    file = out / SETTINGS
    if file.is_file() and json.loads(file.read_text(encoding="utf-8")) != values:
        raise ConfigError(f"'{out}' holds a run of other settings: choose another folder, or delete it.")
    if not file.is_file():
        require_unused(out)
    out.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def _train_protocol(recipe: SystemRecipe, found: Material, protocol: str, out: Path) -> None:
    for part in tqdm(_parts(recipe, found, protocol), desc=f"{recipe.name} {protocol}"):
        file = _part_file(out, protocol, part)
        if file.is_file():
            continue
        x, y = found.x[part.train], found.y[part.train]
        if recipe.smote:
            x, y = balanced(x, y, seed=recipe.seed)
        model = recipe.model(recipe)
        model.fit(x, y, classes=len(found.classes), seed=recipe.seed)
        probabilities = model.probabilities(found.x[part.test])
        if not (out / MEASURED).is_file():
            measured = {"parameters": model.parameters, "latency_ms": latency_ms(model, recipe)}
            (out / MEASURED).write_text(json.dumps(measured) + "\n", encoding="utf-8")
        partial = file.with_suffix(".part")
        with partial.open("wb") as stream:
            np.savez(stream, test=part.test, probabilities=probabilities)
        partial.replace(file)


def _parts(recipe: SystemRecipe, found: Material, protocol: str) -> list[Part]:
    draw = Draw(recipe.test_share, recipe.repeats, recipe.seed)
    return split(protocol, found.examples, found.y, draw)


def _part_file(out: Path, protocol: str, part: Part) -> Path:
    return out / f"{protocol}-{part.name.replace(' ', '')}.npz"


def _read(recipe: SystemRecipe, found: Material, protocol: str, out: Path) -> Scored | None:
    """What the trainings of a protocol said; None where one of them is missing."""
    parts = _parts(recipe, found, protocol)
    files = [_part_file(out, protocol, part) for part in parts]
    if not all(file.is_file() for file in files):
        return None
    rows = np.concatenate([part.test for part in parts])
    return Scored(
        examples=[found.examples[row] for row in rows],
        parts=[part.name for part in parts for _ in part.test],
        truth=found.y[rows],
        probabilities=np.concatenate([np.load(file)["probabilities"] for file in files]),
        classes=found.classes,
    )


def balanced(
    x: NDArray[np.float32], y: NDArray[np.int64], *, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """SMOTE (N. V. Chawla et al., 2002): small classes are filled up with points between neighbours.

    A class of one example has no neighbours, so that nothing is added where there is one.
    """
    _, counts = np.unique(y, return_counts=True)
    if counts.min() < 2:
        return x, y
    flat, filled = SMOTE(random_state=seed, k_neighbors=min(5, int(counts.min()) - 1)).fit_resample(
        x.reshape(len(x), -1), y
    )
    return flat.reshape(-1, *x.shape[1:]).astype(np.float32), filled.astype(np.int64)


def latency_ms(model: SystemModel, recipe: SystemRecipe, secs: float = 3.0, runs: int = 100) -> dict[str, float]:
    """Median and 95th percentile of the CPU time of features and probabilities of `secs` of noise, on one thread.

    CPU time, because a machine that is busy with other things would say more about these.
    """
    samples = np.random.default_rng(0).normal(0, 0.1, int(secs * SAMPLE_RATE)).astype(np.float32)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    times = []
    for _ in range(runs):
        start = time.process_time()
        model.probabilities(extract(samples, recipe.features, seconds=recipe.seconds)[None])
        times.append(1000 * (time.process_time() - start))
    torch.set_num_threads(threads)
    return {"p50": round(float(np.median(times)), 2), "p95": round(float(np.percentile(times, 95)), 2)}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Train and score a published system; run it again to go on.")
    parser.add_argument("recipe", help="name of a recipe that ships, or a YAML file")
    parser.add_argument("--data", type=Path, required=True, help="folder with speech.csv")
    parser.add_argument("--out", type=Path, required=True, help="folder of this run")
    parser.add_argument("--protocol", action="append", choices=list(PROTOCOLS), help="only this one (repeatable)")
    parser.add_argument("--smoke", action="store_true", help="one epoch on few clips; nothing is compared")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"), help="decoded clips and features")
    parser.add_argument("--comparison", type=Path, default=RESULTS, help="where the rows are written")
    parser.add_argument("--set", default="", help="YAML that replaces values of the recipe")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (0: all)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING)
    if options.threads:
        torch.set_num_threads(options.threads)
    override = f" --set {shlex.quote(options.set)}" if options.set else ""
    result = run_system(
        read_system_recipe(options.recipe, options.set),
        data=options.data,
        out=options.out,
        cache=options.cache,
        comparison=None if options.smoke else options.comparison,
        protocols=options.protocol,
        smoke=options.smoke,
        command=f"python -m {__spec__.name} {options.recipe} --data {options.data} --out {options.out}{override}",
    )
    if options.json:
        print(json.dumps(result, indent=1))
        return
    for row in result["rows"]:
        low, high = row["ua_interval"]
        print(f"{row['corpus']:20} {row['protocol']:18} UA {row['ua']:.3f} ({low:.3f} to {high:.3f})  {row['split']}")


if __name__ == "__main__":
    main()
