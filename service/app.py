"""The one place where adapters are constructed and handlers registered."""
