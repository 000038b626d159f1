"""Ways out by Twilio: SMS and calls."""
