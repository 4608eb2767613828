"""The NLU component: gives every message an emotion estimate and the entities behind the slots."""

import json
import logging
from pathlib import Path
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.graph_components.providers.domain_provider import DomainProvider
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from rasa.shared.exceptions import InvalidConfigException
from rasa.shared.nlu.constants import ENTITIES, INTENT, METADATA, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from rasa_emotion.analyzer import EmotionAnalyzer
from rasa_emotion.bot import choices
from rasa_emotion.bot.examples import learn, recall
from rasa_emotion.conversation.commands import command_intent, split_payload
from rasa_emotion.conversation.history import CHOICES, ESTIMATE_KEY, current_turns, earlier_words
from rasa_emotion.conversation.mood import MEMORY, mood_state
from rasa_emotion.emotions import UNKNOWN
from rasa_emotion.errors import ConfigError, ModelError, TextError, place_of
from rasa_emotion.estimate import EmotionEstimate, Evidence
from rasa_emotion.logs import named, trace
from rasa_emotion.protocol import Analyzer
from rasa_emotion.settings import check_flag, check_names, check_number, check_text, checked
from rasa_emotion.text.adapter import FORMAT, Adapter
from rasa_emotion.turn.consent import heed
from rasa_emotion.turn.evidence import discard_evidence, text_confidence, trusted_evidence
from rasa_emotion.turn.shared import check_endpoint, shared_analyzer

logger = logging.getLogger(__name__)

ENTITY_NAMES: tuple[str, ...] = (
    "emotion",
    "emotion_confidence",
    "emotion_valence",
    "emotion_arousal",
    "caller_mood",
)
CHECKSUM_FILE = "emotion_models.json"

