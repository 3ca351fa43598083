"""Pulumi components of the platform, one concept a module. They never read configuration."""
