"""The project's own habits: checks and generated files. Nothing here is part of the product."""
