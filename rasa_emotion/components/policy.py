"""The policy that hands an angry caller to a human."""

import logging
from typing import Any

from rasa.core.policies.policy import Policy, PolicyPrediction
from rasa.engine.graph import ExecutionContext
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.core.constants import (
    REQUESTED_SLOT,
    USER_INTENT_BACK,
    USER_INTENT_RESTART,
    USER_INTENT_SESSION_START,
)
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActiveLoop, ConversationPaused, Event, SlotSet
from rasa.shared.core.generator import TrackerWithCachedStates
from rasa.shared.core.slots import AnySlot, BooleanSlot
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.exceptions import InvalidConfigException

from rasa_emotion.conversation.conditions import MEMORY, Lasting
from rasa_emotion.conversation.escalation import EscalationRules, Rule, decide
from rasa_emotion.conversation.history import (
    awaits_first_action,
    current_turns,
    escalated_since_boundary,
    last_reply,
    latest_turn,
)
from rasa_emotion.errors import ConfigError
from rasa_emotion.settings import check_names, check_number, check_text, checked

logger = logging.getLogger(__name__)

ESCALATED_SLOT = "escalated"
REASON_SLOT = "escalation_reason"
ALWAYS_EXEMPT = frozenset({USER_INTENT_RESTART, USER_INTENT_BACK, USER_INTENT_SESSION_START})

