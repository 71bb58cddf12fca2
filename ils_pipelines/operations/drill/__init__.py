"""DR drills: a backup set is restored beside the environment, verified, timed, and taken away again. What is live stays as it
is, and is looked at before and after to prove it.
"""
