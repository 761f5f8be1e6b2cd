"""Documents for people: one model, written as text or as an HTML page; and CSV files that are safe in a spreadsheet."""
