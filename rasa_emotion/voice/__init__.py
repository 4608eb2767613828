"""Live calls: recognisers, synthesisers, transports and the session that joins them. No Rasa."""
