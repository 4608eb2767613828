"""The models and the recogniser that the operator named, and the one thread in which the workbench computes."""

import asyncio
import functools
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from rasa_emotion.analyzer import EmotionAnalyzer
from rasa_emotion.audio import SAMPLE_RATE, Waveform
from rasa_emotion.console.workbench.look import Given, decoded, look
from rasa_emotion.console.workbench.upload import Upload
from rasa_emotion.errors import ConfigError
from rasa_emotion.extras import needs_extra
from rasa_emotion.turn.refusal import TurnRefused
from rasa_emotion.voice.recognisers import Transcript, Turn, load_recogniser

Answer = TypeVar("Answer")

SHIPPED = "as shipped"
"""Name of the models that the analyzer loads by itself."""

MOST_WAITING = 8
"""Analyses that may wait; more are told to come back."""

FED_SAMPLES = 320
"""20 ms, as a call brings them."""


class Bench:
    """What the workbench computes with. One analysis at a time: it takes a core, and calls may need the others.

    Args:
        compare: folders of other models, by the name that people see; a client only ever names the name.
        recogniser: by its name or module path; "none" for typed words alone.
        options: keyword arguments of the recogniser's class.
        analyzer: in the place of the models that ship, for tests.

    Raises:
        ConfigError: two models have one name, or the recogniser cannot be had.
    """

    def __init__(
        self,
        compare: Sequence[Path] = (),
        recogniser: str = "none",
        options: Mapping[str, Any] | None = None,
        *,
        analyzer: EmotionAnalyzer | None = None,
    ) -> None:
        self.folders: Mapping[str, Path | None] = {SHIPPED: None, **{path.resolve().name: path for path in compare}}
        if len(self.folders) != len(compare) + 1:
            raise ConfigError("Two of the models to compare have folders of one name; rename one of them.")
        for path in compare:
            if not path.is_dir():
                raise ConfigError(f"There is no folder '{path}' with a model to compare; give its path.")
        self.recogniser, self._options = recogniser, dict(options or {})
        # Made once here, so that a name that is wrong is told at the start, and not to who uploads the first recording.
        self.is_remote = load_recogniser(recogniser, self._options).is_remote
        self._loaded = {SHIPPED: analyzer} if analyzer else {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="workbench")
        self._waiting = 0

    def analyzer(self, name: str = "") -> EmotionAnalyzer:
        """The models of that name, loaded once. Raises TurnRefused (422) for another name, ModelError."""
        name = name or SHIPPED
        if name not in self.folders:
            raise TurnRefused(422, "There are no models of this name; the operator names them at the start.")
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = EmotionAnalyzer.load(self.folders[name], allow_missing=True)
            return self._loaded[name]

    async def work(self, task: Callable[..., Answer], *args: Any) -> Answer:
        """Run a task in the bench's thread. Raises TurnRefused (503) where too many wait."""
        if self._waiting >= MOST_WAITING:
            raise TurnRefused(503, "Others are using the workbench; try again in a minute.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, functools.partial(task, *args))
        finally:
            self._waiting -= 1

    async def given(self, upload: Upload, *, transcribe: bool = False) -> Given:
        """What a person brought, decoded; with the recogniser's words where they wrote none and that was asked for."""
        text = upload.fields.get("text", "")
        if upload.sound is None:
            return Given(None, text)
        start, end = upload.secs("start") or 0.0, upload.secs("end")
        channel = upload.fields.get("channel") or None
        waveform, notes = await self.work(
            functools.partial(decoded, upload.sound, channel=channel, start_secs=start, end_secs=end)
        )
        if text.strip() or not transcribe or self.recogniser == "none":
            return Given(waveform, text, notes)
        said = await transcript_of(waveform, self.recogniser, self._options)
        return Given(waveform, said.text, (*notes, *([said.warning] if said.warning else [])), said.confidence)

    def look(self, given: Given, model: str = "") -> dict[str, Any]:
        """Everything about it, with the pictures and the words that were used; see `look.look`."""
        with needs_extra("console", "The workbench"):
            # librosa compiles a part of itself when it is imported for the first time.
            from rasa_emotion.console.workbench.pictures import pictures  # noqa: PLC0415
        found = look(self.analyzer(model), given)
        drawn = None if given.waveform is None else pictures(given.waveform)
        return {**found, "model": model or SHIPPED, "text": given.text, "pictures": drawn}

    def close(self) -> None:
        """Let go of the thread."""
        self._pool.shutdown(wait=False, cancel_futures=True)


async def transcript_of(waveform: Waveform, name: str, options: Mapping[str, Any] | None = None) -> Transcript:
    """A recogniser's words of a recording. Raises RecogniserError where it fails, ConfigError where it is none."""
    recogniser = load_recogniser(name, options)
    try:
        await recogniser.start()
        for start in range(0, len(waveform.samples), FED_SAMPLES):
            await recogniser.feed(waveform.samples[start : start + FED_SAMPLES])
        return await recogniser.final(Turn(0.0, len(waveform.samples) / SAMPLE_RATE))
    finally:
        await recogniser.close()
