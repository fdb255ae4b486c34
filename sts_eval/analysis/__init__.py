"""What the runs show: history, correlations, ranking, what a predictor adds, calibration, verdict."""
