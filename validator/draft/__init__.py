"""Manifests made from what is there: of a running Airflow, or of a folder of DAG files. Pure but for `look`."""
