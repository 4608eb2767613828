"""`rasa-emotion corpora`: which speech corpora there are, fetching one, checking a folder, and its manifest."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rasa_emotion.corpora.catalogue import CORPORA, Corpus
from rasa_emotion.errors import ConfigError

if TYPE_CHECKING:
    from rasa_emotion.corpora.offers import Offer
    from rasa_emotion.corpora.reading import Reading

SHOWN = 20
"""Names of a long list that people are shown; --json has them all."""

Step = Callable[[str], Callable[[int, int | None], None]]

corpora = typer.Typer(
    help="List, fetch and check the speech corpora that models are trained on.\n\nExample: rasa-emotion corpora list",
    no_args_is_help=True,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
CorpusName = Annotated[
    str | None, typer.Option("--corpus", metavar="NAME", help="The corpus, where its layout is not recognised.")
]


@corpora.command("list")
def list_corpora(*, as_json: AsJson = False) -> None:
    """Show the corpora with their licences, what they hold, and how to get them.

    Example: rasa-emotion corpora list
    """
    if as_json:
        print(json.dumps({name: _entry(known) for name, known in CORPORA.items()}, ensure_ascii=False))
        return
    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("name", "clips", "speakers", "licence", "companies", "what", "folds", "get it"):
        table.add_column(heading, justify="right" if heading in {"clips", "speakers"} else "left", overflow="fold")
    for name, known in CORPORA.items():
        numbers = [f"{count:,}" if count else "" for count in (known.clips, known.speakers)]
        use = "yes" if known.commercial else "no"
        how = "fetch" if known.download else "ask"
        table.add_row(name, *numbers, known.licence, use, known.holds, known.folds, how)
    console.print(table)
    console.print("\nTo fetch: rasa-emotion corpora fetch NAME. To ask:")
    for name, known in CORPORA.items():
        if known.download is None:
            console.print(f"  {name}: {known.ask}", markup=False, soft_wrap=True)


@corpora.command()
def fetch(
    name: Annotated[str, typer.Argument(help="A name of 'corpora list'.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder of the corpora; the corpus gets a folder of its own in it.")] = Path(
        "corpora"
    ),
    url: Annotated[str | None, typer.Option(help="Another address, such as your company's own copy.")] = None,
    sha256: Annotated[str | None, typer.Option(help="Checksum of the archive at that address.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Accept the licence without being asked.")] = False,
) -> None:
    """Download a corpus, check it and unpack it; after an interruption the same command goes on.

    Example: rasa-emotion corpora fetch ravdess --out corpora
    """
    from rasa_emotion.corpora.fetch import describe, source  # noqa: PLC0415 -- loads the readers
    from rasa_emotion.corpora.fetch import fetch as fetch_corpus  # noqa: PLC0415

    place = source(name, url=url, sha256=sha256)
    console = Console(soft_wrap=True, highlight=False)
    console.print(describe(name, place), markup=False)
    if not yes:
        if not sys.stdin.isatty():
            raise ConfigError("Nobody can be asked here whether the licence is accepted: say so with --yes.")
        typer.confirm("Do you accept this licence?", abort=True)
    with _progress() as step:
        fetched = fetch_corpus(name, place, out, step)
    if not fetched.sha256:
        console.print(f"{fetched.folder} was there already; remove it to fetch it anew.", markup=False)
    elif fetched.checked:
        console.print(f"{fetched.folder}: the checksum is right.", markup=False)
    else:
        console.print(f"{fetched.folder}: SHA-256 {fetched.sha256}; pin it with --sha256.", markup=False)
    console.print(f"Next: rasa-emotion corpora check {fetched.folder}", markup=False)


@corpora.command()
def check(
    path: Annotated[Path, typer.Argument(help="Folder that a corpus was unpacked to, or one with a speech.csv.")],
    *,
    corpus: CorpusName = None,
    as_json: AsJson = False,
) -> None:
    """Count a corpus' clips by emotion, speaker and fold, and list what is missing, renamed or unreadable.

    The exit code is 1 when something is missing or unreadable.

    Example: rasa-emotion corpora check corpora/ravdess
    """
    reading = _read(path, corpus)
    if as_json:
        print(json.dumps(_report(reading), ensure_ascii=False))
    else:
        _present(reading, Console(highlight=False))
    if not reading.whole:
        raise typer.Exit(1)


@corpora.command()
def splits(
    path: Annotated[Path, typer.Argument(help="Folder that a corpus was unpacked to, or one with a speech.csv.")],
    *,
    corpus: CorpusName = None,
    as_json: AsJson = False,
) -> None:
    """Show what each way to split a corpus trains on, scores, and has on both sides.

    Figures on a split with speakers on both sides say nothing of new callers.

    Example: rasa-emotion corpora splits corpora/iemocap
    """
    from rasa_emotion.corpora.offers import offers  # noqa: PLC0415 -- as the readers

    reading = _read(path, corpus)
    found = {}
    for name in sorted({clip.corpus for clip in reading.clips}):
        partitions = CORPORA[name].partitions if name in CORPORA else ()
        found[name] = offers([clip for clip in reading.clips if clip.corpus == name], partitions)
    if as_json:
        print(json.dumps({name: [asdict(offer) for offer in rows] for name, rows in found.items()}))
        return
    console = Console(highlight=False)
    for name, rows in found.items():
        console.print(_splits_table(name, rows))
        for row in rows:
            if row.refused:
                console.print(f"  {row.split}: {row.refused}", markup=False, soft_wrap=True)


@corpora.command()
def manifest(
    paths: Annotated[list[Path], typer.Argument(help="Folders of corpora in their published layouts.")],
    *,
    out: Annotated[Path, typer.Option(help="Data folder whose speech.csv is written.")],
    corpus: CorpusName = None,
) -> None:
    """Write the speech.csv that the training recipes read, from one or more corpora.

    Clips that cannot be opened are left out, counted and named.

    Example: rasa-emotion corpora manifest corpora/ravdess corpora/tess --out data
    """
    from rasa_emotion.corpora.manifest import MANIFEST, write_manifest  # noqa: PLC0415 -- loads the readers
    from rasa_emotion.corpora.reading import relative_to  # noqa: PLC0415

    if (out / MANIFEST).exists():
        raise ConfigError(f"'{out / MANIFEST}' is there already: name another folder, or remove it first.")
    readings = [_read(path, corpus) for path in paths]
    names = [clip_corpus for reading in readings for clip_corpus in {clip.corpus for clip in reading.clips}]
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise ConfigError(f"More than one folder holds {', '.join(twice)}: name each corpus once.")
    console = Console(soft_wrap=True, highlight=False)
    for reading in readings:
        _complain(reading, console)
    clips = [clip for reading in readings for clip in relative_to(reading, out)]
    if not clips:
        raise ConfigError("The folders hold no clip that can be opened: run 'rasa-emotion corpora check' on each.")
    written = write_manifest(out, clips)
    console.print(f"{written}: {len(clips):,} clips of {', '.join(sorted(names))}.", markup=False)


def _read(path: Path, corpus: str | None) -> "Reading":
    from rasa_emotion.corpora.reading import read_corpus  # noqa: PLC0415 -- loads the readers

    with _progress() as step:
        return read_corpus(path, corpus, progress=step(f"read {path.name}"))


@contextmanager
def _progress() -> Iterator[Step]:
    """Bars on standard error, one a step; gone when done, and absent where nobody watches."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:

        def step(title: str) -> Callable[[int, int | None], None]:
            task = progress.add_task(title, total=None)
            return lambda done, total: progress.update(task, completed=done, total=total)

        yield step


