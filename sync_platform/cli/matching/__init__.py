"""`match …`: matching listings in files, and people's decisions on listings."""
