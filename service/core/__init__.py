"""What every part may import: values, errors, the clock, texts and files; nothing of a feature."""
