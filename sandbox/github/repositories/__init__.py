"""Repositories and what belongs to one: settings, secrets, environments, deployments, collaborators."""
