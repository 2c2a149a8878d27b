"""Requests of commands, and the reading of their replies.

A command becomes a request. A reply becomes a reservation or an error.

It does no I/O and does not know how a request is sent or repeated.

* ``addresses``: the paths of reservations and their SIDs
* ``messages``: request, reply and headers
* ``urlencoding``: encoding and decoding of forms
* ``update``: ``prepare`` and ``conclude``, for a command
* ``fetch``, ``listing``: the same for one reservation and for a list
* ``reports``: a reply compared with the known reservation
* ``bodies``, ``field_reader``: text and fields from outside
* ``reservation_payload``, ``error_payload``: the bodies of reservations and of errors
* ``errors``: the errors of an exchange, and the whole error tree
"""
