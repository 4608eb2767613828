from rasa_emotion.bot.policy import EmotionPolicy  # noqa: F401 -- old path
