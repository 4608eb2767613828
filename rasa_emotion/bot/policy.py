"""The policy that brings in a human: it offers one, hands over to one, or only tells them."""

import logging
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from rasa.core.policies.policy import Policy, PolicyPrediction
from rasa.engine.graph import ExecutionContext
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.constants import UTTER_PREFIX
from rasa.shared.core.constants import ACTION_LISTEN_NAME, REQUESTED_SLOT
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, ConversationPaused, Event, LoopInterrupted, SlotSet
from rasa.shared.core.generator import TrackerWithCachedStates
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.exceptions import InvalidConfigException

from rasa_emotion.bot.answers import answer_taken_back, form_as_before, set_again
from rasa_emotion.bot.policy_domain import (
    REASON_SLOT,
    Replies,
    missing_action,
    missing_intent,
    missing_slot,
)
from rasa_emotion.bot.rasa_versions import is_paused
from rasa_emotion.bot.reach import reachable, unreachable_channels
from rasa_emotion.conversation.conditions import MEMORY, Requested
from rasa_emotion.conversation.decision import ALERT, ASK, HANDOVER, OFFER, Decision
from rasa_emotion.conversation.escalation import NO_RELAY, NOT_KEPT, EscalationRules, decide, unreached
from rasa_emotion.conversation.history import (
    ESCALATED_SLOT,
    ESCALATION_SLOT,
    Recorded,
    awaits_first_action,
    current_turns,
    last_reply,
    standing,
)
from rasa_emotion.conversation.rule_options import DEFAULT_OPTIONS, escalation_rules
from rasa_emotion.errors import ConfigError, place_of
from rasa_emotion.handoff.keeper import Promise, this_turn
from rasa_emotion.logs import named, trace
from rasa_emotion.settings import check_number, check_text, checked

logger = logging.getLogger(__name__)

# RulePolicy's default; a form's next question is predicted by it, as a "no user" prediction just as ours.
RULE_POLICY_PRIORITY = 4

_ASKING = (OFFER, ASK)

KEPT_SLOTS = (
    "emotion",
    "emotion_confidence",
    "emotion_valence",
    "emotion_arousal",
    "caller_mood",
    ESCALATED_SLOT,
    REASON_SLOT,
)
"""Slots that outlast an action's `AllSlotsReset`. Decisions do so by themselves: they are read from the events."""


