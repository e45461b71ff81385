"""One module per stage: they join the database to the arrays."""
