"""Smoke runs: DAG runs that show, once everything else is green, that the deployed DAGs really run."""
