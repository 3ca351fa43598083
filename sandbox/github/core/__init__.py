"""What every part of the server builds on: documents, git repositories, tokens, events, routes and refusals."""
