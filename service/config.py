"""Settings: `TOCSIN_*` in the environment or `.env`."""
