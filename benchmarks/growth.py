"""How the cost of a turn grows with the conversation: our own part, and what Rasa reads and writes.

Each sample is a conversation of its own, as `benchmarks/dialogue.py` makes it, asked at its first turn and at later
ones. Our own part is what a turn runs of this package: whether the caller may be analysed, the mood, the policy before
and after the reply, the reply. Rasa's part is its SQL tracker store, which reads the whole session for each message and
saves what is new. The time is the processor's, at the median; the lengths take turns, so that a busy machine disturbs
all of them. Before each part the processor's caches are filled with something else, as in a bot the pipeline, the other
policies and the store do: else the short conversation would find them full of its own, and the long one would not.

    python benchmarks/growth.py            # a table
    python benchmarks/growth.py --warm     # with the caches as the part before has left them
    python benchmarks/growth.py --json
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path

import numpy as np
from dialogue import DOMAIN, REPLY, conversation, make_policy
from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rich.console import Console
from rich.progress import track
from rich.table import Table

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


def measure(samples: int, turns: tuple[int, ...] = TURNS) -> dict[int, dict[str, float]]:
    """Milliseconds at each length: of our own part and of Rasa's, at the median."""
    rng = np.random.default_rng(0)
    taken: dict[int, list[tuple[float, float]]] = {length: [] for length in turns}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for sample in track(range(samples + 2), description="turns", transient=True, console=Console(stderr=True)):
            for length in turns:
                tracker = conversation(rng, bench.domain, length)
                tracker.sender_id = f"{sample} {length}"
                bench.own(read_anew(tracker, bench.domain, leave_out=True))  # as the turn before has read it
                spent = bench.own(read_anew(tracker, bench.domain)), bench.rasa(tracker)
                if sample >= 2:  # the first ones warm up
                    taken[length].append(spent)
        bench.loop.close()
        bench.store.engine.dispose()
    medians = {length: np.median(np.array(rows), axis=0) for length, rows in taken.items()}
    return {length: {"own_ms": float(row[0]), "rasa_ms": float(row[1])} for length, row in medians.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=20, help="conversations of each length")
    parser.add_argument("--warm", action="store_true", help="leave the processor's caches as they are")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    WARM.set(options.warm)
    results = measure(options.samples)
    if options.json:
        print(json.dumps(results))
        return
    first = results[TURNS[0]]
    table = Table(
        "turn", "own part, ms", "times turn 1", "Rasa's store, ms", "times turn 1", title="processor time of a turn"
    )
    for length, row in results.items():
        ratios = row["own_ms"] / first["own_ms"], row["rasa_ms"] / first["rasa_ms"]
        table.add_row(
            str(length), f"{row['own_ms']:.2f}", f"{ratios[0]:.1f}", f"{row['rasa_ms']:.1f}", f"{ratios[1]:.1f}"
        )
    Console().print(table)


if __name__ == "__main__":
    main()
