"""The response generator: says what fits the caller's emotion and mood, and each apology once."""

import logging
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from functools import lru_cache, partial
from typing import Any, TypeVar

from rasa.core.nlg.generator import NaturalLanguageGenerator, ResponseVariationFilter
from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.exceptions import InvalidConfigException
from rasa.utils.endpoints import EndpointConfig

from rasa_emotion.bot.disclosure import DISCLOSURE_RESPONSE, disclosed
from rasa_emotion.bot.rasa_versions import channel_name, filled
from rasa_emotion.bot.response_options import ResponseOptions
from rasa_emotion.conversation.cheer import is_cheerful
from rasa_emotion.conversation.rephrase import rephrase
from rasa_emotion.conversation.reply import (
    OWN,
    REPLY_KEY,
    Caller,
    Variation,
    caller_of,
    is_worn,
    plain_variations,
    variations_by_fit,
    without_said_opening,
)
from rasa_emotion.conversation.ssml import prosody_for, render
from rasa_emotion.endpoints import VOICE_CHANNEL
from rasa_emotion.errors import ConfigError, place_of
from rasa_emotion.logs import named, trace

logger = logging.getLogger(__name__)

_Found = TypeVar("_Found")

# A custom action may say several things before the tracker knows of the first: where the events ended at the last
# acknowledgement.
_ACKNOWLEDGED = "emotion_acknowledged"


# A bot's templates are few, and are said again and again.
rephrased = lru_cache(maxsize=1024)(rephrase)


class EmotionResponses(TemplatedNaturalLanguageGenerator):
    """Answers in the tone that fits the caller.

    A variation is written for some callers by conditions on the slots `emotion` (an emotion such as "sad", or a family:
    "angry", "upset", "worried", "pleased") and `caller_mood`. Those that fit come before all plain ones, also those of
    the caller's channel; see `variations_by_fit` for their order. Among equals, Rasa's own order holds, and other
    conditions keep their meaning. Whatever fails here costs a line in the log, and the caller gets the plain reply.
    """

    def __init__(self, endpoint_config: EndpointConfig | None = None, domain: Domain | None = None) -> None:
        """Constructs the generator from `endpoints.yml`. Raises InvalidConfigException for an unusable option."""
        domain = domain or Domain.empty()
        super().__init__(domain.responses)
        try:
            if endpoint_config is not None and endpoint_config.url:
                raise ConfigError(f"{type(self).__name__}: 'url' stands beside 'type'; move it under 'wrap'.")
            self.options = ResponseOptions.checked(endpoint_config.kwargs if endpoint_config else {}, domain.responses)
        except ConfigError as error:
            raise InvalidConfigException(str(error)) from error
        wrapped = self.options.wrap
        self._wrapped = NaturalLanguageGenerator.create(EndpointConfig.from_dict(wrapped), domain) if wrapped else None

    async def generate(
        self, utter_action: str, tracker: DialogueStateTracker, output_channel: Any, **kwargs: Any
    ) -> Variation | None:
        """Generates a response for the requested utter action (see parent class for full docstring)."""
        making = _Making(self.options, self.responses, tracker, output_channel, channel_name(output_channel), kwargs)
        plain: tuple[Caller, Variation | None] = (Caller(), None)
        caller, response = _or(plain, lambda: making.fitted(utter_action))
        if response is None:
            response = await self._plain(making, utter_action, caller)
        if response is None:  # a worn variation is better than silence
            response = _or(None, lambda: making.written_for(utter_action, replace(caller, said=frozenset())))
        if response is None:
            return None
        for step in (making.acknowledged, making.disclosed, making.spoken):
            response = _or(response, partial(step, utter_action, response, caller))
        return response

    async def _plain(self, making: "_Making", utter_action: str, caller: Caller) -> Variation | None:
        variations = plain_variations(self.responses.get(utter_action) or [])
        if caller.needy and self._wrapped is None:
            variations = _or(variations, lambda: making.quiet(variations))
        plain = self._wrapped or TemplatedNaturalLanguageGenerator({utter_action: variations})
        response: Variation | None = await plain.generate(utter_action, making.tracker, making.output, **making.kwargs)
        return response


