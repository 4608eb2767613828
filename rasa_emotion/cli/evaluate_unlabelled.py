"""`rasa-emotion evaluate --unlabelled`: is the voice at home on an operator's own recordings?"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from rasa_emotion.analyzer import EmotionAnalyzer
from rasa_emotion.errors import ConfigError
from rasa_emotion.evaluation.unlabelled import listen
from rasa_emotion.evaluation.unlabelled_advice import percent
from rasa_emotion.evaluation.unlabelled_page import CARDS, PAGE, home_summary, write_home_report

Bar = Callable[[Sequence[Path]], Iterable[Path]]


def evaluate_unlabelled(
    folder: Path, analyzer: EmotionAnalyzer, out: Path | None, *, as_json: bool, bar: Bar, channel: str | None = None
) -> None:
    """Listen to a folder, write the report and print its figures.

    Raises:
        ConfigError: no recordings, nobody speaks in them, or no matplotlib.
    """
    if analyzer.acoustic is None:
        raise ConfigError("There is no acoustic model that could listen; reinstall rasa-emotion or name --models.")
    place = out or Path(f"{folder.resolve().name}-report")
    listened = listen(analyzer, folder, track=bar, channel=channel)
    found = write_home_report(
        place, listened, title=f"The voice on {folder.resolve().name}", voice=analyzer.acoustic.name
    )
    if as_json:
        print(json.dumps(found))
    else:
        _show(found, place / PAGE)


def _show(found: Mapping[str, Any], page: Path) -> None:
    console = Console()
    table = Table(title=home_summary(found), caption="95 % intervals over recordings")
    table.add_column("share of the turns")
    table.add_column("value", justify="right")
    table.add_column("95 % interval", justify="right")
    for name, label in CARDS.items():
        share = found["shares"][name]
        table.add_row(label, percent(share["value"]), f"{percent(share['low'])} to {percent(share['high'])}")
    console.print(table)
    console.print(f"The voice is {found['verdict']} here.", style="bold", highlight=False)
    for piece in found["advice"]:
        console.print(f"- {piece['finding']}: {piece['text']}", markup=False, highlight=False)
    for turn in found["skipped"]:
        console.print(f"skipped {turn['name']}: {turn['reason']}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"The report is in {page}", markup=False, highlight=False, soft_wrap=True)
