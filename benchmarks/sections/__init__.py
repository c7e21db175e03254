"""The sections of the page, a file a kind."""
