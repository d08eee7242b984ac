"""From a model's `begin` and `step` to texts: greedy, beam search, sampling. No module knows a model."""
