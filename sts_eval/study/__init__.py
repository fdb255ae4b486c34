"""What is read from the untuned model, once for all predictors."""
