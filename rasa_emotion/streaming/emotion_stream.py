"""One call in the caller's own thread: frames in, updates and utterances out."""

from rasa_emotion.audio.speech import SpeechEvent
from rasa_emotion.audio.stream import StreamDecoder
from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.protocol import Analyzer
from rasa_emotion.streaming.cutting import Cut, Cutter, StreamSettings
from rasa_emotion.streaming.events import StreamEvent, Utterance, Window
from rasa_emotion.streaming.hearing import TurnHearing


class EmotionStream(Cut):
    """Hears one call while it goes on. Made by `EmotionAnalyzer.stream`; one per call, for one thread at a time.

    The model runs inside `feed`. A server with many calls on one event loop uses `streaming.LiveStream`, which hears
    the windows of all calls together in threads of its own.

    Args:
        analyzer: hears and fuses.
        encoding: of the frames, see `audio.stream.StreamDecoder`.
        sample_rate: Hz of the frames.
        settings: how the call is heard.

    Raises:
        AudioError: the encoding or rate cannot be used.

    Example:
        stream = analyzer.stream(encoding="mulaw", sample_rate=8000)
        for event in stream.feed(frame):
            if isinstance(event, Update): print(event.estimate.emotion)
    """

    def __init__(
        self,
        analyzer: Analyzer,
        *,
        encoding: str = "pcm_s16le",
        sample_rate: int = SAMPLE_RATE,
        settings: StreamSettings | None = None,
    ) -> None:
        self._analyzer = analyzer
        self._decoder = StreamDecoder(encoding, sample_rate)
        self._cutter = Cutter(settings)
        self._hearing = TurnHearing(analyzer)

    def feed(self, frame: bytes) -> list[StreamEvent]:
        """What the next frame brings, in order: `SpeechEvent`, `Update` and, after an end, `Utterance`.

        Raises:
            AudioError: the frame is no audio; the stream can go on with the next one.
        """
        return self._told(self._cutter.feed(self._decoder.feed(frame)))

    def end_turn(self, reason: str = "network") -> list[StreamEvent]:
        """End the turn under way, because it is known from elsewhere that the caller has finished."""
        return self._told(self._cutter.end_turn(reason))

    def finish(self) -> Utterance | None:
        """The turn that was under way when the call ended, or the last part of one; None where there was none."""
        found = self._told([*self._cutter.feed(self._decoder.finish()), *self._cutter.end_turn("closed")])
        return next((event for event in reversed(found) if isinstance(event, Utterance)), None)

    def _told(self, found: list[SpeechEvent | Window]) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for one in found:
            if isinstance(one, Window):
                update = self._hearing.note(one, self._analyzer.hear_many([one.waveform])[0])
                if update is not None:
                    events.append(update)
                continue
            events.append(one)
            if one.kind == "end":
                events.append(self._hearing.utterance(one))
        return events
