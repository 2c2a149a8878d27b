"""Test kit for services that handle reservations.

It offers fault injection, generated values and runs, and the contracts of gateways and stores. It
knows every room but the command line. The pytest plugin and hypothesis' entry point stand outside
the package, in ``_reservation_core_plugins``.

* ``faults``: a gateway wrapper with planned faults, and virtual time
* ``recording``: a gateway that replies by script and records
* ``paths``: every path through the lifecycle
* ``strategies``: hypothesis strategies
* ``registration``: hypothesis' ``st.from_type``
* ``stateful``: generated runs around a service
* ``contract``: test classes for your gateway or your store
* ``lifecycle_coverage``: which edges were walked and which refusals met
* ``coverage_plugin``: lifecycle coverage of a pytest run
"""
