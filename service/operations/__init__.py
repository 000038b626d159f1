"""What operators do over HTTP beside the features: dead work and API keys."""
