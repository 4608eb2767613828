"""One `EmotionAnalyzer` per process, shared by the channels and the NLU component."""

import logging
from functools import cache
from pathlib import Path

from rasa_emotion.analyzer import EmotionAnalyzer
from rasa_emotion.errors import ModelError
from rasa_emotion.logs import named
from rasa_emotion.model_folder import model_path, read_model_folder
from rasa_emotion.protocol import Analyzer

logger = logging.getLogger(__name__)


def shared_analyzer(models: str | None = None, acoustic: str = "acoustic") -> Analyzer | None:
    """The analyzer of these models, loaded once; None, with one warning, when none of them can be loaded.

    Args:
        models: folder of the models; those that ship by default.
        acoustic: name of the acoustic model's folder.
    """
    return _load(str(Path(models).resolve()) if models else None, acoustic)


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
