"""Runs that people ask a store for, and the worker that does them."""
