"""Backup sets: what one backup of one environment produced, and the signed manifest that lists it.

Where a set is kept, below `sets/` in the environment's backup bucket and its copy in the other region:

    sets/<set>/manifest.json      every piece and every failure
    sets/<set>/signature.json     over the manifest's bytes, by KMS
    sets/<set>/pieces/<piece>.json  the record of a piece that is done: what a second run finds and does not repeat
    sets/<set>/data/…             what pieces keep in the bucket
"""
