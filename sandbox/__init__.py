"""The rehearsal platform: a Kubernetes node, a GitHub and a registry on this machine.

It stands beside the product and knows only the public entry point, `__main__.py`; it imports no component.
"""
