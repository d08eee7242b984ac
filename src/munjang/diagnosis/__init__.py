"""Diagnosis of models and data: errors, likely wrong labels, calibration and abstention."""
