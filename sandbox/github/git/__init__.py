"""Git over HTTP and REST: refs, commits, files, pushes, and the events that they start."""
