"""S3 as a witness of what was deployed, and when."""