def _entry(known: Corpus) -> dict[str, Any]:
    download = known.download
    return {
        "title": known.title,
        "licence": known.licence,
        "commercial": known.commercial,
        "holds": known.holds,
        "clips": known.clips,
        "speakers": known.speakers,
        "folds": known.folds,
        "partitions": list(known.partitions),
        "url": download.url if download else None,
        "checksum": (download.checksum or None) if download else None,
        "ask": known.ask or None,
    }


def _counts(reading: "Reading") -> dict[str, dict[str, int]]:
    clips = reading.clips
    return {
        "corpus": dict(sorted(Counter(clip.corpus for clip in clips).items())),
        "emotion": dict(sorted(Counter(clip.emotion or "none of the eight" for clip in clips).items())),
        "label": dict(sorted(Counter(clip.label for clip in clips).items())),
        "speaker": dict(sorted(Counter(clip.speaker for clip in clips).items())),
        "fold": {_fold_name(fold, reading.corpus): count for fold, count in _folds(reading).items()},
    }


def _folds(reading: "Reading") -> dict[int | None, int]:
    counted = Counter(clip.fold for clip in reading.clips)
    return dict(sorted(counted.items(), key=lambda item: (item[0] is None, item[0] or 0)))


def _fold_name(fold: int | None, corpus: str) -> str:
    if fold is None:
        return "none"
    known = CORPORA.get(corpus)
    return f"{fold} ({known.partitions[fold - 1]})" if known and known.partitions else str(fold)


