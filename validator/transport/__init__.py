"""How a call gets to Airflow: through MWAA's InvokeRestApi, or over plain HTTP."""
