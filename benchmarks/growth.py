"""How the cost of a turn grows with the conversation: our own part, and what Rasa reads and writes.

Each sample is a conversation of its own, as `benchmarks/dialogue.py` makes it, asked at its first turn and at later
ones. Our own part is what a turn runs of this package: whether the caller may be analysed, the mood, the policy before
and after the reply, the reply. Rasa's part is its SQL tracker store, which reads the whole session for each message and
saves what is new. The time is the processor's, at the median; the lengths take turns, so that a busy machine disturbs
all of them. Before each part the processor's caches are filled with something else, as in a bot the pipeline, the other
policies and the store do: else the short conversation would find them full of its own, and the long one would not.

    python benchmarks/growth.py            # a table
    python benchmarks/growth.py --warm     # with the caches as the part before has left them
    python benchmarks/growth.py --json     # and --markdown
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np
from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from benchmarks.dialogue import DOMAIN, PACKAGES, REPLY, conversation, make_policy
from benchmarks.figures import around, machine, median, table
from benchmarks.printing import interval, parser, run, shown
from rasa_emotion import EmotionPolicy, EmotionResponses
from rasa_emotion.conversation.history import current_turns
from rasa_emotion.conversation.mood import MEMORY, mood_state
from rasa_emotion.turn.consent import heed

TURNS = (1, 50, 100, 200, 400)


OTHERS = np.ones(8_000_000)
"""64 MB, more than a core's own caches hold."""

WARM: ContextVar[bool] = ContextVar("warm", default=False)
"""Whether the caches are left as they are."""


def processor_ms(run: Callable[[], object]) -> float:
    """Milliseconds of the processor that a call takes."""
    if not WARM.get():
        OTHERS.sum()
    begun = time.thread_time()
    run()
    return (time.thread_time() - begun) * 1000


def read_anew(tracker: DialogueStateTracker, domain: Domain, *, leave_out: bool = False) -> DialogueStateTracker:
    """The conversation as a store makes it of what it holds, `leave_out` its last turn where it has several."""
    events = json.loads(json.dumps([event.as_dict() for event in tracker.events]))
    turns = [place for place, event in enumerate(events) if event["event"] == "user"]
    if leave_out and len(turns) > 1:
        events = events[: turns[-1]]
        while events[-1]["event"] != "slot":
            events.pop()
    return DialogueStateTracker.from_dict(tracker.sender_id, events, domain.slots)


class Bench:
    """A bot's parts and a tracker store in a file."""

    def __init__(self, folder: Path) -> None:
        self.domain = Domain.from_path(str(DOMAIN))
        self.policy: EmotionPolicy = make_policy()
        self.ours = EmotionResponses(domain=self.domain)
        self.rasas = TemplatedNaturalLanguageGenerator(self.domain.responses)
        self.store = SQLTrackerStore(self.domain, db=f"{folder}/bot.db")
        self.loop = asyncio.new_event_loop()

    def _reply(self, generator: TemplatedNaturalLanguageGenerator, tracker: DialogueStateTracker) -> float:
        return processor_ms(lambda: self.loop.run_until_complete(generator.generate(REPLY, tracker, "emotion")))

    def own(self, tracker: DialogueStateTracker) -> float:
        """Our own part of a turn."""
        before = list(tracker.events)[:-1]
        while not isinstance(before[-1], UserUttered):
            before.pop()
        before.pop()  # as the classifier finds the conversation
        spent = processor_ms(lambda: heed("inform", tracker, how="words"))
        spent += processor_ms(lambda: mood_state(turn.estimate for turn in current_turns(before, last=MEMORY)))
        spent += processor_ms(lambda: self.policy.predict_action_probabilities(tracker, self.domain))
        spent += self._reply(self.ours, tracker) - self._reply(self.rasas, tracker)
        tracker.update(ActionExecuted(REPLY))
        return spent + processor_ms(lambda: self.policy.predict_action_probabilities(tracker, self.domain))

    def rasa(self, tracker: DialogueStateTracker) -> float:
        """What Rasa's store takes to read the conversation once and to save one utterance."""
        self.loop.run_until_complete(self.store.save(tracker))

        def turn() -> None:
            read = self.loop.run_until_complete(self.store.retrieve(tracker.sender_id))
            read.update(UserUttered("words"))
            self.loop.run_until_complete(self.store.save(read))

        return processor_ms(turn)


def measure(samples: int, turns: tuple[int, ...] = TURNS) -> dict[int, dict[str, dict[str, float]]]:
    """Milliseconds at each length: of our own part and of Rasa's, medians with intervals."""
    rng = np.random.default_rng(0)
    taken: dict[int, list[tuple[float, float]]] = {length: [] for length in turns}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for sample in shown("turns")(range(samples + 2)):
            for length in turns:
                tracker = conversation(rng, bench.domain, length)
                tracker.sender_id = f"{sample} {length}"
                bench.own(read_anew(tracker, bench.domain, leave_out=True))  # as the turn before has read it
                spent = bench.own(read_anew(tracker, bench.domain)), bench.rasa(tracker)
                if sample >= 2:  # the first ones warm up
                    taken[length].append(spent)
        bench.loop.close()
        bench.store.engine.dispose()
    return {
        length: {f"{whose}_ms": median(of) for whose, of in zip(("own", "rasa"), np.array(rows).T, strict=True)}
        for length, rows in taken.items()
    }


def measured(samples: int) -> dict[str, Any]:
    """Everything that is printed; the lengths of the conversations are the keys of "turns"."""
    made_on = machine(PACKAGES)
    found = {str(length): row for length, row in measure(samples).items()}
    return {"machine": made_on, "conversations": samples, "warm": WARM.get(), "turns": found}


def markdown(found: Mapping[str, Any]) -> str:
    """The figures as a section of a document."""
    first = next(iter(found["turns"].values()))
    rows = []
    for length, row in found["turns"].items():
        cells: list[str] = [length]
        for whose in ("own_ms", "rasa_ms"):
            cells += [interval(row[whose]), f"{row[whose]['median'] / first[whose]['median']:.1f}"]
        rows.append(cells)
    heads = ["turn", "own part, ms", "times turn 1", "Rasa's store, ms", "times turn 1"]
    caches = "as the part before has left them" if found["warm"] else "filled with something else"
    said = (
        f"Processor time of a turn, caches {caches}. {around(found['machine'])} Medians of {found['conversations']} "
        "conversations of each length with 95 % bootstrap intervals."
    )
    return f"{said}\n\n{table(heads, rows)}"


def asked(options: argparse.Namespace) -> dict[str, Any]:
    """What the command line asks for."""
    WARM.set(options.warm)
    return measured(options.samples)


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--samples", type=int, default=20, help="conversations of each length")
    arguments.add_argument("--warm", action="store_true", help="leave the processor's caches as they are")
    run(arguments, asked, markdown)


if __name__ == "__main__":
    main()
