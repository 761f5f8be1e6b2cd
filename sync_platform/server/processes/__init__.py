"""The processes of Dagster beside the server: started, watched, restarted and stopped."""
