"""Pull requests: reviews, requirements, merging and what a moved branch does to them."""
