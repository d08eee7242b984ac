"""Runs of a folder as the page shows them: trainings, comparisons and searches."""
