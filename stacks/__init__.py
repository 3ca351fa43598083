"""The stacks of this platform, one file each, and the one reader of them."""
