"""The rules of reservations: allowed commands, and the evidence for each rule.

This package knows no HTTP and does no I/O.

* ``lifecycle``: statuses, edges and refusals, as tables
* ``decisions``: answers about the tables, from one shared state machine
* ``commands``: the nine commands, their parameters and their rules
* ``reservation``: the reservation as last reported
* ``refusals``: the check that a command is allowed, its error and its listeners
* ``errors``: the base of the error tree, and the errors of invalid calls
* ``evidence``: how certain each rule is, and its source
* ``redaction``: masking of personal and secret values
"""
