"""Where certificates are found; each module looks at one kind of place."""
