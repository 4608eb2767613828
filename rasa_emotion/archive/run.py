"""One run over an archive: what is left to do, the tables, and the report."""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rasa_emotion.analyzer import EmotionAnalyzer
from rasa_emotion.archive.call import Scored, identity, printable
from rasa_emotion.archive.lock import locked
from rasa_emotion.archive.options import ScoreOptions
from rasa_emotion.archive.pool import score_all
from rasa_emotion.archive.report import write_archive_report
from rasa_emotion.archive.tables import find_parts, key, require_pyarrow, write_part
from rasa_emotion.archive.words import Words
from rasa_emotion.errors import ConfigError, ModelError
from rasa_emotion.evaluation.plots import require_matplotlib
from rasa_emotion.logs import named

logger = logging.getLogger(__name__)

SETTINGS = "settings.json"
PART_CALLS = 25
"""Recordings of a part: a kill costs the work on so many at most."""

Scorer = Callable[..., Iterator[Scored]]
Told = Callable[[Scored], None]


def score_archive(
    paths: Sequence[Path],
    out: Path,
    options: ScoreOptions,
    *,
    workers: int,
    begun: Callable[[int], None] = lambda _: None,
    told: Told = lambda _: None,
    scorer: Scorer = score_all,
) -> dict[str, Any]:
    """Score the recordings that the folder does not hold yet, and write its report anew.

    Args:
        paths: of the recordings, each once.
        out: the folder; made where it is missing, and gone on with where it holds parts.
        options: how they are scored.
        workers: processes.
        begun: gets the number of recordings that are left to do.
        told: gets each of them when it is done.
        scorer: hears them, as `pool.score_all` does.

    Returns:
        What the report's `figures.json` holds, with "new" (recordings of this run) and "known" (of runs before).

    Raises:
        ConfigError: another run is in the folder, it was made with other options, or a package is missing.
        ModelError: a model is missing.
    """
    require_pyarrow()
    require_matplotlib()
    with locked(out):
        _check_settings(out, options.described(_checked(options)))
        wanted = {path: _key(path) for path in paths}
        found = find_parts(out, frozenset(wanted.values()))
        for sentence in found.removed:
            logger.warning("%s", sentence, extra=named("archive.part.removed"))
        left = [path for path, identified in wanted.items() if identified not in found.done]
        begun(len(left))
        number = found.next_part
        for part in _parts(scorer(left, options, workers=workers), told):
            write_part(out, number, part)
            number += 1
        return write_archive_report(out, new=len(left), known=len(paths) - len(left))


def _parts(scored: Iterable[Scored], told: Told) -> Iterator[list[Scored]]:
    part: list[Scored] = []
    for one in scored:
        told(one)
        part.append(one)
        if len(part) == PART_CALLS:
            yield part
            part = []
    if part:
        yield part


def _key(path: Path) -> tuple[Any, ...]:
    try:
        return key(identity(path))
    except OSError:
        return printable(str(path)), None, None


def _checked(options: ScoreOptions) -> str:
    """The models' checksum, once it is known that all can be loaded."""
    analyzer = EmotionAnalyzer.load(options.models, acoustic=options.acoustic)
    if analyzer.acoustic is None:
        raise ModelError("There is no acoustic model that could hear; reinstall rasa-emotion or name --models.")
    if options.recogniser != "none":
        Words(options).close()
    return analyzer.checksum


def _check_settings(out: Path, settings: dict[str, Any]) -> None:
    """Write them at the first run, compare them at any other. Raises ConfigError."""
    file = out / SETTINGS
    try:
        earlier = json.loads(file.read_text(encoding="utf-8")) if file.exists() else None
    except ValueError:
        earlier = None  # cut off while it was written, before any part
    if not isinstance(earlier, dict):
        file.write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
        return
    other = [name for name in settings if earlier.get(name) != settings[name]]
    if other:
        raise ConfigError(
            f"'{out}' was made with other settings ({', '.join(other)}), and its figures would not agree; name another "
            "--out, or give the settings of then."
        )
