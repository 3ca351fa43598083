"""What each command does, a module for those that belong together: a step starts with what it needs and no more.

What a client sent arrives in environment variables only.
"""
