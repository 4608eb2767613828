"""Frames in their order: what comes doubled or late is dropped, what is missing is silence."""

from rasa_emotion.voice.sound import Format
from rasa_emotion.voice.transports.protocol import Frame

LONGEST_GAP_SECS = 2.0
"""Of silence in place of what is missing; a longer gap is another clock."""

SHORTEST_GAP_SECS = 0.03
"""Where no number is missing: a sender's clock is not that exact."""

_SILENT = {"pcm_s16le": b"\0", "mulaw": b"\xff", "alaw": b"\xd5"}


class Ordering:
    """Puts the frames of one stream in order.

    Args:
        format_: of the frames.

    >>> order = Ordering(Format("mulaw", 8000))
    >>> [len(order.take(Frame(bytes(160), number, at))) for number, at in ((1, 0.0), (1, 0.0), (3, 0.04))]
    [160, 0, 320]
    """

    def __init__(self, format_: Format) -> None:
        self._format = format_
        self._number: int | None = None
        self._end: float | None = None
        self._gathered: list[bytes] = []
        self.dropped = self.missing_secs = 0.0

    def take(self, frame: Frame) -> bytes:
        """The sound to go on with: empty for what was heard before, silence before what comes after a gap."""
        before = self._number
        if frame.number is not None:
            if before is not None and frame.number <= before:
                self.dropped += 1
                return b""
            self._number = frame.number
        one_is_missing = frame.number is not None and before is not None and frame.number > before + 1
        return self._filled(frame, 0.0 if one_is_missing else SHORTEST_GAP_SECS)

    def gather(self, frame: Frame) -> None:
        """`take` it, and keep what it gives for `gathered`."""
        self._gathered.append(self.take(frame))

    @property
    def gathered_secs(self) -> float:
        """Of sound that was gathered."""
        return sum(map(len, self._gathered)) / self._format.bytes_per_sec

    def gathered(self) -> bytes:
        """The sound that was gathered, once."""
        found, self._gathered = b"".join(self._gathered), []
        return found

    def _filled(self, frame: Frame, shortest_secs: float) -> bytes:
        if frame.at is None:
            return frame.audio
        gap = 0.0 if self._end is None else frame.at - self._end
        self._end = frame.at + len(frame.audio) / self._format.bytes_per_sec
        if not shortest_secs <= gap <= LONGEST_GAP_SECS:
            return frame.audio
        self.missing_secs += gap
        samples = round(gap * self._format.sample_rate)
        return _SILENT[self._format.encoding] * (samples * self._format.width) + frame.audio
