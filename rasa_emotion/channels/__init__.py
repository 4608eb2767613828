"""Old paths of what is in `rasa_emotion.bot.channels`: YAML files name them; see docs/upgrading.md."""
