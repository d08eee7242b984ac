"""From a model's `begin` and `step` to token ids: greedy, beam search, sampling."""