@dataclass(frozen=True)
class _Making:
    """What goes into the making of one reply."""

    options: ResponseOptions
    responses: Mapping[str, list[Variation]]
    tracker: DialogueStateTracker
    output: Any
    channel: str
    kwargs: Mapping[str, Any]

    def caller(self) -> Caller:
        return caller_of(
            self.tracker.events,
            min_confidence=self.options.min_confidence,
            no_repeat=self.options.no_repeat,
            acknowledgement=self.options.acknowledge,
        )

    def fitted(self, utter_action: str) -> tuple[Caller, Variation | None]:
        caller = self.caller()
        return caller, self.written_for(utter_action, caller)

    def written_for(self, utter_action: str, caller: Caller) -> Variation | None:
        """A variation that is written for this caller and not worn, filled; None without one."""
        for fitting in variations_by_fit(self.responses.get(utter_action) or [], caller):
            for response in self._filled(utter_action, fitting.variations):
                text = response.get("text")
                if text and is_worn(text, caller.said):
                    continue
                fresh = {**response, "text": without_said_opening(text, caller.said)} if text else response
                return _noted(fresh, fitting.names, acknowledges=fitting.acknowledges)
        return None

    def quiet(self, variations: list[Variation]) -> list[Variation]:
        """The variations with their texts rephrased; what will stand for a placeholder is not touched."""
        rules = self.options.rephrase
        return [{**v, "text": rephrased(v["text"], rules)} if v.get("text") else v for v in variations]

    def acknowledged(self, utter_action: str, response: Variation, caller: Caller) -> Variation:
        """The response with an acknowledgement before it where one is due."""
        name = self.options.acknowledge
        said = len(self.tracker.events)
        due = caller.unacknowledged and getattr(self.tracker, _ACKNOWLEDGED, None) != said
        text = response.get("text")
        if not due or not text or _acknowledges(response) or _contradicts(utter_action, text):
            return response
        if name is None or name == utter_action or name not in self.responses:
            return response
        plain = self._filled(name, plain_variations(self.responses[name]))
        first = self.written_for(name, caller) or next(
            (found for found in plain if not is_worn(found.get("text") or "", caller.said)), {}
        )
        if not first.get("text"):
            return response
        setattr(self.tracker, _ACKNOWLEDGED, said)
        names = first.get(REPLY_KEY, {}).get("written_for", ())
        return _noted({**response, "text": f"{first['text'].rstrip()} {response['text']}"}, names, acknowledges=True)

    def disclosed(self, utter_action: str, response: Variation, caller: Caller) -> Variation:
        """The response with the words that tell of the analysis before it, where they are due."""
        return disclosed(response, self.tracker, self._disclosure)

    def _disclosure(self) -> str | None:
        told = self._filled(DISCLOSURE_RESPONSE, self.responses.get(DISCLOSURE_RESPONSE) or [])
        return next((found["text"] for found in told if found.get("text")), None)

    def spoken(self, utter_action: str, response: Variation, caller: Caller) -> Variation:
        """The response with its markup for a voice, on the channels that take it."""
        options = self.options
        if not response.get("text"):
            return response
        prosody = prosody_for((*caller.tones, caller.mood), options.prosody)
        if self.channel not in options.voice_channels:
            # The channel of live calls knows its engine, and makes the markup itself.
            return {**response, "prosody": asdict(prosody)} if self.channel == VOICE_CHANNEL else response
        ssml = render(response["text"], prosody, options.ssml or "ssml", language=options.language, voice=options.voice)
        if options.ssml_custom:
            return {**response, "custom": {**(response.get("custom") or {}), "ssml": ssml}}
        return {**response, "ssml": ssml}

    def _filled(self, utter_action: str, variations: list[Variation]) -> Iterator[Variation]:
        """Those of the variations that Rasa would choose among, in random order, with their placeholders filled."""
        if not variations:  # Rasa Pro would log an error
            return
        slots = self.tracker.current_slot_values()
        chosen = ResponseVariationFilter({utter_action: variations}).responses_for_utter_action(
            utter_action, self.channel, slots
        )
        for variation in random.sample(chosen, len(chosen)):
            bare = {key: value for key, value in variation.items() if key != "condition"}
            response = filled(bare, utter_action, self.tracker, self.channel, self.kwargs)
            if response is not None:
                yield response


def _contradicts(utter_action: str, text: str) -> bool:
    """Whether a reply would take back an acknowledgement before it: it is glad, or speaks of the analysis itself."""
    return fnmatchcase(utter_action, OWN) or is_cheerful(text)


def _noted(response: Variation, names: Iterable[str], *, acknowledges: bool) -> Variation:
    """The response with a note in what becomes the message's metadata."""
    return {**response, REPLY_KEY: {"written_for": list(names), "acknowledges": acknowledges}}


def _acknowledges(response: Variation) -> bool:
    return bool(response.get(REPLY_KEY, {}).get("acknowledges"))


def _or(otherwise: _Found, step: Callable[[], _Found]) -> _Found:
    """What the step finds; where it fails, one line in the log, and the turn goes on."""
    try:
        return step()
    except Exception as error:
        logger.error(
            "A reply could not be fitted to the caller (%s).", place_of(error), extra=named("responses.failed")
        )
        trace(logger, "responses.failed", error)
        return otherwise
