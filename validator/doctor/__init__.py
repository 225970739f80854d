"""What keeps the gate from seeing an Airflow, and what it will see: asked by looking only, judged apart from asking."""
