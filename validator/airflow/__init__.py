"""What Airflow says: typed models, the two dialects, paging, and one round of observation."""
