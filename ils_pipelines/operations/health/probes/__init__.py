"""One module per kind of component. A probe looks at all components of its kind and yields a finding about each.

Probes only say what an answer means; that an API does not answer is the caller's business.
"""
