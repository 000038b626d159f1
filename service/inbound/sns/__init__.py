"""Amazon SNS: who really sent a message, and what it says."""
