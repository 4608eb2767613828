"""What plugs into a Rasa bot; the only folder that imports Rasa."""
