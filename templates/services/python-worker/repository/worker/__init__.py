"""A worker: it takes messages from a queue. Start reading in `work.py`."""
