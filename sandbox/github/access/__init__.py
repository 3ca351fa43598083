"""Who there is, and who may do what: accounts, teams, Apps, credentials and permissions."""
