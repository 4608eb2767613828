"""What lines, rooms and microphones do to a voice: each condition maps 16 kHz samples to as many samples.

Every emotion and ordinary speech go through the same conditions in the same shares, so that none tells the class.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import av
import numpy as np
import soundfile
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from rasa_emotion.audio.resample import resample
from rasa_emotion.audio.waveform import SAMPLE_RATE, Waveform

Samples = NDArray[np.float32]
Condition = Callable[[Samples, np.random.Generator], Samples]
"""16 kHz samples, shape [samples], and what draws the condition's chances, to samples of the same shape."""

LINE_RATE = 8_000
PACKET_SECS = 0.02
EDGE_FRAME, EDGE_DB = 512, 60.0
"""A band that is this far below the loudest one is beyond the edge of a line."""

PAUSE_FRAME = 400
"""25 ms."""


def at_rate(samples: Samples, rate: int, through: Callable[[Samples], Samples]) -> Samples:
    """What `through` makes of the samples at another rate, back at 16 kHz and at the same length."""
    narrow = np.clip(resample(Waveform(samples), rate).samples, -1.0, 1.0)
    wide = resample(Waveform(through(narrow), rate)).samples
    return fitted(wide, len(samples))


def fitted(samples: Samples, count: int) -> Samples:
    """Cut or filled up with zeros to `count` samples."""
    kept = np.zeros(count, np.float32)
    size = min(count, len(samples))
    kept[:size] = samples[:size]
    return kept


def g711(subtype: str) -> Condition:
    """An 8 kHz line in "ULAW" or "ALAW"."""
    return lambda samples, _: at_rate(samples, LINE_RATE, lambda narrow: _file_codec(narrow, "WAV", subtype))


def gsm(samples: Samples, _: np.random.Generator) -> Samples:
    """GSM 06.10 full rate, 13 kb/s."""
    return at_rate(samples, LINE_RATE, lambda narrow: _file_codec(narrow, "WAV", "GSM610"))


def amr(samples: Samples, _: np.random.Generator) -> Samples:
    """AMR narrow band at 7.95 kb/s, as mobile phones record."""
    return at_rate(samples, LINE_RATE, lambda narrow: _av_codec(narrow, LINE_RATE, "libopencore_amrnb", "amr", 7_950))


def opus(kilobits: int) -> Condition:
    """Opus at 16 kHz, as browsers and VoIP send it."""
    return lambda samples, _: fitted(_opus(samples, kilobits * 1000), len(samples))


