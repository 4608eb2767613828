"""What past conversations and people's feedback tell, in figures of groups; nobody is shown alone. Pure logic."""
