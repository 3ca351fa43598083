"""A GitHub provider for Pulumi, for rehearsals where the real plugin is not installed.

It behaves as version 6.15 of the real one: creating is a POST that fails where the thing exists, reading is by id, and
a refresh shows the drift that the real one shows. A kind, property or function that it does not know is an error.
"""
