"""`rasa-emotion evaluate`: figures, plots and a page about how well emotions are recognised."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from rasa_emotion.analyzer import EmotionAnalyzer
from rasa_emotion.audio.channels import check_channel
from rasa_emotion.cli.evaluate_unlabelled import evaluate_unlabelled
from rasa_emotion.cli.options import AcousticOption, ModelsOption
from rasa_emotion.errors import ConfigError
from rasa_emotion.evaluation.figures import HEADLINE
from rasa_emotion.evaluation.metrics import rough
from rasa_emotion.evaluation.plots import require_matplotlib
from rasa_emotion.evaluation.predictions import Predictions, read_predictions
from rasa_emotion.evaluation.report import PAGE, About, summary, write_report
from rasa_emotion.evaluation.turns import known_corpora, read_turns, score, trained_on
from rasa_emotion.model_folder import model_path, shipped_models

ACOUSTIC = "acoustic"


class Modality(str, Enum):
    """What turns are judged by."""

    both = "both"
    voice = "voice"
    text = "text"


def evaluate(
    manifest: Annotated[
        Path | None,
        typer.Argument(help="CSV with the columns path, text, emotion and speaker; path or text may be empty."),
    ] = None,
    *,
    predictions: Annotated[
        Path | None,
        typer.Option(
            help="Instead of a manifest: CSV with path, speaker, truth and a probability or logit per emotion."
        ),
    ] = None,
    unlabelled: Annotated[
        Path | None,
        typer.Option(
            help="Instead of a manifest: folder with recordings of yours; tells whether the voice suits them."
        ),
    ] = None,
    condition: Annotated[
        str | None, typer.Option(help="With --predictions: only rows with this value in the column condition.")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(min=0.01, help="With --predictions: divides logits before the softmax (1).")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the report; NAME-report by default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as one JSON object.")] = False,
    split: Annotated[
        str | None, typer.Option(help="For the report: what the models were trained on, in a sentence.")
    ] = None,
    modality: Annotated[
        Modality, typer.Option(help="Judge turns by their voice, their text, or by both where both are there.")
    ] = Modality.both,
    channel: Annotated[
        str | None,
        typer.Option(help="Of stereo recordings, whom to hear: left, right or mix. By default the one with a voice."),
    ] = None,
    models: ModelsOption = None,
    acoustic: AcousticOption = ACOUSTIC,
) -> None:
    """Score turns whose emotion is known, and write figures, plots and a page about them.

    Example: rasa-emotion evaluate calls.csv --out report

    Example: rasa-emotion evaluate --unlabelled recordings
    """
    if sum(source is not None for source in (manifest, predictions, unlabelled)) != 1:
        raise ConfigError(
            "Name either a manifest of turns, or --predictions to report on ready ones, or --unlabelled with a folder."
        )
    check_channel(channel)
    require_matplotlib()  # before minutes of work
    if unlabelled is not None:
        needless = {"--condition": condition, "--temperature": temperature, "--split": split}
        _refuse("--unlabelled", {**needless, "--modality": modality == Modality.text})
        analyzer = EmotionAnalyzer.load(models, acoustic=acoustic)
        evaluate_unlabelled(unlabelled, analyzer, out, as_json=as_json, bar=_bar("listen"), channel=channel)
        return
    if manifest is not None:
        _refuse("a manifest", {"--condition": condition, "--temperature": temperature})
        analyzer = EmotionAnalyzer.load(models, acoustic=acoustic)
        places = {"acoustic": model_path(models, "acoustic", acoustic), "text": model_path(models, "text", "text")}
        found, about = _analyse(manifest, analyzer, modality.value, places, channel)
    else:
        chosen = {"--models": models, "--acoustic": acoustic != ACOUSTIC, "--modality": modality != Modality.both}
        chosen["--channel"] = channel is not None
        _refuse("--predictions", chosen)
        found = read_predictions(str(predictions), condition=condition, temperature=temperature)
        about = _ready(str(predictions), condition)
    source = manifest or predictions or Path()
    folder = out or Path(f"{source.stem}-report")
    figures = write_report(folder, found, replace(about, split=split or about.split), track=_bar("bootstrap"))
    if as_json:
        print(json.dumps(figures))
    else:
        _show(figures, folder / PAGE)


def _refuse(source: str, options: Mapping[str, Any]) -> None:
    given = [name for name, value in options.items() if value]
    if given:
        raise ConfigError(f"{', '.join(given)} cannot be used with {source}: leave it out.")


def _bar(description: str) -> Callable[[Sequence[Any]], Iterable[Any]]:
    """Progress on standard error, where it disturbs no JSON."""
    return lambda things: track(things, description, console=Console(stderr=True), transient=True)


def _analyse(
    manifest: Path, analyzer: EmotionAnalyzer, modality: str, places: Mapping[str, Path], channel: str | None
) -> tuple[Predictions, About]:
    turns = read_turns(manifest)
    known = known_corpora(analyzer, turns, modality)
    found, skipped = score(analyzer, _bar("analyse")(turns), modality, channel)
    about = About(
        title=f"Emotions in {manifest.name}",
        split=_scored_by(analyzer, modality),
        warnings=[_flattered(known, _honest(analyzer, known, places))] if known else [],
        skipped=skipped,
    )
    return found, about


def _scored_by(analyzer: EmotionAnalyzer, modality: str) -> str:
    parts = [
        f"{name} (trained on {', '.join(corpora)})" if corpora else name
        for name, corpora in trained_on(analyzer, modality).items()
    ]
    return (
        f"Nothing was trained for this report. Scored as they ship: {' and '.join(parts)}. The figures tell how well "
        "new callers are understood only if neither the utterances nor their speakers were among what was learned from."
    )


def _flattered(known: Sequence[str], honest: str) -> str:
    return (
        f"The model that scored these utterances was trained on {', '.join(known)} and may have heard them before: "
        f"these are not out-of-fold figures, and they flatter it. The honest ones are {honest}."
    )


def _honest(analyzer: EmotionAnalyzer, known: Sequence[str], places: Mapping[str, Path]) -> str:
    """Where figures of speakers stand that the model had not heard: those of a voice that ships can be made again."""
    voice = analyzer.acoustic
    if voice is None or not set(known) & set(voice.settings.get("corpora", ())):
        return f"on its card, '{places['text'] / 'card.md'}'"
    folder = places["acoustic"]
    if folder.resolve().parent != shipped_models().resolve():
        return f"on its card, '{folder / 'card.md'}'"
    return (
        "those of the fold models, in a checkout of the project: rasa-emotion evaluate --predictions "
        f"models/{folder.name}/folds/out_of_fold.csv --condition clean --temperature {voice.temperature}"
    )


def _ready(file: str, condition: str | None) -> About:
    under = f", condition {condition}" if condition else ""
    return About(
        title=f"Emotions in {Path(file).name}{under}",
        split="Not stated. The predictions came ready, and whether the models behind them had heard these speakers "
        "before is not known here (--split says it).",
    )


def _show(figures: Mapping[str, Any], page: Path) -> None:
    console = Console()
    for warning in figures["warnings"]:
        console.print(f"[bold yellow]Read this first:[/] {escape(warning)}\n", highlight=False)
    over = figures["interval_over"]
    few = rough(figures["speakers"]) if over == "speakers" else ""
    table = Table(title=summary(figures), caption=f"95 % intervals over {over}{few}")
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("95 % interval", justify="right")
    for name, title in HEADLINE.items():
        table.add_row(title, *_cells(figures[name]))
    table.add_section()
    for emotion, part in figures["recall"].items():
        table.add_row(f"recall of {emotion}", *_cells(part))
    console.print(table)
    skipped = figures["skipped"]
    if skipped:
        console.print(f"{len(skipped):,} skipped:", style="yellow", highlight=False)
        for turn in skipped:
            console.print(f"  {turn['name']}: {turn['reason']}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"The report is in {page}", markup=False, highlight=False, soft_wrap=True)


def _cells(part: Mapping[str, float | None]) -> tuple[str, str]:
    value, low, high = ("–" if part[key] is None else f"{part[key]:.3f}" for key in ("value", "low", "high"))
    return value, "–" if low == high == "–" else f"{low} to {high}"
