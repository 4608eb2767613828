"""What a bot's own training examples teach the text model: those of nlu.yml whose metadata names an emotion."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rasa.shared.nlu.constants import INTENT, METADATA, METADATA_EXAMPLE, METADATA_INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from rasa_emotion.analyzer import EmotionAnalyzer
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError
from rasa_emotion.logs import named
from rasa_emotion.protocol import Analyzer
from rasa_emotion.text import TextClassifier
from rasa_emotion.text.adaptation import adapt, too_few
from rasa_emotion.text.adapter import Adapter, load_adapter

logger = logging.getLogger(__name__)

EMOTION = "emotion"
"""The key in the metadata of an example, or of its intent, whose value is one of the eight emotions."""


def emotion_examples(training_data: TrainingData) -> list[tuple[str, str]]:
    """The annotated examples as (text, emotion) pairs, in an order of their own that does not change.

    An example's own emotion goes before that of its intent.

    Raises:
        ConfigError: an emotion is not among the eight.
    """
    found = {(str(message.get(TEXT)), _emotion(message)) for message in training_data.nlu_examples if message.get(TEXT)}
    return sorted((text, emotion) for text, emotion in found if emotion is not None)


def learn(analyzer: Analyzer | None, training_data: TrainingData) -> Adapter | None:
    """What the annotated examples teach; None, with one warning where there are some, if they cannot teach anything.

    Raises:
        ConfigError: an emotion is not among the eight, or an annotated example holds no word.
    """
    examples = emotion_examples(training_data)
    if not examples:
        return None
    lack = too_few([emotion for _, emotion in examples])
    text = _adaptable(analyzer)
    if text is None:
        lack = "The examples with an emotion teach nothing, as there is no text model; see the warning about models."
    if lack or text is None:
        logger.warning(
            "The words are judged by the shipped model alone. %s", lack, extra=named("model.examples.unused")
        )
        return None
    adapter = adapt(text, examples)
    logger.info(
        "Learned from %d examples of %s; their share in the answer is %.2f.",
        adapter.examples,
        ", ".join(adapter.emotions),
        adapter.blend,
        extra=named("model.examples.learned"),
    )
    return adapter


def recall(analyzer: Analyzer | None, folder: Path) -> Adapter | None:
    """What `learn` found when the bot was trained; None where it found nothing.

    Raises:
        ModelError: it cannot be used any more.
    """
    text = _adaptable(analyzer)
    return None if text is None else load_adapter(folder, text.checksum)


def _adaptable(analyzer: Analyzer | None) -> TextClassifier | None:
    """The text model of an analyzer in this process; examples do not change one that others share."""
    return analyzer.text if isinstance(analyzer, EmotionAnalyzer) else None


def _emotion(message: Message) -> str | None:
    metadata = message.get(METADATA)
    levels = [metadata.get(level) for level in (METADATA_EXAMPLE, METADATA_INTENT)] if metadata else []
    named = [level[EMOTION] for level in levels if isinstance(level, Mapping) and level.get(EMOTION) is not None]
    return _checked(named[0], message) if named else None


def _checked(emotion: Any, message: Message) -> str:
    if emotion in EMOTIONS:
        return str(emotion)
    raise ConfigError(
        f"The example '{message.get(TEXT)}' of the intent '{message.get(INTENT)}' has the emotion '{emotion}' in its "
        f"metadata; choose from {', '.join(EMOTIONS)}."
    )
