"""Measurements on a local control plane, beside a bare client in the same run.

Nothing here asserts a time: machines differ. What can be compared between
machines is the ratio to the bare client, and the number of writes.
"""
