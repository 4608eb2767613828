"""From an escalation to the person who takes over, and back: packet, outbox, helpdesks, relay. No Rasa."""
