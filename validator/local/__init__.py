"""The repository's own DAG files, read without running them."""
