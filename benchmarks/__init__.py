"""Measurements of what the project promises; `docs/benchmarks.md` says how to read them."""
