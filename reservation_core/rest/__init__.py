"""HTTP requests for commands, and readers of the replies.

A command becomes a request. A reply becomes a reservation or an error.

This package does no I/O and does not know how a request is sent or repeated.

* ``addresses``: the paths of reservations and their SIDs
* ``messages``: request, reply and headers
* ``urlencoding``: encoding and decoding of forms
* ``update``: ``prepare`` and ``conclude``, for a command
* ``fetch``, ``listing``: the same for one reservation and for a list
* ``reports``: a reply compared with the known reservation
* ``bodies``, ``field_reader``: parsing of untrusted bodies and of their fields
* ``reservation_payload``, ``error_payload``: readers of reservations and of error replies
* ``errors``: the errors of an exchange, and the whole error tree
"""
