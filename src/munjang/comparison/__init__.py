"""Many models on the same data, split, budget and seeds: which is the smallest that is good enough?"""
