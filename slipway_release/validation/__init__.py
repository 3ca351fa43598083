"""The environment repository's own checks: what a pull request may say, and what it would change.

Everything here reads work trees and writes nothing. It needs PyYAML and Helm, which no release does.
"""
