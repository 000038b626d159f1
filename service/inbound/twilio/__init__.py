"""Twilio: who really sent a request, and what it says."""
