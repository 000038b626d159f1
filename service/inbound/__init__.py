"""What comes in from providers, for every feature: messages of people, and what became of ours."""
