"""`rasa-emotion train acoustic`: from recordings to a model folder that the analyzer takes."""

import json
import logging
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from rasa_emotion.cli.train_text import text
from rasa_emotion.cli.train_voice import voice
from rasa_emotion.errors import ConfigError
from rasa_emotion.evaluation.metrics import rough
from rasa_emotion.extras import needs_extra
from rasa_emotion.model_folder import permitted

OWN_CALLS, FINE_TUNING = "calls", "finetune"
"""The recipes of recordings of your own where none is named: from nothing, and from a classifier of others."""

train = typer.Typer(
    help="Train a model, export it, check it and measure it.\n\nExample: rasa-emotion train acoustic --data my_calls",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


train.command()(text)
train.command()(voice)


@train.command()
def acoustic(
    recipe: Annotated[
        str | None,
        typer.Argument(help="A YAML file or a recipe that ships: calls (the default), calls-cnn, ravdess, ..."),
    ] = None,
    *,
    data: Annotated[Path | None, typer.Option(help="Folder with speech.csv, the manifest of the recordings.")] = None,
    out: Annotated[Path, typer.Option(help="Model folder to write; run again to go on after an interruption.")],
    fold: Annotated[int | None, typer.Option(help="Score this official fold, train on the others.")] = None,
    held_out: Annotated[
        int, typer.Option(min=0, help="Score that many speakers; a fifth of them when neither is given.")
    ] = 0,
    corpus: Annotated[
        list[str] | None, typer.Option(help="Use this corpus of the manifest instead of the recipe's; may be repeated.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--from", help="Hugging Face or SpeechBrain audio classifier: identifier or folder.")
    ] = None,
    export_only: Annotated[bool, typer.Option("--export-only", help="Take --from as it is, without training.")] = False,
    label: Annotated[
        list[str] | None, typer.Option(help="LABEL=EMOTION, what a label of --from means; may be repeated.")
    ] = None,
    overrides: Annotated[str, typer.Option("--set", help='YAML that replaces values of the recipe: "epochs: 5".')] = "",
    cache: Annotated[Path, typer.Option(help="Folder of decoded recordings.")] = Path("runs/cache"),
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0 takes all.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Train an acoustic model by a recipe, or take or fine-tune somebody's audio classifier.

    Ends in a folder with the model in ONNX (checked against its original), its figures on speakers that it has not
    heard, its card and licence: EmotionAnalyzer.load(OUT).

    Example: rasa-emotion train acoustic --data my_calls --out my_model

    Example: rasa-emotion train acoustic --from superb/hubert-base-superb-er --export-only --out hubert
    """
    if source is None and (export_only or label):
        raise ConfigError("--export-only and --label belong to a classifier of others; name it with --from.")
    if source is not None and not export_only and label:
        raise ConfigError("Fine-tuning gives the classifier the eight labels; leave --label out or add --export-only.")
    if export_only and (recipe or overrides or fold is not None or held_out):
        raise ConfigError("--export-only trains nothing; leave the recipe, --set, --fold and --held-out out.")
    logging.basicConfig(level=logging.WARNING, handlers=[RichHandler(console=Console(stderr=True), show_path=False)])
    found = _run(
        recipe,
        source,
        export_only=export_only,
        labels=dict(map(_pair, label or [])),
        threads=threads,
        order={
            "out": out,
            "cache": cache,
            "data": data,
            "fold": fold,
            "held_out": held_out,
            "corpora": tuple(corpus or ()),
            "overrides": overrides,
        },
    )
    result = summary(found, out)
    if as_json:
        print(json.dumps(result, ensure_ascii=False))
    else:
        present(result, Console(soft_wrap=True, highlight=False))


def _run(
    recipe: str | None,
    source: str | None,
    *,
    export_only: bool,
    labels: dict[str, str],
    threads: int,
    order: dict[str, Any],
) -> dict[str, Any]:
    with needs_extra("train", "Training"):
        from rasa_emotion.training.acoustic import adopt, produce  # noqa: PLC0415 -- torch, for this verb alone
    produce.use_threads(threads)
    wanted = produce.Order(**order)
    if source is None:
        return produce.train_recipe(recipe or OWN_CALLS, wanted)
    if export_only:
        return adopt.adopt(source, wanted, labels=labels)
    return adopt.fine_tune_source(source, recipe or FINE_TUNING, wanted)


def _pair(text: str) -> tuple[str, str]:
    label, sign, emotion = text.rpartition("=")
    if not sign or not label:
        raise ConfigError(f"--label '{text}' is not a pair; write LABEL=EMOTION, such as LABEL_0=angry.")
    return label, emotion


def summary(found: dict[str, Any], out: Path) -> dict[str, Any]:
    """What people and programs want to know of a finished training, JSON-safe."""
    if "figures" not in found:  # weights to start from
        return {"folder": None, **found}
    figures = found["figures"]
    kept = ("clips", "speakers", "ua", "ua_interval", "accuracy", "macro_f1", "recall", "ece", "ua_by_condition")
    return {
        "folder": str(out),
        "backend": found.get("backend", "onnx"),
        "parameters": found["parameters"],
        "licence": found["licence"],
        "commercial": found["commercial"],
        "test_speakers": found["test_speakers"],
        "temperature": found["temperature"],
        **{name: figures[name] for name in kept if name in figures},
        "latency_ms": figures["latency_ms"],
        "export_difference": found["export_difference"],
        **({"weights": found["weights"]} if "weights" in found else {}),
    }


def present(result: dict[str, Any], console: Console) -> None:
    """Print a result for people, with the line that uses it."""
    if result["folder"] is None:
        console.print(f"Weights for other recipes to start from: {result['weights']}", markup=False)
        return
    table = Table(box=None, pad_edge=False, title=Text(result["folder"], style="bold"), title_justify="left")
    table.add_column("figure")
    table.add_column("value")
    if "ua" in result:
        low, high = result["ua_interval"]
        interval = f"95 % interval {low:.3f} to {high:.3f}{rough(result['speakers'])}"
        table.add_row("unweighted accuracy (UA)", f"{result['ua']:.3f} ({interval})")
        table.add_row("accuracy", f"{result['accuracy']:.3f}")
        table.add_row("macro-F1", f"{result['macro_f1']:.3f}")
        table.add_row("calibration error (ECE)", f"{result['ece']:.3f}, each speaker at the others' temperature")
        table.add_row("temperature", f"{result['temperature']}, fitted on all that were scored")
        table.add_row("scored", f"{result['clips']} recordings of {result['speakers']} speakers")
    table.add_row("3 s of audio", f"{result['latency_ms']['p50']} ms of CPU time on one thread")
    difference = result["export_difference"]
    table.add_row("runs in", "PyTorch" if difference is None else f"ONNX (differs by {difference:.0e} at most)")
    use = permitted(result["licence"], commercial=result["commercial"])
    table.add_row("licence", escape(f"{result['licence']}, {use}"))
    console.print(table)
    console.print(f'\nUse it: rasa-emotion analyze call.wav --models "{result["folder"]}"', markup=False)
