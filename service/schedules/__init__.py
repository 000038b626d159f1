"""Recurring incidents and notifications: by a cron expression on a wall clock, each occurrence once."""
