"""What is known of commits and where they run: environments with their secrets, deployments, statuses."""
