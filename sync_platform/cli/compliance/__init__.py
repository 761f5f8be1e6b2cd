"""`report …`: reports for people outside the company."""
