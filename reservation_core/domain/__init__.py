"""The rules of reservations: allowed commands, and the evidence for each rule.

The room knows no HTTP and does no I/O.

* ``lifecycle``: statuses, edges and refusals, as tables
* ``decisions``: answers about the tables, from one shared state machine
* ``commands``: the nine commands, their parameters and their rules
* ``reservation``: the reservation as last reported
* ``refusals``: the error for a command that is not allowed, and its listeners
* ``errors``: the base of the error tree, and the errors of invalid calls
* ``evidence``: the evidence and source of each rule
* ``redaction``: personal and secret values in texts
"""