NOT_ANALYSED: dict[str, str | float] = {
    "emotion": UNKNOWN,
    "emotion_confidence": 0.0,
    "emotion_valence": 0.0,
    "emotion_arousal": 0.0,
    "caller_mood": UNKNOWN,
}
"""The entities of a caller who is not analysed."""


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class EmotionClassifier(GraphComponent):
    """Fuses a message's words with the evidence that a channel put into its metadata.

    Every message gets `emotion_estimate` (`EmotionEstimate.to_dict()`) and the entities `emotion`,
    `emotion_confidence`, `emotion_valence`, `emotion_arousal` and `caller_mood`, which fill the slots of these names
    through `from_entity` mappings. A turn without voice and words is "unknown". Messages outside a conversation
    (`/model/parse`, `rasa test`) get the estimate alone.

    Its training fits a small head to the examples of nlu.yml whose metadata name an emotion, and notes which models
    the bot was trained with.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """The component's default config (see parent class for full docstring)."""
        return {
            # Folder with one folder per model; null takes the models that ship.
            "models": None,
            # Name of the acoustic model's folder; "acoustic-emogator" is the one that companies may use. The channel
            # hears, with the model that credentials.yml names: give the same name here and there.
            "acoustic": "acoustic",
            # A service that is asked in place of models in this process, such as http://emotion:8100; give the same at
            # the channel. See docs/service.md.
            "endpoint": None,
            # Probability below which a turn's emotion is "unknown"; null takes the fitted one.
            "min_confidence": None,
            # Let the examples of nlu.yml whose metadata name an emotion teach the text model.
            "adapt": True,
            # Entities to set; leave out those that the domain does not declare.
            "entities": list(ENTITY_NAMES),
        }

    @staticmethod
    def required_packages() -> list[str]:
        """Packages that the component needs (see parent class for full docstring)."""
        return ["onnxruntime", "tokenizers"]

    def __init__(self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource) -> None:
        """Constructs the component. Raises InvalidConfigException for a value that cannot be used."""
        self.config = _checked_config(config)
        self._model_storage = model_storage
        self._resource = resource
        self._warned_of_channel = False
        self._adapter: Adapter | None = None
        self._choices: choices.Vocabulary = {}
        self._domain: Domain | None = None

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "EmotionClassifier":
        """Creates a new component (see parent class for full docstring)."""
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> "EmotionClassifier":
        """Loads the emotion models before the first message (see parent class for full docstring)."""
        component = cls(config, model_storage, resource)
        component._domain = _domain_of(model_storage, execution_context)
        component._recall()
        return component

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """The models' checksum, so that another one counts as another component, and how what is learned is stored."""
        # On a retraining Rasa asks with the cached node's own configuration, which holds other keys.
        defaults = cls.get_default_config()
        own = {key: value for key, value in config.items() if key in defaults}
        return f"{_checksum({**defaults, **own})}/{FORMAT}/{choices.FILE}"

    def train(self, training_data: TrainingData) -> Resource:
        """Learns from the examples that name an emotion, and notes which models the bot was trained with.

        Raises:
            InvalidConfigException: an example names an unknown emotion, or holds no word.
        """
        try:
            self._adapter = learn(self._shared_analyzer(), training_data) if self.config["adapt"] else None
        except ConfigError as error:
            raise InvalidConfigException(str(error)) from error
        with self._model_storage.write_to(self._resource) as folder:
            (folder / CHECKSUM_FILE).write_text(json.dumps({"checksum": _checksum(self.config)}), encoding="utf-8")
            if self._adapter is not None:
                self._adapter.save(folder)
            choices.save(choices.vocabulary(training_data), folder)
        return self._resource

    def process(self, messages: list[Message], tracker: DialogueStateTracker | None = None) -> list[Message]:
        """Adds the estimate and the entities to each message; never raises.

        Args:
            messages: the caller's messages.
            tracker: the conversation before them; the mood is that of these messages alone without one.
        """
        return [self._annotated(message, tracker) for message in messages]

    def _annotated(self, message: Message, tracker: DialogueStateTracker | None) -> Message:
        try:
            command, words = self._split(message.get(TEXT) or "")
            if command is None:
                self._doubt_choice(message)
            estimate, values = self._heard(message, words, command, tracker)
            found = self._unpacked(message) if command else message
            found.set(ESTIMATE_KEY, estimate.to_dict(), add_to_output=True)
            # A conversation has events of its own before the caller's first words. Without any, as in `rasa test` and
            # `/model/parse`, there are no slots to fill, and test stories would need the emotions among their entities.
            if tracker is None or tracker.events:
                own = [_entity(name, value, placed=tracker is None) for name, value in values.items()]
                found.set(ENTITIES, [*found.get(ENTITIES, []), *own], add_to_output=True)
            return found
        except Exception as error:
            _log_failure(error)
            return message

    def _split(self, text: str) -> tuple[str | None, str]:
        """The intent that the text names as Rasa reads it, or None; and the words of the caller in it."""
        if self._domain is None:  # a model of NLU alone: whatever looks like an intent is one
            command = command_intent(text)
            return command, "" if command else text
        named = split_payload(text, self._domain.intents)
        return named or (None, text)

    def _heard(
        self, message: Message, words: str, command: str | None, tracker: DialogueStateTracker | None
    ) -> tuple[EmotionEstimate, dict[str, Any]]:
        """The estimate, and the values of the slots."""
        if self._may_analyse(message, command, tracker):
            estimate = self._estimate(words, message.get(METADATA), tracker)
            return estimate, self._entity_values(estimate, tracker)
        discard_evidence(message.get(METADATA))
        return EmotionEstimate.unknown(), {name: NOT_ANALYSED[name] for name in self.config["entities"]}

    def _unpacked(self, message: Message) -> Message:
        """An `/intent` message as Rasa's handler after the pipeline would make it, which would drop what we add to it.

        A client's own entities of our names go.
        """
        found = YAMLStoryReader.unpack_regex_message(
            Message({TEXT: message.get(TEXT)}), self._domain, entity_extractor_name="RegexMessageHandler"
        )
        theirs = [entity for entity in found.get(ENTITIES, []) if entity["entity"] not in ENTITY_NAMES]
        found.set(ENTITIES, theirs, add_to_output=True)
        found.set(TEXT, _Unpacked(found.get(TEXT)), add_to_output=True)
        return found

    def _doubt_choice(self, message: Message) -> None:
        """Take the next intent where words were understood as a yes or no to the analysis that they do not say."""
        intent = (message.get(INTENT) or {}).get("name")
        if intent in CHOICES and not choices.is_said(intent, message.get(TEXT) or "", self._choices):
            choices.take_next(message)

    def _may_analyse(self, message: Message, command: str | None, tracker: DialogueStateTracker | None) -> bool:
        """Whether the caller allows it, also by what this very message says. Outside a conversation nobody is asked."""
        if tracker is None or not tracker.events:
            return True
        intent = command or (message.get(INTENT) or {}).get("name")
        return heed(intent, tracker, how="command" if command else "words")

    def _estimate(self, text: str, metadata: Any, tracker: DialogueStateTracker | None) -> EmotionEstimate:
        heard = trusted_evidence(metadata)
        analyzer = self._shared_analyzer()
        if analyzer is None:
            return EmotionEstimate.unknown()
        self._warn_of_other_ears(analyzer, heard)
        if self._adapter is not None and isinstance(analyzer, EmotionAnalyzer):
            analyzer = analyzer.with_adapter(self._adapter)
        evidence = list(heard)
        try:
            if text.strip():
                turns = analyzer.capabilities.context_turns
                context = earlier_words(tracker.events, last=turns) if tracker and turns else []
                read = analyzer.read(text, confidence=text_confidence(metadata), context=context)
                evidence.extend(filter(None, [read]))
        except TextError as error:
            logger.debug(
                "The words of a turn say nothing about its emotion: %s", error, extra=named("turn.words.empty")
            )
        except Exception as error:  # what was heard must not be lost with the words
            _log_failure(error)
        return self._thresholded(analyzer.fuse(evidence))

    def _warn_of_other_ears(self, analyzer: Analyzer, heard: list[Evidence]) -> None:
        """One line for a channel that hears with another model than config.yml names, which may be a licence matter."""
        own = analyzer.capabilities.acoustic
        if self._warned_of_channel or own is None:
            return
        other = next((piece.model for piece in heard if piece.modality == "acoustic" and piece.model != own), None)
        if other is not None:
            self._warned_of_channel = True
            logger.warning(
                "The model '%s' hears the callers, while config.yml names '%s'; write the same 'models' and 'acoustic' "
                "at the channel in credentials.yml, whose setting decides.",
                other,
                own,
                extra=named("model.differs"),
            )

    def _thresholded(self, estimate: EmotionEstimate) -> EmotionEstimate:
        if self.config["min_confidence"] is None or not estimate.probabilities:
            return estimate
        return EmotionEstimate.from_probabilities(
            estimate.probabilities,
            estimate.evidence,
            conflict=estimate.conflict,
            conflict_kind=estimate.conflict_kind,
            confused=estimate.confused,
            foreign_language=estimate.foreign_language,
            warnings=estimate.warnings,
            min_confidence=self.config["min_confidence"],
        )

    def _entity_values(self, estimate: EmotionEstimate, tracker: DialogueStateTracker | None) -> dict[str, Any]:
        earlier = [turn.estimate for turn in current_turns(tracker.events, last=MEMORY)] if tracker else []
        values = {
            "emotion": estimate.emotion,
            "emotion_confidence": estimate.confidence,
            "emotion_valence": estimate.valence,
            "emotion_arousal": estimate.arousal,
            "caller_mood": mood_state([*earlier, estimate]),
        }
        return {name: values[name] for name in self.config["entities"]}

    def _shared_analyzer(self) -> Analyzer | None:
        config = self.config
        return shared_analyzer(config["models"], config["acoustic"], config["endpoint"])

    def _recall(self) -> None:
        """Take up what the training stored; one warning, however many of the models were replaced since."""
        try:
            with self._model_storage.read_from(self._resource) as folder:
                replaced = _replaced(folder, _checksum(self.config))
                self._choices = choices.load(folder)
                if self.config["adapt"]:
                    self._adapter = recall(self._shared_analyzer(), folder)
        except ModelError as error:
            logger.warning(
                "The words are judged by the shipped model alone. %s", error, extra=named("model.examples.unused")
            )
            return
        except ValueError:  # nothing was ever stored: the component was not trained
            return
        if replaced:
            logger.warning(
                "The emotion models are not those that this bot was trained with; run `rasa train` again.",
                extra=named("model.replaced"),
            )


