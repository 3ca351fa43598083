"""What the platform has on GitHub: repositories with their files and rules, teams and their access."""
