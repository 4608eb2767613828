"""Fine-tune the text model: `python -m rasa_emotion.training.text.train RECIPE.yaml --data FOLDER --out FOLDER`.

Writes the weights that are best on the inner split (those of the last epoch, where the recipe has no inner split), and
`history.json`. Started again after a kill, it goes on from its checkpoint.
"""

import json
import sys
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from rasa_emotion.errors import RasaEmotionError
from rasa_emotion.text.classifier import TOKENIZER_FILE
from rasa_emotion.training.device import pick_device, quick_bfloat16
from rasa_emotion.training.text.data import (
    Batch,
    TrainingText,
    epoch_batches,
    split_sources,
    tokenize,
)
from rasa_emotion.training.text.figures import epoch_figures
from rasa_emotion.training.text.model import TextEmotionModel, load_model, save_model, start_model
from rasa_emotion.training.text.objective import Objective, label_weights, start_bias
from rasa_emotion.training.text.predict import inputs, predict
from rasa_emotion.training.text.provenance import PROVENANCE, provenance
from rasa_emotion.training.text.recipe import Recipe, read_recipe
from rasa_emotion.training.text.start import layers_of, load_tokenizer, require_fit
from rasa_emotion.training.text.teacher import read_taught_sources

CHECKPOINT = "checkpoint.pt"


@dataclass
class Progress:
    """Where a training stands: the next batch to train on, and the inner split's figures so far."""

    epoch: int = 0
    batch: int = 0
    best: float = -1.0
    history: list[dict[str, float]] | None = None


def train(recipe: Recipe, data: Path, out: Path, *, beside: Path) -> TextEmotionModel:
    """Train, or go on where a killed training of the same folder stopped.

    Args:
        recipe: the settings.
        data: the folder of the corpora.
        out: where weights, checkpoint and history go.
        beside: where a recipe's CSV files are.
    """
    return train_rows(recipe, *load_rows(recipe, data, beside), out)


def train_rows(recipe: Recipe, kept: list[TrainingText], held: list[TrainingText], out: Path) -> TextEmotionModel:
    """The same with rows to train on and rows to choose the epoch by; without these, the last epoch is kept."""
    torch.manual_seed(recipe.seed)
    device = pick_device()
    model = start_model(recipe.start, recipe.labels, recipe.dropout)
    require_fit(model.encoder, recipe.start, recipe.max_tokens)
    out.mkdir(parents=True, exist_ok=True)
    load_tokenizer(start=recipe.start).save(str(out / TOKENIZER_FILE), pretty=False)
    (out / PROVENANCE).write_text(json.dumps(provenance(recipe)) + "\n", encoding="utf-8")
    per_epoch = len(epoch_batches(kept, recipe, 0))
    optimizer, scheduler = make_optimizer(model, recipe, total=per_epoch * recipe.epochs)
    weights = label_weights(kept, recipe)
    if not model.head.weight.any():
        model.head.bias.data.copy_(start_bias(kept, weights, recipe))
    objective = Objective(recipe, weights.to(device))
    parts: dict[str, Any] = {"model": model.to(device), "optimizer": optimizer, "scheduler": scheduler}
    if recipe.average_decay:
        averaging: Any = get_ema_multi_avg_fn  # without annotations
        parts["average"] = AveragedModel(model, multi_avg_fn=averaging(recipe.average_decay))
    progress = _resume(out, parts)
    for epoch in range(progress.epoch, recipe.epochs):
        model.train()
        batches = epoch_batches(kept, recipe, epoch)
        skip = progress.batch
        bar = tqdm(batches[skip:], initial=skip, total=len(batches), desc=f"epoch {epoch + 1}/{recipe.epochs}")
        for number, batch in enumerate(bar, skip + 1):
            found = _step(model, batch, objective, device)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
            if recipe.average_decay:
                parts["average"].update_parameters(model)
            bar.set_postfix(loss=f"{found:.3f}", refresh=False)
            if number % recipe.checkpoint_every == 0:
                progress.epoch, progress.batch = epoch, number
                _save_checkpoint(out, parts, progress)
        progress.epoch, progress.batch = epoch + 1, 0
        _end_epoch(parts["average"].module if recipe.average_decay else model, held, recipe, progress, out)
        _save_checkpoint(out, parts, progress)
    return load_model(out)