class _Unpacked(str):
    """The text of an `/intent` message that has been unpacked: Rasa's handler, which strips it first, finds none."""

    __slots__ = ()

    def strip(self, chars: str | None = None, /) -> str:
        """Nothing: see the class."""
        return ""


def _entity(name: str, value: str | float, *, placed: bool) -> dict[str, Any]:
    """An entity; `placed` outside of a conversation, where Rasa's reports read the place of each.

    In a conversation it has none: what writes stories would put it into the caller's words.
    """
    place = {"start": 0, "end": 0} if placed else {}
    return {"entity": name, "value": value, **place, "extractor": EmotionClassifier.__name__}


def _domain_of(model_storage: ModelStorage, context: ExecutionContext) -> Domain | None:
    """The domain in the trained model, by which Rasa decides whether `/word` is an intent; None without one."""
    try:
        return DomainProvider.load({}, model_storage, Resource("domain_provider"), context).provide_inference()
    except ValueError:  # a model of NLU alone
        return None


def _checksum(config: dict[str, Any]) -> str | None:
    analyzer = shared_analyzer(config["models"], config["acoustic"], config["endpoint"])
    return analyzer.capabilities.checksum if analyzer else None


def _replaced(folder: Path, checksum: str | None) -> bool:
    """Whether there are models, of this checksum, other than those that the bot was trained with."""
    try:
        trained = json.loads((folder / CHECKSUM_FILE).read_text(encoding="utf-8"))["checksum"]
    except (OSError, ValueError, KeyError):
        return False
    return bool(checksum) and trained != checksum


def _checked_config(config: dict[str, Any]) -> dict[str, Any]:
    owner, defaults = EmotionClassifier.__name__, EmotionClassifier.get_default_config()
    try:
        settings = checked(owner, config, defaults)
        check_text(owner, "models", settings["models"], optional=True)
        check_text(owner, "acoustic", settings["acoustic"])
        check_endpoint(owner, settings["endpoint"])
        check_number(owner, "min_confidence", settings["min_confidence"], above=-1e-9, at_most=1, optional=True)
        check_flag(owner, "adapt", settings["adapt"])
        check_names(owner, "entities", settings["entities"], ENTITY_NAMES)
    except ConfigError as error:
        raise InvalidConfigException(str(error)) from error
    return settings


def _log_failure(error: Exception) -> None:
    logger.error(
        "A turn's emotion could not be estimated (%s); it goes on.", place_of(error), extra=named("turn.failed")
    )
    trace(logger, "turn.failed", error)
