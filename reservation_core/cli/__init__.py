"""Command line of the package: ``reservation-core``, or ``python -m reservation_core``.

It explains the rules, encodes commands, shows, lists and updates reservations, serves the emulator,
and has a demo that needs no network. It may import every room. No room imports it.

* ``main``: the entry point, which needs no extra itself
* ``app``: the application: commands, help and error messages
* ``exit_codes``: exit codes, and the errors that lead to them
* ``commands``: explain, allowed and encode
* ``remote``: send, show and list
* ``serve``: the emulator
* ``demo``: one reservation from assignment to completion
* ``names``: names of commands and states, as they are typed
* ``flags``: a flag for each parameter in the catalogue
* ``progress``: retries and pauses on stderr
* ``documents``: what ``--json`` prints
* ``redaction``: what may be printed of a command
* ``console``: text on the terminal
"""
