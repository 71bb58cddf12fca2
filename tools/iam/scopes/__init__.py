"""Where an action is allowed. `names`: which resources are an environment's, which binds what provisions and what looks.
`backup` and `drill`: tables of their own, because what is live is not theirs to change, whatever it is named.
"""
