"""One `EmotionAnalyzer` per process, shared by the channels and the NLU component."""

import logging
from functools import cache
from pathlib import Path

from rasa_emotion.analyzer import EmotionAnalyzer
from rasa_emotion.errors import ModelError
from rasa_emotion.logs import named
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
        return EmotionAnalyzer.load(models, acoustic=acoustic, allow_missing=True)
    except ModelError as error:
        logger.warning("The bot goes on without emotions. %s", error, extra=named("model.missing"))
    except Exception as error:  # whatever it is, a bot must not die of it
        logger.error(
            "The bot goes on without emotions (%s: %s).", type(error).__name__, error, extra=named("model.failed")
        )
    return None
