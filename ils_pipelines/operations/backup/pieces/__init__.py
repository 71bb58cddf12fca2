"""The kinds of pieces: how each is taken, looked at and deleted, one module for each kind."""
