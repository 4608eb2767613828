"""Emotion while a caller still speaks: a live call's audio in, updates and utterances out. No Rasa, no transport."""

from rasa_emotion.streaming.cutting import StreamSettings
from rasa_emotion.streaming.emotion_stream import EmotionStream
from rasa_emotion.streaming.events import StreamEvent, Update, Utterance
from rasa_emotion.streaming.live import LiveStream, SharedHearing

__all__ = [
    "EmotionStream",
    "LiveStream",
    "SharedHearing",
    "StreamEvent",
    "StreamSettings",
    "Update",
    "Utterance",
]