def load_rows(recipe: Recipe, data: Path, beside: Path) -> tuple[list[TrainingText], list[TrainingText]]:
    """Rows to train on and rows to choose by, of all sources."""
    kept: list[TrainingText] = []
    held: list[TrainingText] = []
    for number, (train_rows, inner_rows) in enumerate(split_sources(recipe, read_taught_sources(recipe, data, beside))):
        kept += tokenize(train_rows, recipe, number)
        held += tokenize(inner_rows, recipe, number)
    return kept, held


def make_optimizer(
    model: TextEmotionModel, recipe: Recipe, *, total: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """AdamW with lower rates for lower layers, linear warm-up and linear decay to 0."""
    layers = layers_of(model.encoder)
    model.encoder.requires_grad_(False)
    frozen = recipe.freeze_layers + 1 if recipe.freeze_layers else int(recipe.freeze_embeddings)
    for layer in layers[frozen:]:
        layer.requires_grad_(True)
    groups: list[dict[str, Any]] = []
    for depth, layer in enumerate(reversed(layers)):
        rate = recipe.learning_rate * recipe.layer_decay**depth
        groups += _groups([p for p in layer.parameters() if p.requires_grad], rate, recipe.weight_decay)
    groups += _groups(list(model.head.parameters()), recipe.head_learning_rate, recipe.weight_decay)
    warmup = max(1, round(total * recipe.warmup_share))

    def factor(step: int) -> float:
        return min((step + 1) / warmup, max(0.0, (total - step) / max(1, total - warmup)))

    optimizer = torch.optim.AdamW([group for group in groups if group["params"]], fused=True)
    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


def _groups(parameters: list[torch.nn.Parameter], rate: float, decay: float) -> list[dict[str, Any]]:
    # Biases and layer norms are not decayed, as in BERT.
    return [
        {"params": [p for p in parameters if p.ndim > 1], "lr": rate, "weight_decay": decay},
        {"params": [p for p in parameters if p.ndim == 1], "lr": rate, "weight_decay": 0.0},
    ]


def _step(model: TextEmotionModel, batch: Batch, objective: Objective, device: torch.device) -> float:
    rdrop = objective.recipe.rdrop
    targets = batch.targets.to(device)
    with torch.autocast(device.type, torch.bfloat16, enabled=quick_bfloat16(device)):
        passes = [model(*inputs(batch, device))[0] for _ in range(2 if rdrop else 1)]
    logits = [found.float() for found in passes]
    found = torch.stack([objective(each, targets) for each in logits]).mean()
    if rdrop:
        found = found + rdrop * objective.agreement(logits[0], logits[1], targets)
    torch.autograd.backward(found)
    torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], 1.0)
    return found.item()


def _end_epoch(
    model: TextEmotionModel, held: list[TrainingText], recipe: Recipe, progress: Progress, out: Path
) -> None:
    progress.history = progress.history or []
    if not held:
        save_model(model, out)
        return
    found = epoch_figures(held, predict(model, held, recipe.pool), recipe)
    figures = {"epoch": progress.epoch, **found}
    progress.history.append(figures)
    tqdm.write(" ".join(f"{key} {value:.4g}" for key, value in figures.items()), file=sys.stderr)
    (out / "history.json").write_text(json.dumps(progress.history, indent=2) + "\n", encoding="utf-8")
    if found[recipe.choose_by] > progress.best:
        progress.best = found[recipe.choose_by]
        save_model(model, out)


def _save_checkpoint(out: Path, parts: dict[str, Any], progress: Progress) -> None:
    state = {name: part.state_dict() for name, part in parts.items()}
    state |= {"progress": vars(progress), "random": torch.get_rng_state()}
    # Written beside and renamed: a kill in the middle leaves the older checkpoint whole.
    partial = out / f"{CHECKPOINT}.partial"
    torch.save(state, partial)
    partial.replace(out / CHECKPOINT)


def _resume(out: Path, parts: dict[str, Any]) -> Progress:
    if not (out / CHECKPOINT).is_file():
        return Progress()
    state = torch.load(out / CHECKPOINT, weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(state[name])
    torch.set_rng_state(state["random"])
    return Progress(**state["progress"])


def main() -> None:
    parser = ArgumentParser(prog="rasa_emotion.training.text.train", description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, help="instead of the recipe's")
    parser.add_argument("--start", help="instead of the recipe's")
    parser.add_argument("--set", dest="changes", default="", help="values instead of the recipe's: '{epochs: 5}'")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    try:
        recipe = read_recipe(options.recipe, options.changes, seed=options.seed, start=options.start)
        train(recipe, options.data, options.out, beside=options.recipe.parent)
    except RasaEmotionError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
