"""One `EmotionAnalyzer` per process, shared by the channels and the NLU component."""

import json
import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from rasa_emotion.analyzer import EmotionAnalyzer
from rasa_emotion.errors import ConfigError, ModelError
from rasa_emotion.logs import named
from rasa_emotion.model_folder import model_path, read_model_folder
from rasa_emotion.protocol import Analyzer
from rasa_emotion.remote import RemoteAnalyzer
from rasa_emotion.replicas import check_url
from rasa_emotion.settings import check_number, check_text, checked

logger = logging.getLogger(__name__)


FALLBACKS = ("words", "models", "none")

ENDPOINT: dict[str, Any] = {
    # Address of the service, or a list with those of its replicas.
    "url": None,
    # The key that it asks for.
    "token": None,
    # Seconds within which an answer has to be there.
    "timeout_secs": 1.0,
    # What stands in for it while it does not answer: words, models (voice and words, in this process) or none.
    "fallback": "words",
}
"""The option `endpoint` of components and channels; an address alone stands for one with the rest as it is here."""


def shared_analyzer(models: str | None = None, acoustic: str = "acoustic", endpoint: Any = None) -> Analyzer | None:
    """The analyzer of these models, loaded once; None, with one warning, when none of them can be loaded.

    Args:
        models: folder of the models; those that ship by default.
        acoustic: name of the acoustic model's folder.
        endpoint: the service that is asked in place of models in this process, as `ENDPOINT`; None for none.
    """
    folder = str(Path(models).resolve()) if models else None
    return _load(folder, acoustic) if endpoint is None else _connect(folder, acoustic, json.dumps(endpoint))


def check_endpoint(owner: str, endpoint: Any) -> None:
    """Raises ConfigError for a value of the option `endpoint` that cannot be used."""
    if endpoint is not None:
        _checked_endpoint(owner, endpoint)


def _checked_endpoint(owner: str, endpoint: Any) -> dict[str, Any]:
    owner = f"{owner}: 'endpoint'"
    options = checked(owner, endpoint if isinstance(endpoint, dict) else {"url": endpoint}, ENDPOINT)
    urls = options["url"] if isinstance(options["url"], list) and options["url"] else [options["url"]]
    for url in urls:
        check_text(owner, "url", url)
        check_url(url)
    check_text(owner, "token", options["token"], optional=True)
    check_number(owner, "timeout_secs", options["timeout_secs"], above=0, at_most=60)
    if options["fallback"] not in FALLBACKS:
        raise ConfigError(f"{owner}: 'fallback' is {options['fallback']!r}; write one of {', '.join(FALLBACKS)}.")
    return {**options, "url": urls}


@cache
def _connect(models: str | None, acoustic: str, endpoint: str) -> Analyzer | None:
    def words() -> Analyzer | None:
        try:
            return EmotionAnalyzer.of_words(models)
        except ModelError as error:
            logger.warning("The bot goes on without emotions. %s", error, extra=named("model.missing"))
            return None

    fallbacks: dict[str, Callable[[], Analyzer | None] | None] = {
        "words": words,
        "models": lambda: _load(models, acoustic),
        "none": None,
    }
    try:
        options = _checked_endpoint("The analyzer", json.loads(endpoint))
        return RemoteAnalyzer(
            options["url"],
            token=options["token"],
            timeout_secs=options["timeout_secs"],
            fallback=fallbacks[options["fallback"]],
        )
    except ConfigError as error:
        logger.error("The bot goes on without emotions. %s", error, extra=named("model.failed"))
    return None


@cache
def _load(models: str | None, acoustic: str) -> Analyzer | None:
    try:
        analyzer = EmotionAnalyzer.load(models, acoustic=acoustic, allow_missing=True)
        _say_licence(models, acoustic)
        return analyzer
    except ModelError as error:
        logger.warning("The bot goes on without emotions. %s", error, extra=named("model.missing"))
    except Exception as error:  # whatever it is, a bot must not die of it
        logger.error(
            "The bot goes on without emotions (%s: %s).", type(error).__name__, error, extra=named("model.failed")
        )
    return None


def _say_licence(models: str | None, acoustic: str) -> None:
    """One line on what hears the callers: its licence, and what it cannot hear."""
    try:
        model = read_model_folder(model_path(models, "acoustic", acoustic), "acoustic")
    except ModelError:  # which the analyzer has complained about
        return
    limited = not model.commercial or model.limit
    logger.log(logging.WARNING if limited else logging.INFO, "%s", model.sentence, extra=named("model.licence"))
