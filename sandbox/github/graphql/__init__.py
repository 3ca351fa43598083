"""GraphQL: branch protection, teams, and auto-merge, as clients of GitHub use them."""
