from rasa_emotion.bot.channels.rest import EmotionRestInput  # noqa: F401 -- old path
