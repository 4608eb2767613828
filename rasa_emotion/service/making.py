"""The service of one process, from plain values: for the verb, its processes, and files of deployments."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from rasa_emotion.analyzer import EmotionAnalyzer
from rasa_emotion.errors import ConfigError
from rasa_emotion.service.app import Service
from rasa_emotion.service.limits import Limits
from rasa_emotion.service.telemetry import Spans, sent_to
from rasa_emotion.turn.access import Access


def made(models: Path | None, acoustic: str, token_file: Path | None, limits: Limits, telemetry: str | None) -> Service:
    """What one process serves: the models of a folder, or those that ship, behind the keys of a file.

    Raises:
        ConfigError: the folder or the file cannot be used, or an extra is missing.
    """
    spans = Spans() if telemetry is None else sent_to(telemetry)
    return Service(EmotionAnalyzer.load(models, acoustic=acoustic), access_of(token_file), limits, spans)


def service_of(
    *,
    models: str | None = None,
    acoustic: str = "acoustic",
    token_file: str | None = None,
    telemetry: str | None = None,
    **limits: str | int,
) -> Callable[[], Service]:
    """The same from plain values, as files of deployments have them; `limits` are fields of `service.limits.Limits`.

    Raises:
        ConfigError: there is no such limit, or it is no number.
    """
    try:
        numbers = {name: int(value) for name, value in limits.items()}
        chosen = Limits(**numbers)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"The service does not know these limits ({error}); see docs/service.md.") from error
    folder, keys = (None if path is None else Path(path) for path in (models, token_file))
    return partial(made, folder, acoustic, keys, chosen, telemetry)


def access_of(token_file: Path | None) -> Access:
    """Who may ask: the keys of a file, or everybody without one."""
    return Access("serve", {"token_file": None if token_file is None else str(token_file)})