# RulePolicy's default; a form's next question is predicted by it, as a "no user" prediction just as ours.
RULE_POLICY_PRIORITY = 4


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class EmotionPolicy(Policy):
    """Predicts the handoff when the caller's anger lasts or is extreme, also out of an active form.

    It acts once per conversation, as the first action of a turn, on the estimates in the user events. The handoff sets
    the slot `escalated`, closes an open form and pauses the bot; the slot `escalation_reason`, where the domain has
    one, says why.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """The policy's default config (see parent class for full docstring)."""
        return {
            # Must be above RulePolicy's, or a form keeps the caller.
            "priority": 10,
            # The action that tells the caller about the human.
            "handoff_action": "utter_handoff",
            # Probability of anger from which on a turn is angry.
            "threshold": 0.4,
            # Escalate when so many ...
            "angry_turns": 2,
            # ... of the last so many turns are angry.
            "window": 3,
            # Probability of anger at which a single turn is enough.
            "extreme": 0.85,
            # Intents that never escalate, besides restart, back and session_start.
            "exempt_intents": [],
            # Intents with which a caller asks for a human; they hand over whatever the emotion is.
            "handoff_intents": [],
            # Response that offers a human, if the bot has one, ...
            "offer_action": None,
            # ... and the intents that accept it in the next turn.
            "accept_intents": ["affirm"],
        }

    def __init__(
        self,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> None:
        """Constructs the policy. Raises InvalidConfigException for a value that cannot be used."""
        settings, self._rules = _checked_config(config)
        super().__init__(settings, model_storage, resource, execution_context)
        self._action: str = settings["handoff_action"]
        self._exempt = ALWAYS_EXEMPT | set(settings["exempt_intents"])
        self._asking = frozenset(settings["handoff_intents"])
        self._offer: str | None = settings["offer_action"]
        self._accepting = frozenset(settings["accept_intents"])

    def train(self, training_trackers: list[TrackerWithCachedStates], domain: Domain, **kwargs: Any) -> Resource:
        """Checks the domain; there is nothing to train. Raises InvalidConfigException when the domain lacks a part."""
        fault = self._fault(domain) or self._missing_name(domain)
        if fault:
            raise InvalidConfigException(f"EmotionPolicy cannot hand over to a human: {fault}")
        return self._resource

    def predict_action_probabilities(
        self,
        tracker: DialogueStateTracker,
        domain: Domain,
        rule_only_data: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> PolicyPrediction:
        """Predicts the handoff or nothing (see parent class for full docstring)."""
        try:
            reason = self._reason(tracker)
        except Exception as error:
            logger.error("EmotionPolicy could not judge a turn (%s: %s).", type(error).__name__, error)
            reason = None
        if reason is None:
            return self._prediction(self._default_predictions(domain))
        fault = self._fault(domain)
        if fault:
            logger.error("EmotionPolicy cannot hand over to a human: %s", fault)
            return self._prediction(self._default_predictions(domain))
        logger.info("Conversation '%s' is handed to a human. %s", tracker.sender_id, reason)
        probabilities = self._default_predictions(domain)
        probabilities[domain.index_for_action(self._action)] = 1.0
        return self._prediction(
            probabilities,
            optional_events=_handoff_events(tracker, reason),
            is_no_user_prediction=True,  # nothing else overrides an active form
            diagnostic_data={"reason": reason},
        )

    def _reason(self, tracker: DialogueStateTracker) -> str | None:
        events = list(tracker.events)
        if tracker.is_paused() or not awaits_first_action(events):
            return None
        latest = latest_turn(events)
        if latest is None or latest.intent in self._exempt or escalated_since_boundary(events, ESCALATED_SLOT):
            return None
        if latest.intent in self._asking:
            return "The caller asked for a human."
        if self._offer and latest.intent in self._accepting and last_reply(events) == self._offer:
            return "The caller accepted the offer of a human."
        decision = decide(self._rules, current_turns(events, last=MEMORY))
        return decision.reason if decision else None

    def _fault(self, domain: Domain) -> str | None:
        """What the domain lacks, with the remedy."""
        if self._action not in domain.action_names_or_texts:
            return f"the domain has no action '{self._action}'; add it to its responses or actions."
        slot = next((slot for slot in domain.slots if slot.name == ESCALATED_SLOT), None)
        if slot is None:
            return f"the domain has no slot '{ESCALATED_SLOT}'; add it with type bool and a custom mapping."
        if not isinstance(slot, BooleanSlot | AnySlot):
            return f"the slot '{ESCALATED_SLOT}' is of type {slot.type_name}; make it bool."
        return None

    def _missing_name(self, domain: Domain) -> str | None:
        """A name in config.yml that the domain lacks: no turn would ever match it. With the remedy."""
        if self._offer and self._offer not in domain.action_names_or_texts:
            return f"the domain has no action '{self._offer}', the 'offer_action'; add it or correct the name."
        named = {"handoff_intents": self._asking, "accept_intents": self._accepting if self._offer else ()}
        for option, intents in named.items():
            for intent in sorted(intents):
                if intent not in domain.intents:
                    return f"the domain has no intent '{intent}', named by '{option}'; add it or correct the name."
        return None


def _handoff_events(tracker: DialogueStateTracker, reason: str) -> list[Event]:
    events: list[Event] = []
    if tracker.active_loop_name:
        events += [ActiveLoop(None), SlotSet(REQUESTED_SLOT, None)]
    events.append(SlotSet(ESCALATED_SLOT, True))
    if REASON_SLOT in tracker.slots:
        events.append(SlotSet(REASON_SLOT, reason))
    return [*events, ConversationPaused()]


def _checked_config(config: dict[str, Any]) -> tuple[dict[str, Any], EscalationRules]:
    owner = EmotionPolicy.__name__
    try:
        settings = checked(owner, config, EmotionPolicy.get_default_config())
        check_number(owner, "priority", settings["priority"], above=RULE_POLICY_PRIORITY)
        check_text(owner, "handoff_action", settings["handoff_action"])
        for names in ("exempt_intents", "handoff_intents", "accept_intents"):
            check_names(owner, names, settings[names])
        check_text(owner, "offer_action", settings["offer_action"], optional=True)
        for name in ("threshold", "extreme"):
            check_number(owner, name, settings[name], above=0, at_most=1)
        anger = Lasting(
            at_least=settings["threshold"],
            turns=settings["angry_turns"],
            of=settings["window"],
            at_once=settings["extreme"],
        )
        rules = EscalationRules((Rule("anger", anger),))
    except ConfigError as error:
        raise InvalidConfigException(str(error)) from error
    return settings, rules
