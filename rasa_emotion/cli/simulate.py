"""`rasa-emotion simulate`: what a bot's rules of escalation would do in simulated calls."""

import json
from collections.abc import Mapping
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from rasa_emotion.cli.options import AcousticOption, ModelsOption
from rasa_emotion.conversation.rule_options import DEFAULT_OPTIONS, escalation_rules
from rasa_emotion.errors import ConfigError
from rasa_emotion.estimate import MODALITIES
from rasa_emotion.evaluation.bot_rules import POLICY, rules_of
from rasa_emotion.evaluation.plots import require_matplotlib
from rasa_emotion.evaluation.simulation import Hearing, at_false, figures, play_all
from rasa_emotion.evaluation.tradeoff import trade_off


class Heard(str, Enum):
    """What the simulated bot has of each turn."""

    both = "both"
    voice = "voice"
    words = "words"


USED: Mapping[Heard, tuple[str, ...]] = {
    Heard.both: MODALITIES,
    Heard.voice: ("acoustic",),
    Heard.words: ("text",),
}


def simulate(
    config: Annotated[
        Path | None, typer.Argument(help="A bot's config.yml, whose rules are tried; without it, the default rules.")
    ] = None,
    *,
    calls: Annotated[int, typer.Option(min=20, help="Calls of each kind, calm ones and ones that turn angry.")] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed draws the same calls.")] = 1,
    heard: Annotated[Heard, typer.Option(help="What the bot has of each turn: voice and words, or one of them.")] = (
        Heard.both
    ),
    plot: Annotated[Path | None, typer.Option(help="Write the trade-off over thresholds into this SVG file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as one JSON object.")] = False,
    models: ModelsOption = None,
    acoustic: AcousticOption = "acoustic",
) -> None:
    """Try rules of escalation on simulated calls: how soon angry callers are noticed, how often calm ones are bothered.

    Example: rasa-emotion simulate config.yml --plot trade-off.svg
    """
    if plot is not None:
        require_matplotlib()  # before a minute of work
    rules = rules_of(config) if config else escalation_rules(POLICY, DEFAULT_OPTIONS)
    hearing = Hearing.load(models, acoustic, USED[heard])
    bar = partial(track, description="simulate", console=Console(stderr=True), transient=True)
    found = figures(list(play_all(rules, hearing, count=calls, seed=seed, track=bar)))
    if plot is not None:
        if not found["curve"]:
            raise ConfigError("None of the rules has a threshold that could be varied; leave --plot out.")
        plot.write_bytes(trade_off({"these rules": found}))
    if as_json:
        print(json.dumps(found))
    else:
        show(Console(), found)


def show(console: Console, found: Mapping[str, Any]) -> None:
    """The figures as a table."""
    counts = found["calls"]
    table = Table(
        title=f"{counts['calm']:,} calm calls, {counts['turning']:,} that turn angry; {counts['callers']} callers",
        caption="95 % intervals over callers",
    )
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("95 % interval", justify="right")
    rows = {
        "escalated within 2 angry turns": "within_2",
        "escalated within 3 angry turns": "within_3",
        "escalated at all after turning": "ever",
        "escalated before turning": "early",
        "calm calls escalated (false)": "false",
    }
    for title, name in rows.items():
        value, low, high = (f"{100 * part:.1f}" for part in found[name])
        table.add_row(title, f"{value} %", f"{low} to {high}")
    table.add_section()
    for name, part in found["slices"].items():
        table.add_row(f"{name}: within 2 / false", f"{100 * part['within_2']:.1f} % / {100 * part['false']:.1f} %", "")
    console.print(table)
    if len(found["rules"]) > 1:
        parts = ", ".join(f"{name} {number:,}" for name, number in found["rules"].items())
        console.print(f"Calls by the rule that decided: {parts}.", highlight=False)
    if found["curve"]:
        best = at_false(found["curve"])
        console.print(
            f"With the threshold of the rule on anger at {best['threshold']:g} and no other rule: "
            f"{100 * best['within_2']:.1f} % within 2 angry turns at {100 * best['false']:.1f} false per 100 calls.",
            highlight=False,
        )
