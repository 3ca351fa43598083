"""Deploys the Pulumi program on this machine.

Where the `pulumi` CLI and its plugins answer, through the Automation API (`automation`); elsewhere in this process,
through the SDK's own test seam, with every resource applied for real (`deploy`). The in-process way is for rehearsals:
it reads what is there, writes what differs, and keeps no state but a memory of what cannot be read back.
"""
