"""Distillation: models teach a smaller one on texts, with or without labels."""
