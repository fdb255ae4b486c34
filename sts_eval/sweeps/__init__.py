"""Many runs at once: a matrix of experiments, planned as stages that runs share, done here or on a Ray cluster."""
