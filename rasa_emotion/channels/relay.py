from rasa_emotion.bot.channels.relay import RelayInput  # noqa: F401 -- old path
