"""Language services on AWS: Comprehend for how a text feels and which language it is in, Translate for translation."""
