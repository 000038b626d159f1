"""`rules/events.yaml`: what the events of other systems ask for, by source and detail-type."""
