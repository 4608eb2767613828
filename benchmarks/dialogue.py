"""What policy and responses add to a turn of a long conversation, at the median and the 95th percentile.

Each sample is a conversation of its own with the example bot's domain: turns heard in voice and words, with their
slots, replies and mistakes. First the mood is read, as `EmotionClassifier` does it for the slot `caller_mood` of every
message; what it has read, the others need not read again. The policy is asked twice a turn, as Rasa asks it: before the
reply and after it. The reply is made by `EmotionResponses`, from which Rasa's own generator is taken off, since the bot
would need that one anyway.
Beside the time on the clock stands the time on the processor, which other programs disturb less.

    python benchmarks/dialogue.py            # a table
    python benchmarks/dialogue.py --json     # and --markdown
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import numpy.typing as npt
from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, Event, SlotSet, UserUtteranceReverted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from benchmarks.figures import around, machine, table
from benchmarks.printing import parser, run, shown
from rasa_emotion import EmotionPolicy, EmotionResponses
from rasa_emotion.bot.disclosure import DISCLOSURE_KEY
from rasa_emotion.conversation.history import current_turns
from rasa_emotion.conversation.mood import MEMORY, mood_state
from rasa_emotion.emotions import EMOTIONS, as_probabilities
from rasa_emotion.estimate import EmotionEstimate, Evidence

Taken: TypeAlias = npt.NDArray[np.float64]

PACKAGES = ("rasa", "numpy", "SQLAlchemy")

DOMAIN = Path(__file__).resolve().parent.parent / "bot_example" / "domain.yml"
REPLY = "utter_dispute"
CONFIG = {
    "handoff_intents": ["ask_human"],
    "offer_action": "utter_offer_human",
    "rules": [
        {"name": "distress", "when": {"emotion": ["fear", "sad"], "at_least": 0.99}, "do": "ask"},
        {"name": "turned", "when": {"turned_angry": 1}},
        {"name": "often", "when": {"emotion": "angry", "at_least": 0.99, "turns": 2, "of": 3}},
        {"name": "level", "when": {"level": 99}},
        {"name": "rising", "when": {"rise": 0.99}, "do": "alert"},
        {"name": "lost", "when": {"fallbacks": 9}, "do": "offer"},
    ],
}
"""A policy with a rule of every kind, none of which ever applies: all of them are looked at in every turn."""


def conversation(rng: np.random.Generator, domain: Domain, turns: int) -> DialogueStateTracker:
    """A conversation whose last turn awaits its answer."""
    events: list[Event] = [ActionExecuted("action_session_start"), ActionExecuted("action_listen")]
    for number in range(turns):
        estimate = heard(rng)
        events.append(UserUttered("words", {"name": "inform"}, parse_data={"emotion_estimate": estimate.to_dict()}))
        events += [SlotSet("emotion", estimate.emotion), SlotSet("emotion_confidence", estimate.confidence)]
        events += [SlotSet("emotion_valence", estimate.valence), SlotSet("emotion_arousal", estimate.arousal)]
        events.append(SlotSet("caller_mood", "tense"))
        if number == turns - 1:
            break
        if number and rng.random() < 0.1:
            events += [ActionExecuted("action_default_fallback"), UserUtteranceReverted()]
        else:
            # As in a real call, the first answer has told that emotions are analysed.
            told = {DISCLOSURE_KEY: True} if number == 0 else {}
            events += [ActionExecuted("utter_anything_else"), BotUttered("Is there anything else?", metadata=told)]
            events.append(ActionExecuted("action_listen"))
    return DialogueStateTracker.from_events("caller", events, slots=domain.slots, domain=domain)


def heard(rng: np.random.Generator) -> EmotionEstimate:
    """A turn heard in voice and words, mostly neutral."""
    share = np.array([0.5 if emotion == "neutral" else 0.2 for emotion in EMOTIONS])
    pieces = {
        modality: Evidence(modality, as_probabilities(rng.dirichlet(share)), quality={"speech_secs": 3.0})
        for modality in ("acoustic", "text")
    }
    return EmotionEstimate.from_probabilities(as_probabilities(rng.dirichlet(share)), pieces)


def make_policy() -> EmotionPolicy:
    storage = LocalModelStorage.create(Path(tempfile.mkdtemp()))
    return EmotionPolicy.create(dict(CONFIG), storage, Resource("policy"), ExecutionContext(GraphSchema({}), "run"))


def read_mood(tracker: DialogueStateTracker) -> str:
    """The mood before the latest utterance, as the classifier reads it when that utterance comes in."""
    events = list(tracker.events)
    latest = max(index for index, event in enumerate(events) if isinstance(event, UserUttered))
    return mood_state(turn.estimate for turn in current_turns(events[:latest], last=MEMORY))


def milliseconds(run: Callable[[], object]) -> Taken:
    """Time on the clock, and time on the processor."""
    clock, processor = time.perf_counter(), time.thread_time()
    run()
    return np.array([time.perf_counter() - clock, time.thread_time() - processor]) * 1000


def measure(samples: int, turns: int) -> dict[str, dict[str, float]]:
    domain = Domain.from_path(str(DOMAIN))
    policy, rng, loop = make_policy(), np.random.default_rng(0), asyncio.new_event_loop()
    ours, rasas = EmotionResponses(domain=domain), TemplatedNaturalLanguageGenerator(domain.responses)

    def reply(generator: TemplatedNaturalLanguageGenerator, tracker: DialogueStateTracker) -> Callable[[], Any]:
        return lambda: loop.run_until_complete(generator.generate(REPLY, tracker, "emotion"))

    names = ("policy, before the reply", "responses", "policy, after the reply", "mood, in the classifier")
    taken: dict[str, list[Taken]] = {name: [] for name in names}
    for sample in shown("turns")(range(samples + 3)):
        tracker = conversation(rng, domain, turns)
        mood = milliseconds(lambda: read_mood(tracker))  # noqa: B023 -- run at once
        before = milliseconds(lambda: policy.predict_action_probabilities(tracker, domain))  # noqa: B023
        said = milliseconds(reply(ours, tracker)) - milliseconds(reply(rasas, tracker))
        tracker.update(ActionExecuted(REPLY))
        after = milliseconds(lambda: policy.predict_action_probabilities(tracker, domain))  # noqa: B023
        if sample >= 3:  # the first ones warm up
            for name, value in zip(names, (before, said, after, mood), strict=True):
                taken[name].append(value)
    loop.close()
    taken["policy and responses"] = [sum(parts) for parts in zip(*(taken[name] for name in names[:3]), strict=True)]
    taken["with the mood"] = [sum(parts) for parts in zip(*(taken[name] for name in names), strict=True)]
    return {name: summary(np.array(rows)) for name, rows in taken.items()}


def summary(rows: Taken) -> dict[str, float]:
    (p50, cpu_p50), (p95, cpu_p95) = np.percentile(rows, [50, 95], axis=0)
    return {"p50_ms": p50, "p95_ms": p95, "cpu_p50_ms": cpu_p50, "cpu_p95_ms": cpu_p95}


def markdown(found: Mapping[str, Any]) -> str:
    """The figures as a section of a document."""
    columns = ("p50_ms", "p95_ms", "cpu_p50_ms", "cpu_p95_ms")
    rows = [[name, *(f"{row[key]:.2f}" for key in columns)] for name, row in found["parts"].items()]
    heads = ["added to a turn", "median, ms", "p95, ms", "processor, median, ms", "processor, p95, ms"]
    said = f"Turn {found['turn']} of {found['conversations']} conversations. {around(found['machine'])}"
    return f"{said}\n\n{table(heads, rows)}"


def measured(samples: int, turns: int) -> dict[str, Any]:
    """Everything that is printed."""
    made_on = machine(PACKAGES)
    return {"machine": made_on, "conversations": samples, "turn": turns, "parts": measure(samples, turns)}


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--samples", type=int, default=300, help="conversations to time")
    arguments.add_argument("--turns", type=int, default=50, help="turns of each")
    run(arguments, lambda options: measured(options.samples, options.turns), markdown)


if __name__ == "__main__":
    main()
