"""One call as a sound file: the caller on the left channel, the bot on the right."""

import logging
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from rasa_emotion.audio.stream import StreamDecoder
from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.logs import named
from rasa_emotion.voice.sound import Format

logger = logging.getLogger(__name__)


class Recorder:
    """Writes a call as it goes on; the caller's sound is the clock. A disk that fails ends the recording alone.

    Args:
        path: of the WAV file, 16 kHz, 16 bit.
        format_: of what the bot's side plays.
    """

    def __init__(self, path: Path, format_: Format) -> None:
        self.path = path
        self._decoder = StreamDecoder(format_.encoding, format_.sample_rate)
        self._bot = np.zeros(0, np.float32)
        self._file: soundfile.SoundFile | None = soundfile.SoundFile(
            str(path), "w", SAMPLE_RATE, channels=2, subtype="PCM_16", format="WAV"
        )

    def caller(self, samples: NDArray[np.float32]) -> None:
        """The next sound of the caller, 16 kHz, float32; what the bot played meanwhile stands beside it."""
        if self._file is None:
            return
        beside, self._bot = self._bot[: len(samples)], self._bot[len(samples) :]
        both = np.zeros((len(samples), 2), np.float32)
        both[:, 0] = samples
        both[: len(beside), 1] = beside
        try:
            self._file.write(both)
        except (OSError, soundfile.LibsndfileError) as error:
            logger.error(
                "The recording of a call ends here (%s); see that the disk has room.",
                type(error).__name__,
                extra=named("voice.recording.failed"),
            )
            self.close()

    def bot(self, audio: bytes) -> None:
        """The next sound that the caller is played, in the format of the line."""
        self._bot = np.concatenate([self._bot, self._decoder.feed(audio)])

    def interrupted(self) -> None:
        """What was not played yet is not played."""
        self._bot = np.zeros(0, np.float32)

    def close(self) -> None:
        """The call is over."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def discard(self) -> None:
        """The caller does not want it: delete what was recorded."""
        self.close()
        self.path.unlink(missing_ok=True)
