"""Backup sets: what one backup of one environment produced, and the signed manifest that lists it.

Where a set is kept, in the environment's backup bucket and its copy in the other region:

    sets/<set>/manifest.json      every piece and every failure
    sets/<set>/signatures/<sha256 of the manifest>.json     by KMS
    sets/<set>/pieces/<piece>.json  the record of a piece that is done: what a second run finds and does not repeat
    sets/<set>/orders/<piece>.json  what a job in the cluster is to do, and beside it its result
    sets/<set>/data/…             what pieces keep in the bucket
    restorable/<set>/<drill>.json   what a drill found when it restored the set
"""
