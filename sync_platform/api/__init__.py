"""The REST API: routes over the same functions that the command line and Dagster's jobs call.

What belongs here: requests, answers, their models, paging and jobs. Who asks is decided in front of it, and what is
allowed by permissions/decision.py.
"""