def _report(reading: "Reading") -> dict[str, Any]:
    return {
        "corpus": reading.corpus,
        "path": str(reading.root),
        "whole": reading.whole,
        "clips": len(reading.clips),
        "hours": round(sum(clip.seconds for clip in reading.clips) / 3600, 3),
        "counts": _counts(reading),
        "lacking": reading.lacking,
        "missing": list(reading.missing),
        "unreadable": dict(reading.unreadable),
        "strangers": list(reading.strangers),
        "aside": {reason: list(files) for reason, files in reading.aside.items()},
    }


def _present(reading: "Reading", console: Console) -> None:
    counts = _counts(reading)
    hours = sum(clip.seconds for clip in reading.clips) / 3600
    speakers = len(counts["speaker"])
    console.print(f"{reading.corpus}: {len(reading.clips):,} clips, {speakers:,} speakers, {hours:.1f} h", markup=False)
    if len(counts["corpus"]) > 1:
        console.print(_table("corpus", counts["corpus"]))
    console.print(_table("emotion", counts["emotion"]))
    console.print(_table("fold", counts["fold"]))
    few = counts["speaker"] if speakers <= SHOWN else {}
    if few:
        console.print(_table("speaker", few))
    elif counts["speaker"]:
        sizes = counts["speaker"].values()
        console.print(f"{min(sizes):,} to {max(sizes):,} clips a speaker", markup=False)
    _complain(reading, console)
    if reading.whole:
        console.print("Nothing is missing.")


def _table(what: str, counts: Mapping[str, int]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(what, min_width=18)
    table.add_column("clips", justify="right")
    for name, count in counts.items():
        table.add_row(escape(name), f"{count:,}")
    return table


def _splits_table(name: str, rows: Sequence["Offer"]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(escape(name), min_width=18)
    for heading in ("train", "test", "speakers on both sides", "scripts on both sides"):
        table.add_column(heading, justify="right")
    for row in rows:
        counts = [f"{count:,}" for count in (row.train, row.test, row.speakers, row.scripts)]
        table.add_row(escape(row.split), *(["–"] * len(counts) if row.refused else counts))
    return table


def _complain(reading: "Reading", console: Console) -> None:
    """Count and name what is missing, unreadable, renamed or left out."""
    unreadable = [f"{path} ({reason})" for path, reason in reading.unreadable.items()]
    groups: dict[str, Sequence[str]] = {
        "missing": reading.missing,
        "unreadable and skipped": unreadable,
        "of names that the corpus does not use (renamed?)": reading.strangers,
        **{f"left out: {reason}": files for reason, files in reading.aside.items()},
    }
    for what, names in groups.items():
        if names:
            console.print(f"{len(names):,} {what}:", markup=False)
            for name in names[:SHOWN]:
                console.print(f"  {name}", markup=False, soft_wrap=True)
            if len(names) > SHOWN:
                console.print(f"  ... and {len(names) - SHOWN:,} more (--json names all)", markup=False)
    if reading.lacking and not reading.missing:
        console.print(f"{reading.lacking:,} recordings fewer than published.", markup=False)
