"""The checks: pure functions from one round to findings. One module an area, one line in the registry."""
