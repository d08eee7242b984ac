"""Many models on the same data, split, budget and seeds: the smallest that is good enough."""
