"""What stands against a change of refs: rulesets and branch protection."""
