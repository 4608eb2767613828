"""`rasa-emotion train voice`: from a few hundred labelled turns to a voice of one's own calls."""

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

from rasa_emotion.evaluation.metrics import rough
from rasa_emotion.extras import needs_extra
from rasa_emotion.model_folder import MANIFEST, model_path, permitted

FREE = "acoustic-emogator"
"""The voice that ships whose trunk companies may use."""


def voice(
    *,
    data: Annotated[Path, typer.Option(help="Manifest of the labelled turns, or the folder whose speech.csv it is.")],
    out: Annotated[Path, typer.Option(help="Model folder to write; run again to go on after an interruption.")],
    base: Annotated[
        str, typer.Option(help="The voice beneath: one that ships, or a folder. Its licence holds for the result too.")
    ] = FREE,
    corpus: Annotated[
        list[str] | None, typer.Option(help="Use this corpus of the manifest alone; may be repeated.")
    ] = None,
    cache: Annotated[Path, typer.Option(help="Folder of decoded recordings.")] = Path("runs/cache"),
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0 takes all.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Make a voice of your own calls: new heads on the trunk of a voice that ships.

    A few hundred turns with emotion and speaker are enough to begin with. Every turn is scored by heads that were not
    trained on its speaker, beside the voice that it is made from. Takes minutes on one CPU core.

    Example: rasa-emotion train voice --data my_calls --out my_voice
    """
    logging.basicConfig(level=logging.WARNING, handlers=[RichHandler(console=Console(stderr=True), show_path=False)])
    with needs_extra("train", "Training"):
        from rasa_emotion.training.acoustic.produce import use_threads  # noqa: PLC0415 -- torch, for this verb alone
        from rasa_emotion.training.voice.own import Order, train_own  # noqa: PLC0415
    use_threads(threads)
    place = Path(base) if (Path(base) / MANIFEST).is_file() else model_path(None, "acoustic", base)
    result = summary(train_own(Order(data, out, place, tuple(corpus or ()), cache)), out)
    if as_json:
        print(json.dumps(result, ensure_ascii=False))
    else:
        present(result, Console(soft_wrap=True, highlight=False))


def summary(found: dict[str, Any], out: Path) -> dict[str, Any]:
    """What people and programs want to know of a finished training, JSON-safe."""
    figures = found["figures"]
    kept = ("clips", "speakers", "ua", "ua_interval", "accuracy", "macro_f1", "recall", "ece", "ua_by_condition")
    return {
        "folder": str(out),
        "licence": found["licence"],
        "commercial": found["commercial"],
        "cannot_hear": found.get("cannot_hear", ""),
        "temperature": found["temperature"],
        **{name: figures[name] for name in (*kept, "beneath", "latency_ms")},
    }


def present(result: dict[str, Any], console: Console) -> None:
    """Print a result for people, with the line that uses it."""
    table = Table(box=None, pad_edge=False, title=Text(result["folder"], style="bold"), title_justify="left")
    table.add_column("figure")
    table.add_column("value")
    low, high = result["ua_interval"]
    interval = f"95 % interval {low:.3f} to {high:.3f}{rough(result['speakers'])}"
    beneath = result["beneath"]
    table.add_row("unweighted accuracy (UA)", f"{result['ua']:.3f} ({interval})")
    table.add_row("UA over the telephone", f"{result['ua_by_condition']['mulaw']:.3f}")
    table.add_row(
        "UA among its emotions",
        escape(
            f"{beneath['ua_among_own']:.3f}; of '{beneath['name']}' {beneath['ua_among']:.3f}, p {beneath['p']:.3f}"
        ),
    )
    for emotion, recall in result["recall"].items():
        table.add_row(f"recall of {emotion}", f"{recall:.3f}")
    table.add_row("scored", f"{result['clips']} turns of {result['speakers']} speakers, by heads that never heard them")
    table.add_row("3 s of audio", f"{result['latency_ms']['p50']} ms of CPU time on one thread")
    use = permitted(result["licence"], commercial=result["commercial"])
    table.add_row("licence", escape(f"{result['licence']}, {use}"))
    if result["cannot_hear"]:
        table.add_row("cannot hear", escape(result["cannot_hear"]))
    console.print(table)
    console.print(f'\nUse it: rasa-emotion analyze call.wav --models "{result["folder"]}"', markup=False)
