"""Organisations and who reaches what in them: members, teams, Apps, collaborators of repositories."""