@dataclass(frozen=True)
class _Move:
    """What the policy predicts: an action, or None for events alone, which disturb nobody."""

    action: str | None
    events: tuple[Event, ...] = ()


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class EmotionPolicy(Policy):
    """Offers a human, asks whether one is wanted, hands over, or only tells the humans, after rules over the turns.

    It decides before the bot's first action of a turn, on the estimates in the user events, and also out of an active
    form. Each decision is recorded in the slot `escalation`. A handover sets the slot `escalated`, closes an open form
    and pauses the bot; the slot `escalation_reason`, where the domain has one, says why.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """The policy's default config (see parent class for full docstring)."""
        return {
            # Must be above RulePolicy's, or a form keeps the caller.
            "priority": 10,
            # The action that tells the caller about the human.
            "handoff_action": "utter_handoff",
            # Response for a caller to whom no human can talk, since their channel has no relay; null hands over all the
            # same, for a bot whose people come to the caller in another way.
            "nobody_action": "utter_nobody_available",
            # Response that offers a human, if the bot has one.
            "offer_action": None,
            # What is said when it is declined outside of a form; null leaves that to the bot's other policies.
            "declined_action": None,
            # Response that offers a call back in the quiet hours.
            "call_back_action": None,
            # What decides; copied, since Rasa lets a component change its config.
            **deepcopy(dict(DEFAULT_OPTIONS)),
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
        try:
            settings = checked(EmotionPolicy.__name__, config, self.get_default_config())
            self._rules, self._replies = _checked(EmotionPolicy.__name__, settings)
        except ConfigError as error:
            raise InvalidConfigException(str(error)) from error
        super().__init__(settings, model_storage, resource, execution_context)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> "EmotionPolicy":
        """Loads the policy, and says where nobody is behind a handover (see parent class for full docstring)."""
        policy: EmotionPolicy = super().load(config, model_storage, resource, execution_context, **kwargs)
        channels = unreachable_channels() if policy._asks_who_is_there else ()
        if channels:
            logger.warning(
                "Nobody is behind the handover for callers on %s, which has no relay around it. They are told that no "
                "human can be reached, and the bot goes on. `rasa-emotion init` adds the relay.",
                " and ".join(f"'{name}'" for name in sorted(channels)),
                extra=named("handoff.nobody"),
            )
        return policy

    @property
    def _asks_who_is_there(self) -> bool:
        """Whether the bot says itself that a human comes; an action of the bot's own brings one in its own way."""
        says = str(self._replies.handoff_action or "").startswith(UTTER_PREFIX)
        return says and self.config["nobody_action"] is not None and not self.config["dry_run"]

    def train(self, training_trackers: list[TrackerWithCachedStates], domain: Domain, **kwargs: Any) -> Resource:
        """Checks the domain; there is nothing to train. Raises InvalidConfigException when the domain lacks a part."""
        actions = {} if self.config["dry_run"] else self._replies.named()  # what is only recorded is never said
        fault = missing_slot(domain) or missing_action(domain, actions) or missing_intent(domain, self._named_intents())
        if fault:
            raise InvalidConfigException(f"EmotionPolicy cannot bring in a human: {fault}")
        return self._resource

    def predict_action_probabilities(
        self,
        tracker: DialogueStateTracker,
        domain: Domain,
        rule_only_data: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> PolicyPrediction:
        """Predicts what brings in a human, or nothing (see parent class for full docstring)."""
        kept: list[Event] = []
        try:
            kept = set_again(tracker, KEPT_SLOTS)
            move = self._move(tracker, domain)
        except Exception as error:
            logger.error("EmotionPolicy could not judge a turn (%s).", place_of(error), extra=named("policy.failed"))
            trace(logger, "policy.failed", error)
            move = None
        fault = _fault(domain, move) if move else None
        if fault:
            logger.error("EmotionPolicy cannot bring in a human: %s", fault, extra=named("policy.misconfigured"))
        probabilities = self._default_predictions(domain)
        if move is None or fault:
            return self._prediction(probabilities, events=kept)
        if move.action is None:
            return self._prediction(probabilities, events=[*kept, *move.events])
        probabilities[domain.index_for_action(move.action)] = 1.0
        # Nothing else overrides an active form.
        return self._prediction(
            probabilities, events=kept, optional_events=list(move.events), is_no_user_prediction=True
        )

    def _move(self, tracker: DialogueStateTracker, domain: Domain) -> _Move | None:
        if is_paused(tracker):
            return None
        events = tracker.events  # a copy would touch each of them
        if not awaits_first_action(events):
            return self._after_own_reply(tracker, events)
        earlier, is_escalated = standing(events, ESCALATED_SLOT)
        if is_escalated or any(past.turns_ago == 0 for past in earlier):
            return None
        turns = current_turns(events, last=MEMORY)
        offered = self._replies.offer_action is not None and last_reply(events) == self._replies.offer_action
        decision = decide(self._rules, turns, earlier=earlier, offered=offered)
        if decision is not None:
            logger.info(
                "Rule '%s' decides on '%s'%s.",
                decision.rule,
                decision.action,
                _dry(decision),
                extra=named("policy.decision"),
            )
            accepted = offered and turns[-1].intent in self._rules.accept_intents
            return self._carried_out(decision, tracker, domain, accepted=accepted)
        declined = bool(turns) and turns[-1].intent in self._rules.decline_intents
        return self._declined(tracker, domain) if declined and offered and _asked_before(earlier) else None

    def _carried_out(
        self, decision: Decision, tracker: DialogueStateTracker, domain: Domain, *, accepted: bool
    ) -> _Move:
        record = SlotSet(ESCALATION_SLOT, decision.to_dict())
        if decision.dry_run:
            return _Move(None, (record,))
        channel = tracker.get_latest_input_channel()
        promise = this_turn.get() or Promise()
        if decision.action != ALERT and self._asks_who_is_there and not (reachable(channel) and promise.possible):
            logger.warning(
                "Nobody is behind the handover (rule '%s'): %s; the bot goes on.",
                decision.rule,
                NOT_KEPT if reachable(channel) else f"the channel '{channel}' has no relay",
                extra=named("handoff.nobody"),
            )
            why = NOT_KEPT if reachable(channel) else NO_RELAY
            return self._nobody(unreached(decision, why), decision.action, tracker, domain, accepted=accepted)
        undone = answer_taken_back(tracker, domain) if accepted else []
        if decision.action == ALERT and not decision.call_back:
            return _Move(None, (*undone, record))
        # The form does not answer this turn, so that it must not have heard it.
        undone += [event for event in form_as_before(tracker, domain) if event not in undone]
        if decision.action == HANDOVER:
            promise.made = True
            return _Move(self._replies.handoff_action, (*undone, record, *_handover_events(tracker, decision)))
        reply = self._replies.call_back_action if decision.call_back else self._replies.offer_action
        return _Move(reply, (*undone, record))

    def _nobody(
        self, unreached: Decision, wanted: str, tracker: DialogueStateTracker, domain: Domain, *, accepted: bool
    ) -> _Move:
        """The caller is told that no human can be reached, where a handover would follow; people read of it."""
        undone = answer_taken_back(tracker, domain) if accepted else []
        record = SlotSet(ESCALATION_SLOT, unreached.to_dict())
        name = self.config["nobody_action"]
        if wanted != HANDOVER or name not in domain.action_names_or_texts:
            return _Move(None, (*undone, record))
        undone += [event for event in form_as_before(tracker, domain) if event not in undone]
        return _Move(name, (*undone, record))

    def _declined(self, tracker: DialogueStateTracker, domain: Domain) -> _Move | None:
        """After a no the form goes on without having heard it; outside of a form the bot has its say."""
        undone = tuple(answer_taken_back(tracker, domain))
        if tracker.active_loop_name:
            # Interrupted: the form asks its question again, without looking for an answer in this turn.
            return _Move(tracker.active_loop_name, (*undone, LoopInterrupted(True)))
        if self._replies.declined_action:
            return _Move(self._replies.declined_action, undone)
        return _Move(None, undone) if undone else None

    def _after_own_reply(self, tracker: DialogueStateTracker, events: Sequence[Event]) -> _Move | None:
        """An offer waits for its answer; after the other replies of the policy's a form goes on."""
        latest = next((event for event in reversed(events) if isinstance(event, ActionExecuted)), None)
        if latest is None:
            return None
        replies = (self._replies.call_back_action, self._replies.declined_action, self.config["nobody_action"])
        standing_last = tracker.latest_action_name
        if latest.action_name != standing_last and standing_last in (self._replies.offer_action, *replies):
            # `action_default_fallback` has taken the turn back, to the reply before it, which no rule of the bot's
            # knows: Rasa would not know what follows, and fall back once more.
            return _Move(ACTION_LISTEN_NAME)
        if latest.policy != type(self).__name__:
            return None
        if latest.action_name == self._replies.offer_action:
            return _Move(ACTION_LISTEN_NAME)
        if latest.action_name in replies:
            return _Move(tracker.active_loop_name or ACTION_LISTEN_NAME)
        return None

    def _named_intents(self) -> dict[str, frozenset[str]]:
        asked = {
            f"rule '{rule.name}'": rule.when.intents for rule in self._rules.rules if isinstance(rule.when, Requested)
        }
        return {
            "'exempt_intents'": frozenset(self.config["exempt_intents"]),
            "'handoff_intents'": frozenset(self.config["handoff_intents"]),
            "'accept_intents'": self._rules.accept_intents if self._replies.offer_action else frozenset(),
            "'decline_intents'": self._rules.decline_intents if _asks(self._rules) else frozenset(),
            **asked,
        }


def _fault(domain: Domain, move: _Move) -> str | None:
    """What this move needs and the domain lacks, in a bot that was trained with another domain."""
    named = {"the action predicted": move.action} if move.action else {}
    return missing_slot(domain) or missing_action(domain, named)


def _dry(decision: Decision) -> str:
    return ", which is recorded alone" if decision.dry_run else ""


def _asks(rules: EscalationRules) -> bool:
    return any(rule.do in _ASKING for rule in rules.rules)


def _asked_before(earlier: list[Recorded]) -> bool:
    """Whether the policy itself asked in the turn before; what a story asks, a story answers."""
    return bool(earlier) and earlier[-1].turns_ago == 1 and earlier[-1].decision.action in _ASKING


def _handover_events(tracker: DialogueStateTracker, decision: Decision) -> list[Event]:
    events: list[Event] = []
    if tracker.active_loop_name:
        events += [ActiveLoop(None), SlotSet(REQUESTED_SLOT, None)]
    events.append(SlotSet(ESCALATED_SLOT, True))
    if REASON_SLOT in tracker.slots:
        events.append(SlotSet(REASON_SLOT, decision.reason))
    return [*events, ConversationPaused()]


def _checked(owner: str, settings: dict[str, Any]) -> tuple[EscalationRules, Replies]:
    check_number(owner, "priority", settings["priority"], above=RULE_POLICY_PRIORITY)
    check_text(owner, "handoff_action", settings["handoff_action"])
    for name in ("offer_action", "declined_action", "call_back_action", "nobody_action"):
        check_text(owner, name, settings[name], optional=True)
    rules = escalation_rules(owner, settings)
    offer, call_back = settings["offer_action"], settings["call_back_action"]
    asking = next((rule for rule in rules.rules if rule.do in _ASKING), None)
    if asking and not offer:
        raise ConfigError(f"{owner}: rule '{asking.name}' offers a human; name the response that does, 'offer_action'.")
    if rules.quiet_hours and rules.quiet_hours.call_back and not call_back:
        raise ConfigError(f"{owner}: 'quiet_hours' offer a call back; name the response that does, 'call_back_action'.")
    hands_over = bool(offer) or any(rule.do == HANDOVER for rule in rules.rules)
    handoff = settings["handoff_action"] if hands_over else None
    return rules, Replies(handoff, offer, settings["declined_action"], call_back)
