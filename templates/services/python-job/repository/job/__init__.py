"""A job that runs to its end."""
