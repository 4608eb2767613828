from rasa_emotion.bot.tracker_store import EmotionTrackerStore  # noqa: F401 -- old path
