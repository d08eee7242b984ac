"""A search over settings: many trials on one split, judged on its validation part."""
