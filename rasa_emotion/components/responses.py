from rasa_emotion.bot.responses import EmotionResponses  # noqa: F401 -- old path
