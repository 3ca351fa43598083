"""The service: a small HTTP server. Start reading in `web.py`."""
