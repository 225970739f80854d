"""An MWAA endpoint on loopback: in front of a simulated Airflow, or of a real one."""
