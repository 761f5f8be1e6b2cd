"""Opening hours: read from any platform's notation into one structured form, and written in OpenStreetMap's.

What belongs here: the form (`weekly_hours`), reading (`day_words`, `hours_tokens`, `stated_hours`) and writing
(`osm_hours`).
"""
