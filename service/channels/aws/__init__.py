"""Ways out on AWS: SES v2, End User Messaging SMS and voice."""
