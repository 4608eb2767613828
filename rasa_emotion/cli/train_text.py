"""`rasa-emotion train text`: from labelled sentences to a model folder that the analyzer takes."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from rasa_emotion.errors import ConfigError
from rasa_emotion.extras import needs_extra
from rasa_emotion.model_folder import permitted


def text(
    recipe: Annotated[
        str | None,
        typer.Argument(help="A YAML file, or a recipe that ships: goemotions, emotions8, union, dair, meld, ..."),
    ] = None,
    *,
    data: Annotated[
        Path | None, typer.Option(help="Folder with text/NAME.tsv, the corpora that the recipe names.")
    ] = None,
    few_shot: Annotated[
        Path | None,
        typer.Option(help="Instead of a recipe: CSV file with columns text and emotion, a few rows of each emotion."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Model folder to write; run again to go on after an interruption.")],
    start: Annotated[
        str | None,
        typer.Option(
            help="Instead of the recipe's: minilm, an earlier --out/run, a Hugging Face identifier or folder. With "
            "--few-shot: a model folder instead of the one that ships."
        ),
    ] = None,
    part: Annotated[
        str | None, typer.Option(help="Score this part too, which the recipe does not train on: goemotions_dev.")
    ] = None,
    overrides: Annotated[str, typer.Option("--set", help='YAML that replaces values of the recipe: "epochs: 5".')] = "",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0 takes all.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Train a text model by a recipe, or tune one on a handful of examples.

    Ends in a folder with the model in ONNX (int8, checked against its original), its figures, card and licence:
    EmotionAnalyzer.load(OUT). A recipe of other labels than the eight emotions ends in OUT/figures.json.

    Example: rasa-emotion train text goemotions --data corpora --out my_words --part goemotions_dev

    Example: rasa-emotion train text --few-shot examples.csv --out my_words
    """
    if few_shot is not None and (recipe or data or part or overrides):
        raise ConfigError("--few-shot takes no recipe; leave the recipe, --data, --part and --set out.")
    if few_shot is None and (recipe is None or data is None):
        raise ConfigError("There is nothing to train; name a recipe and --data, or examples with --few-shot.")
    with needs_extra("train", "Training"):
        from rasa_emotion.training.acoustic.produce import use_threads  # noqa: PLC0415 -- torch, for this verb alone
        from rasa_emotion.training.text.contrastive import tune_on_file  # noqa: PLC0415
        from rasa_emotion.training.text.produce import train_recipe  # noqa: PLC0415
    use_threads(threads)
    if recipe is None or data is None:
        found = tune_on_file(Path(str(few_shot)), out, base=Path(start) if start else None)
    else:
        found = train_recipe(recipe, data, out, changes=overrides, start=start, part=part)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        present(found, out, Console(soft_wrap=True, highlight=False))


def present(found: dict[str, Any], out: Path, console: Console) -> None:
    """Print a result for people, with the line that uses it."""
    table = Table(box=None, pad_edge=False, title=Text(str(out), style="bold"), title_justify="left")
    table.add_column("figure")
    table.add_column("value")
    for name, value in _rows(found):
        table.add_row(escape(name), escape(str(value)))
    console.print(table)
    use = f'Use it: rasa-emotion analyze --text "..." --models "{out}"'
    console.print("\n" + (use if found["folder"] else f"Written to {out}/figures.json"), markup=False)


def _rows(found: dict[str, Any]) -> list[tuple[str, Any]]:
    if found["folder"] is None:
        epochs = found.get("inner") or [{}]
        last = {f"{name}, last epoch, inner split": round(value, 4) for name, value in epochs[-1].items()}
        parts = {name: found[name] for name in ("part", "rows", "macro_f1", "weighted_f1", "accuracy") if name in found}
        return [*last.items(), *parts.items()]
    if "examples" in found:
        return [("examples", found["examples"]), ("licence", found["licence"])]
    figures = found["figures"]
    scored = [(part, figures[part]) for part in figures if isinstance(figures[part], dict) and "ua" in figures[part]]
    use = permitted(found["licence"], commercial=found["commercial"])
    return [
        *((f"{name}, {part}", values[name]) for part, values in scored for name in ("ua", "accuracy", "macro_f1")),
        ("answers as in float32", f"{figures['int8_agreement']:.1%}"),
        ("12 words", f"{figures['latency_ms']['p50']} ms on one thread"),
        ("size", f"{figures['megabytes']} MB"),
        ("licence", f"{found['licence']}, {use}"),
    ]
