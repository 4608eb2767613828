"""What plugs into a Rasa bot: the NLU component, the policy and the response generator."""
