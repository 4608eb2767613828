"""Bytes to 16 kHz mono: decoding, resampling, voice activity, overlapping windows."""

from rasa_emotion.audio.activity import is_silent, trim_silence, voice_activity
from rasa_emotion.audio.decode import load_audio
from rasa_emotion.audio.highpass import highpass
from rasa_emotion.audio.quality import is_narrow_band, level_db, snr_db
from rasa_emotion.audio.raw import decode_raw
from rasa_emotion.audio.resample import resample
from rasa_emotion.audio.telephone import encode_mulaw, to_telephone
from rasa_emotion.audio.voice import speech_mask, speech_secs
from rasa_emotion.audio.waveform import SAMPLE_RATE, Waveform
from rasa_emotion.audio.windows import stream_windows

__all__ = [
    "SAMPLE_RATE",
    "Waveform",
    "decode_raw",
    "encode_mulaw",
    "highpass",
    "is_narrow_band",
    "is_silent",
    "level_db",
    "load_audio",
    "resample",
    "snr_db",
    "speech_mask",
    "speech_secs",
    "stream_windows",
    "to_telephone",
    "trim_silence",
    "voice_activity",
]
