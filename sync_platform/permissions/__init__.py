"""Who may do what: roles, actions, actors, and the one function that decides."""
