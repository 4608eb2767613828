"""Sounds of lines and machines that hold no voice, made with numpy: float32 samples and their rate in Hz."""

import numpy as np
from numpy.typing import NDArray

Sound = tuple[NDArray[np.float32], int]
LINE_RATE, WIDE_RATE = 8_000, 16_000


def tones(*frequencies: float, secs: float = 3.0, rate: int = LINE_RATE, amplitude: float = 0.25) -> Sound:
    """Sines of these frequencies (Hz) together."""
    seconds = np.arange(round(secs * rate)) / rate
    mixed = sum(amplitude * np.sin(2 * np.pi * frequency * seconds) for frequency in frequencies)
    return np.asarray(mixed, dtype=np.float32), rate


def interrupted(sound: Sound, on_secs: float, off_secs: float) -> Sound:
    """The cadence of a signal tone."""
    samples, rate = sound
    seconds = np.arange(len(samples)) / rate
    return (samples * (seconds % (on_secs + off_secs) < on_secs)).astype(np.float32), rate


def dtmf(digits: int = 12, seed: int = 0) -> Sound:
    """Random keys of a telephone, 150 ms each."""
    rng = np.random.default_rng(seed)
    rows, columns = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
    pause = np.zeros(round(0.1 * LINE_RATE), np.float32)
    keys = [tones(rows[rng.integers(4)], columns[rng.integers(4)], secs=0.15)[0] for _ in range(digits)]
    return np.concatenate([part for key in keys for part in (key, pause)]), LINE_RATE


def chords(*, secs: float = 4.0, decay: float = 0.0, harmonics: int = 6, seed: int = 0) -> Sound:
    """A major chord every half second, as music on hold has it; `decay` (1/s) makes them struck."""
    rng = np.random.default_rng(seed)
    seconds = np.arange(WIDE_RATE // 2) / WIDE_RATE
    played = []
    for _ in range(round(secs / 0.5)):
        root = 110 * 2 ** (rng.integers(0, 24) / 12)
        voices = [root * 2 ** (step / 12) * harmonic for step in (0, 4, 7) for harmonic in range(1, harmonics + 1)]
        weights = [0.08 / harmonic for _ in range(3) for harmonic in range(1, harmonics + 1)]
        sound = sum(
            weight * np.sin(2 * np.pi * voice * seconds + rng.uniform(0, 6))
            for weight, voice in zip(weights, voices, strict=True)
        )
        played.append(sound * np.exp(-decay * seconds))
    return np.concatenate(played).astype(np.float32), WIDE_RATE


def buzz(frequency: float, *, secs: float = 3.0) -> Sound:
    """A rectangle: mains hum with all its odd harmonics."""
    samples, rate = tones(frequency, secs=secs, rate=WIDE_RATE, amplitude=1.0)
    return 0.2 * np.sign(samples), rate


def noise(colour: float, *, secs: float = 3.0, level: float = 0.1, seed: int = 0) -> Sound:
    """Noise whose power falls with frequency to the power of `colour`: 0 white, 1 pink, 2 brown."""
    rng = np.random.default_rng(seed)
    count = round(secs * WIDE_RATE)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    samples = np.fft.irfft(spectrum / (np.arange(len(spectrum)) + 1.0) ** (colour / 2), count)
    return np.clip(level * samples / samples.std(), -1, 1).astype(np.float32), WIDE_RATE


def siren(*, secs: float = 3.0) -> Sound:
    """A tone that rises and falls by 200 Hz around 800 Hz."""
    seconds = np.arange(round(secs * WIDE_RATE)) / WIDE_RATE
    phase = 2 * np.pi * 800 * seconds + 200 * np.sin(2 * np.pi * seconds)
    return (0.3 * np.sin(phase)).astype(np.float32), WIDE_RATE


def melody(*, vibrato: float = 0.0, decay: float = 2.0, rate: int = WIDE_RATE, note_secs: float = 0.25) -> Sound:
    """Notes one after another, as a music box plays them."""
    seconds = np.arange(round(note_secs * rate)) / rate
    notes = []
    for step in (0, 4, 7, 12, 7, 4, 0, 5, 9, 12, 9, 5, 2, 7, 11, 14):
        phase = 2 * np.pi * 220 * 2 ** (step / 12) * seconds + vibrato * np.sin(2 * np.pi * 6 * seconds)
        notes.append(sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 9)) * np.exp(-decay * seconds))
    return (0.15 * np.concatenate(notes)).astype(np.float32), rate


def keyed(baud: int, mark: float, space: float, *, secs: float = 3.0, seed: int = 0) -> Sound:
    """A modem: two tones that take turns."""
    bits = np.random.default_rng(seed).integers(0, 2, round(secs * baud))
    hertz = np.repeat(np.where(bits, mark, space), LINE_RATE // baud)
    return (0.3 * np.sin(2 * np.pi * np.cumsum(hertz) / LINE_RATE)).astype(np.float32), LINE_RATE


def after(*sounds: Sound) -> Sound:
    """One sound after another, all of one rate."""
    return np.concatenate([samples for samples, _ in sounds]), sounds[0][1]


VOICELESS: dict[str, Sound] = {
    "ring-back, North America": tones(440, 480),
    "ring-back with its pauses": interrupted(tones(440, 480, secs=6), 2, 4),
    "ring-back, Britain": interrupted(tones(400, 450, secs=6), 0.4, 0.2),
    "ring-back, Europe": interrupted(tones(425, secs=6), 1, 4),
    "busy, Europe": interrupted(tones(425), 0.5, 0.5),
    "busy, North America": interrupted(tones(480, 620), 0.5, 0.5),
    "all lines busy": interrupted(tones(480, 620), 0.25, 0.25),
    "dial tone": tones(350, 440),
    "fax": interrupted(tones(1100, secs=6), 0.5, 3),
    "modem answer": tones(2100),
    "DTMF": dtmf(),
    "DTMF, other keys": dtmf(seed=1),
    "1 kHz": tones(1000),
    "300 Hz": tones(300, rate=WIDE_RATE),
    "hum at 50 Hz": tones(50, rate=WIDE_RATE),
    "hum at 60 Hz": tones(60, rate=WIDE_RATE),
    "hum with harmonics": tones(50, 100, 150, 250, rate=WIDE_RATE, amplitude=0.1),
    "buzz at 50 Hz": buzz(50),
    "buzz at 120 Hz": buzz(120),
    "chords": chords(),
    "struck chords": chords(decay=4, seed=1),
    "other chords": chords(harmonics=12, decay=2, seed=51),
    "white noise": noise(0),
    "pink noise": noise(1),
    "brown noise": noise(2),
    "siren": siren(),
    "number not in service": after(*(tones(hertz, secs=0.33) for hertz in (950, 1400, 1800)), tones(0, secs=1)),
    "exchanges calling each other": tones(700, 900),
    "call waiting": interrupted(tones(440, secs=6), 0.3, 2),
    "slow modem": keyed(300, 1650, 1850),
    "fast modem": keyed(1000, 1200, 2200),
    "200 Hz": tones(200),
    "200 Hz, interrupted": interrupted(tones(200, secs=8), 1, 3),
    "150 Hz, interrupted": interrupted(tones(150, secs=8), 2, 4),
    "aircraft's hum": tones(400, 800, 1200, rate=WIDE_RATE),
    "melody": melody(),
    "melody that fades slowly": melody(decay=0.5),
    "fast melody": melody(note_secs=0.1),
    "alarm": interrupted(tones(200, rate=WIDE_RATE, amplitude=0.2), 0.1, 0.2),
}
