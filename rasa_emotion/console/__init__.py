"""Pages for people: a live view for supervisors, a desk for agents, a workbench and a review. Never imports bot."""
