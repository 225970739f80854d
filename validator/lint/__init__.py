"""Mistakes in manifests and in a folder of DAG files, found without asking an Airflow."""
