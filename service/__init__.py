"""Tocsin: decide by rules, notify people in their own language, escalate until somebody owns it."""
