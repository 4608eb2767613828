"""Old paths of what is in `rasa_emotion.bot`: trained models and YAML files name them; see docs/upgrading.md."""
