"""A fleet described by an inventory: what the Ansible role's plugins on the controller call.

Pure, and without Ansible: variables in, problems or a configuration out. The schema is that of `config.yaml`; nothing
here knows a bound or a default of its own, but for the few settings that only a fleet has (`settings`).
"""
