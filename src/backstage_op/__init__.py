"""Deploys Backstage to Kubernetes from one custom resource and keeps it in sync.

An operator (:mod:`backstage_op.operator`), a library of typed runtime objects
(:mod:`backstage_op.resources`) on a dependency graph
(:mod:`backstage_op.graph`), and a command line (:mod:`backstage_op.cli`).
"""
