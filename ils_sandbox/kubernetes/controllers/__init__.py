"""Controllers: each watches some kinds and brings one object at a time to what it should be.

To add one, write a class with the two methods of `runner.Controller` and list it in `catalog.py`.
"""