def lost_packets(share: float) -> Condition:
    """An 8 kHz mu-law line that loses packets of 20 ms; each is replaced by the one before at half its level."""

    def lose(samples: Samples, random: np.random.Generator) -> Samples:
        heard = g711("ULAW")(samples, random)
        size = int(PACKET_SECS * SAMPLE_RATE)
        packets = heard[: len(heard) // size * size].reshape(-1, size)
        for index in np.flatnonzero(random.random(len(packets)) < share):
            packets[index] = packets[index - 1] * 0.5 if index else 0.0
        return heard

    return lose


def gain_control(samples: Samples, _: np.random.Generator) -> Samples:
    """An automatic gain that pulls each quarter of a second towards one level, by at most 20 dB."""
    size = SAMPLE_RATE // 4
    frames = fitted(samples, -(-len(samples) // size) * size).reshape(-1, size)
    level = np.sqrt((frames**2).mean(axis=1) + 1e-8)
    gain = np.clip(0.1 / level, 0.1, 10.0)
    smooth = np.interp(np.arange(len(samples)), np.arange(len(gain)) * size + size / 2, gain)
    return np.clip(samples * smooth, -1.0, 1.0).astype(np.float32)


def room(samples: Samples, random: np.random.Generator) -> Samples:
    """A room: noise that decays by 60 dB in 0.2 to 0.7 s follows the direct sound, 2 to 10 dB below it."""
    secs = random.uniform(0.2, 0.7)
    time = np.arange(int(secs * SAMPLE_RATE)) / SAMPLE_RATE
    tail = random.standard_normal(len(time)) * 10 ** (-3 * time / secs)
    tail[: int(0.002 * SAMPLE_RATE)] = 0.0
    tail *= 10 ** (-random.uniform(2, 10) / 20) / np.sqrt((tail**2).sum())
    tail[0] = 1.0
    size = 1 << int(np.ceil(np.log2(len(samples) + len(tail))))
    heard = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(tail, size), size)[: len(samples)]
    return (heard * 0.8).astype(np.float32)


def noisy(noises: Sequence[NDArray[np.int16]], lowest_db: float, highest_db: float) -> Condition:
    """One of the noises, from a random place on, at a ratio between the two in dB."""

    def mix(samples: Samples, random: np.random.Generator) -> Samples:
        noise = noises[int(random.integers(len(noises)))].astype(np.float32) / 32768
        noise = np.resize(np.roll(noise, -int(random.integers(len(noise)))), len(samples))
        power, noise_power = float((samples**2).mean()), float((noise**2).mean())
        if noise_power <= 0:
            return samples
        ratio = np.sqrt(power / noise_power) * 10 ** (-random.uniform(lowest_db, highest_db) / 20)
        return (samples + noise * np.float32(ratio)).astype(np.float32)

    return mix


def line_of(other: Samples) -> Condition:
    """The line on which another recording was made: its upper band edge, what is heard in its pauses, and its level."""
    spectra = np.abs(np.fft.rfft(_framed(other, EDGE_FRAME) * np.hanning(EDGE_FRAME), axis=1)) ** 2
    heard = spectra.mean(axis=0)
    edge = int(np.flatnonzero(heard > heard.max() * 10 ** (-EDGE_DB / 10)).max()) / EDGE_FRAME * SAMPLE_RATE
    frames = _framed(other, PAUSE_FRAME)
    quiet = frames[np.argsort((frames**2).mean(axis=1))[: max(1, len(frames) // 10)]]
    level = float(np.sqrt((other**2).mean())) + 1e-9

    def apply(samples: Samples, random: np.random.Generator) -> Samples:
        spectrum = np.fft.rfft(samples)
        spectrum[np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE) > edge] = 0
        voice = np.fft.irfft(spectrum, len(samples))
        voice *= level / (float(np.sqrt((voice**2).mean())) + 1e-9)
        pauses = quiet[random.integers(len(quiet), size=len(samples) // PAUSE_FRAME + 1)].ravel()[: len(samples)]
        heard: Samples = np.clip(voice + pauses, -1.0, 1.0).astype(np.float32)
        return heard

    return apply


def chain(*conditions: Condition) -> Condition:
    """One after another."""

    def apply(samples: Samples, random: np.random.Generator) -> Samples:
        for condition in conditions:
            samples = condition(samples, random)
        return samples

    return apply


def one_of(*conditions: Condition) -> Condition:
    """One of them, each as probable."""
    return lambda samples, random: conditions[int(random.integers(len(conditions)))](samples, random)


def sometimes(share: float, condition: Condition) -> Condition:
    """The condition for this share of the clips; the others stay as they are."""
    return lambda samples, random: condition(samples, random) if random.random() < share else samples


def test_lines(noises: Sequence[NDArray[np.int16]]) -> Mapping[str, Condition]:
    """The conditions that a voice is scored under, by the name that tables show."""
    mulaw = g711("ULAW")
    return {
        "8 kHz mu-law": mulaw,
        "8 kHz A-law": g711("ALAW"),
        "GSM": gsm,
        "Opus 8 kb/s": opus(8),
        "Opus 12 kb/s": opus(12),
        "Opus 24 kb/s": opus(24),
        "AMR-NB": amr,
        "mu-law, 5 % lost": lost_packets(0.05),
        "automatic gain": gain_control,
        "room": room,
        **{f"noise {db} dB": noisy(noises, db, db) for db in (20, 10, 5, 0)},
    }


test_lines.__test__ = False  # type: ignore[attr-defined]  # not a test, whatever its name says to pytest


def _framed(samples: Samples, size: int) -> Samples:
    """[frames, size], the last one filled up with zeros."""
    return fitted(samples, max(1, -(-len(samples) // size)) * size).reshape(-1, size)


def _file_codec(samples: Samples, container: str, subtype: str) -> Samples:
    """Through one of libsndfile's codecs; its integer codecs wrap where samples exceed full scale."""
    file = io.BytesIO()
    soundfile.write(file, np.clip(samples, -1.0, 0.9999), LINE_RATE, format=container, subtype=subtype)
    file.seek(0)
    heard: Samples = soundfile.read(file, dtype="float32")[0]
    return fitted(heard, len(samples))


def _opus(samples: Samples, bits: int) -> Samples:
    heard = _av_codec(samples, SAMPLE_RATE, "libopus", "ogg", bits)  # decoded at 48 kHz
    return resample(Waveform(heard, 48_000)).samples


def _av_codec(samples: Samples, rate: int, codec: str, container: str, bits: int) -> Samples:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        assert isinstance(stream, AudioStream)
        stream.bit_rate = bits
        pcm = (np.clip(samples, -1.0, 0.9999) * 32768).astype(np.int16)[None]
        frame = AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            out.mux(packet)
    file.seek(0)
    with av.open(file, "r") as heard:
        resampler = av.AudioResampler(format="flt", layout="mono")
        frames = [part for frame in heard.decode(audio=0) for part in resampler.resample(frame)]
    found: Samples = np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.float32)
    return found
