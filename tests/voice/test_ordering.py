"""Frames that come late, doubled, out of order or not at all, and a sender whose clock drifts."""

import random

import numpy as np
import pytest

from rasa_emotion.audio.stream import StreamDecoder
from rasa_emotion.voice.ordering import LONGEST_GAP_SECS, Ordering
from rasa_emotion.voice.sound import Format
from rasa_emotion.voice.transports.protocol import Frame

FRAME_SECS = 0.02
FORMATS = [Format("mulaw", 8000), Format("alaw", 8000), Format("pcm_s16le", 16_000)]


def frames(format_, count, *, drift=1.0):
    """Numbered and timed, each with a byte of its own."""
    length = round(FRAME_SECS * format_.bytes_per_sec)
    return [Frame(bytes([number % 256]) * length, number, number * FRAME_SECS * drift) for number in range(count)]


def heard(format_, sent):
    order = Ordering(format_)
    return b"".join(order.take(frame) for frame in sent), order


@pytest.mark.parametrize("format_", FORMATS, ids=lambda format_: format_.encoding)
def test_each_frame_once_and_in_its_order(format_):
    sent = frames(format_, 50)
    sound, order = heard(format_, [*sent[:20], *sent[10:30], *sent[30:], *sent[:5], sent[49]])
    assert sound == b"".join(frame.audio for frame in sent)
    assert order.dropped == 16


@pytest.mark.parametrize("format_", FORMATS, ids=lambda format_: format_.encoding)
def test_what_is_late_is_silence_at_its_place(format_):
    sent = frames(format_, 10)
    sound, order = heard(format_, [*sent[:4], *sent[6:], sent[4], sent[5]])
    length = len(sent[0].audio)
    gap = sound[4 * length : 6 * length]
    assert len(sound) == 10 * length
    assert np.abs(StreamDecoder(format_.encoding, format_.sample_rate).feed(gap)).max() < 0.001
    assert sound[6 * length :] == b"".join(frame.audio for frame in sent[6:])
    assert order.missing_secs == pytest.approx(2 * FRAME_SECS)
    assert order.dropped == 2


def test_the_time_of_a_call_stays_right_however_much_is_lost():
    dice, format_ = random.Random(3), Format("mulaw", 8000)
    sent = [frame for frame in frames(format_, 3000) if dice.random() > 0.1]
    sound, order = heard(format_, sent)
    assert len(sound) / format_.bytes_per_sec == pytest.approx(sent[-1].at + FRAME_SECS, abs=3 * FRAME_SECS)
    assert order.missing_secs == pytest.approx(3000 * FRAME_SECS * 0.1, rel=0.3)


@pytest.mark.parametrize("drift", [0.999, 1.001, 0.95, 1.05])
def test_a_clock_that_drifts_puts_no_silence_into_the_sound(drift):
    format_ = Format("mulaw", 8000)
    sent = frames(format_, 3000, drift=drift)
    sound, order = heard(format_, sent)
    assert sound == b"".join(frame.audio for frame in sent)
    assert (order.missing_secs, order.dropped) == (0.0, 0)


def test_a_clock_that_jumps_is_no_gap():
    format_ = Format("mulaw", 8000)
    sent = frames(format_, 10)
    ahead = [Frame(frame.audio, frame.number, frame.at + LONGEST_GAP_SECS + 1) for frame in sent[5:]]
    sound, _ = heard(format_, [*sent[:5], *ahead])
    assert sound == b"".join(frame.audio for frame in sent)
    back = [Frame(frame.audio, frame.number, frame.at - 3600) for frame in sent[5:]]
    sound, _ = heard(format_, [*sent[:5], *back])
    assert sound == b"".join(frame.audio for frame in sent)
