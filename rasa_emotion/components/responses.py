"""The response generator: picks the variation written for the caller's emotion."""

import logging
from collections.abc import Iterator
from typing import Any

from rasa.core.nlg.generator import NaturalLanguageGenerator
from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.exceptions import InvalidConfigException
from rasa.utils.endpoints import EndpointConfig

from rasa_emotion.conversation.history import latest_turn
from rasa_emotion.conversation.tone import reply_tones
from rasa_emotion.errors import ConfigError
from rasa_emotion.settings import check_number, checked

logger = logging.getLogger(__name__)

EMOTION_SLOT = "emotion"
Variation = dict[str, Any]

DEFAULTS: dict[str, Any] = {
    # What stood under `nlg:` before, such as {url: "http://..."}; it answers wherever no emotion variation fits.
    "wrap": None,
    # Probability of the emotion below which the plain variation is taken.
    "min_confidence": 0.0,
}


class EmotionResponses(TemplatedNaturalLanguageGenerator):
    """Answers in the tone that fits the caller's latest turn.

    A variation is written for an emotion by a condition on the slot `emotion`, whose value is an emotion ("sad") or a
    family ("angry", "upset", "worried", "pleased"). Without this generator Rasa never shows it to anybody else.
    Variations that fit come before all plain ones, also those of the caller's channel; among them, and among the
    plain ones, Rasa's own order holds. Other conditions keep their meaning.
    """

    def __init__(self, endpoint_config: EndpointConfig | None = None, domain: Domain | None = None) -> None:
        """Constructs the generator from `endpoints.yml`. Raises InvalidConfigException for an unusable option."""
        domain = domain or Domain.empty()
        super().__init__(domain.responses)
        settings = _checked_config(endpoint_config)
        self._min_confidence: float = settings["min_confidence"]
        wrapped = settings["wrap"]
        self._wrapped = NaturalLanguageGenerator.create(EndpointConfig.from_dict(wrapped), domain) if wrapped else None

    async def generate(
        self, utter_action: str, tracker: DialogueStateTracker, output_channel: str, **kwargs: Any
    ) -> Variation | None:
        """Generates a response for the requested utter action (see parent class for full docstring)."""
        response: Variation | None
        for variations in self._by_tone(utter_action, tracker):
            generator = TemplatedNaturalLanguageGenerator({utter_action: variations})
            response = await generator.generate(utter_action, tracker, output_channel, **kwargs)
            if response is not None:
                return response
        plain = self._wrapped or TemplatedNaturalLanguageGenerator(
            {utter_action: plain_variations(self._variations(utter_action))}
        )
        response = await plain.generate(utter_action, tracker, output_channel, **kwargs)
        return response

    def _by_tone(self, utter_action: str, tracker: DialogueStateTracker) -> Iterator[list[Variation]]:
        for tone in self._tones(tracker):
            fitting = variations_for(self._variations(utter_action), tone)
            if fitting:
                yield fitting

    def _tones(self, tracker: DialogueStateTracker) -> tuple[str, ...]:
        try:
            turn = latest_turn(tracker.events)
            return reply_tones(turn.estimate, min_confidence=self._min_confidence) if turn else ()
        except Exception as error:
            logger.error("The tone of a reply could not be chosen (%s: %s).", type(error).__name__, error)
            return ()

    def _variations(self, utter_action: str) -> list[Variation]:
        return self.responses.get(utter_action) or []


def variations_for(variations: list[Variation], tone: str) -> list[Variation]:
    """The variations written for a tone, without the condition that says so.

    >>> happy = {"text": "Great!", "condition": [{"type": "slot", "name": "emotion", "value": "happy"}]}
    >>> variations_for([happy, {"text": "Ok."}], "happy")
    [{'text': 'Great!'}]
    """
    return [_without_tone(variation) for variation in variations if tone in _tones_of(variation)]


def plain_variations(variations: list[Variation]) -> list[Variation]:
    """The variations that are not written for a tone."""
    return [variation for variation in variations if not _tones_of(variation)]


def _tones_of(variation: Variation) -> list[str]:
    return [str(condition.get("value")).casefold() for condition in _conditions(variation) if _on_emotion(condition)]


def _without_tone(variation: Variation) -> Variation:
    others = [condition for condition in _conditions(variation) if not _on_emotion(condition)]
    bare = {key: value for key, value in variation.items() if key != "condition"}
    return {**bare, "condition": others} if others else bare


def _conditions(variation: Variation) -> list[dict[str, Any]]:
    return variation.get("condition") or []


def _on_emotion(condition: dict[str, Any]) -> bool:
    return condition.get("type") == "slot" and condition.get("name") == EMOTION_SLOT


def _checked_config(endpoint_config: EndpointConfig | None) -> dict[str, Any]:
    owner = EmotionResponses.__name__
    try:
        if endpoint_config is not None and endpoint_config.url:
            raise ConfigError(f"{owner}: 'url' stands beside 'type'; move it under 'wrap'.")
        settings = checked(owner, endpoint_config.kwargs if endpoint_config else {}, DEFAULTS)
        check_number(owner, "min_confidence", settings["min_confidence"], above=-1e-9, at_most=1)
        if settings["wrap"] is not None and not isinstance(settings["wrap"], dict):
            raise ConfigError(f"{owner}: 'wrap' is {settings['wrap']!r}; give what stood under 'nlg:' before.")
    except ConfigError as error:
        raise InvalidConfigException(str(error)) from error
    return settings
