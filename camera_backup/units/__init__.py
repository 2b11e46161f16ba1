"""From a configuration to running services: render, plan, apply.

`render` says which files should exist, `host` what there is, `plan` decides (pure), `apply` acts, `converge` does all
of it in order. `camera-backup-generate` (`command`) and the Ansible module of the role both call `converge`.
"""
