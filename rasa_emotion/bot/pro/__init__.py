"""What plugs into Rasa Pro alone; importing it needs Rasa Pro."""
