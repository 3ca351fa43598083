"""A year of production in minutes, on the model of GitHub with the real program; `year.py` is where to begin."""
