"""Whatever several processes keep and drop, and whenever one of them ends, the spool holds what a list would hold."""

import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rasa_emotion.spool.file import SpoolError
from rasa_emotion.spool.folder import PLACE_BYTES, Spool


class Model(RuleBasedStateMachine):
    """Two spools of one folder, as two processes have them, beside a list."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp()) / "bot.db.spool"
        self.time = 0.0
        self.spools = [self.opened(), self.opened()]
        self.kept: list[tuple[str, int]] = []

    def opened(self) -> Spool:
        return Spool(self.folder, max_bytes=2 * PLACE_BYTES, clock=lambda: self.time)

    @rule(which=st.integers(0, 1), sender=st.sampled_from("abc"), size=st.sampled_from([0, 10, 40_000]))
    def keep(self, which: int, sender: str, size: int) -> None:
        self.time += 1
        body = {"n": int(self.time), "filler": "x" * size}
        try:
            self.spools[which].keep("words", sender, body)
        except SpoolError:
            return  # it is full, and nothing of the record may be left
        self.kept.append((sender, int(self.time)))

    @rule(which=st.integers(0, 1), sender=st.sampled_from("abc"))
    def forget(self, which: int, sender: str) -> None:
        spool = self.spools[which]
        with spool.locked():
            spool.drop([entry for entry in spool.look().entries if entry.sender == sender])
        self.kept = [one for one in self.kept if one[0] != sender]

    @rule(which=st.integers(0, 1))
    def replay(self, which: int) -> None:
        spool = self.spools[which]
        with spool.locked():
            spool.drop(spool.look().entries)
        self.kept = []

    @rule(which=st.integers(0, 1))
    def end(self, which: int) -> None:
        """The process is killed, and another one starts."""
        if self.spools[which]._own is not None:
            os.close(self.spools[which]._own.descriptor)
        self.spools[which] = self.opened()

    @invariant()
    def both_hold_what_was_kept(self) -> None:
        for spool in (*self.spools, self.opened()):
            look = spool.look()
            assert look.troubles == ()
            assert [(entry.sender, entry.body["n"]) for entry in look.entries] == self.kept

    def teardown(self) -> None:
        for spool in self.spools:
            if spool._own is not None:
                os.close(spool._own.descriptor)
        shutil.rmtree(self.folder.parent, ignore_errors=True)


TestSpool = Model.TestCase
TestSpool.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
