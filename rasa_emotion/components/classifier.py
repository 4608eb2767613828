from rasa_emotion.bot.classifier import EmotionClassifier  # noqa: F401 -- old path
