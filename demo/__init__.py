"""The demo: one Backstage on a local control plane, from nothing to gone."""
