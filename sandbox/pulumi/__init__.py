"""The platform of the sandbox by the real `pulumi`: its CLI and plugins, its stack, and what a run tells."""
