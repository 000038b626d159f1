"""Published versions as a store held them on the day they were recorded, with what they decided: never regenerated.

`python -m tests.golden.record` adds one; it overwrites none. A change that makes one of these fail would change what
an old version decides, or could no longer read it.
"""
