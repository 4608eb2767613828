"""One call as a sound file: the caller on the left channel, the bot on the right."""

import logging
import struct
import wave
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio.stream import StreamDecoder
from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.logs import named
from rasa_emotion.privacy.recordings import mark_ended
from rasa_emotion.voice.sound import Format

logger = logging.getLogger(__name__)


class Recorder:
    """Writes a call as it goes on; the caller's sound is the clock. A disk that fails ends the recording alone.

    After each piece the file is a whole WAV file: it can be heard while it grows, and a process that dies leaves it so.

    Args:
        path: of the WAV file, 16 kHz, 16 bit.
        format_: of what the bot's side plays.

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(self, path: Path, format_: Format) -> None:
        self.path = path
        self._decoder = StreamDecoder(format_.encoding, format_.sample_rate)
        self._bot = np.zeros(0, np.float32)
        # Not buffered: `writeframes` puts the length into the header, after the sound.
        self._open = path.open("wb", buffering=0)
        self._file: wave.Wave_write | None = wave.Wave_write(self._open)
        self._file.setparams((2, 2, SAMPLE_RATE, 0, "NONE", ""))

    def caller(self, samples: NDArray[np.float32]) -> None:
        """The next sound of the caller, 16 kHz, float32; what the bot played meanwhile stands beside it."""
        if self._file is None:
            return
        beside, self._bot = self._bot[: len(samples)], self._bot[len(samples) :]
        both = np.zeros((len(samples), 2), np.float32)
        both[:, 0] = samples
        both[: len(beside), 1] = beside
        try:
            self._file.writeframes(np.rint(np.clip(both, -1, 1) * 32_767).astype("<i2").tobytes())
        except (OSError, struct.error) as error:  # the latter where a call is longer than a WAV file holds
            logger.error(
                "The recording of a call ends here (%s); see that the disk has room.",
                type(error).__name__,
                extra=named("voice.recording.failed"),
            )
            self._stop()

    def bot(self, audio: bytes) -> None:
        """The next sound that the caller is played, in the format of the line."""
        self._bot = np.concatenate([self._bot, self._decoder.feed(audio)])

    def interrupted(self) -> None:
        """What was not played yet is not played."""
        self._bot = np.zeros(0, np.float32)

    def close(self) -> None:
        """The call is over, which whoever looks at the file sees at once."""
        if self._file is not None:
            self._stop()
            with suppress(OSError):
                mark_ended(self.path)

    def _stop(self) -> None:
        made, self._file = self._file, None
        if made is not None:
            with suppress(OSError, struct.error):
                made.close()
            self._open.close()

    def discard(self) -> None:
        """The caller does not want it: delete what was recorded."""
        self.close()
        self.path.unlink(missing_ok=True)
