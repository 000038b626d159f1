"""Where the parts are put together, as the settings say."""
