"""Command line of the package: ``reservation-core``, or ``python -m reservation_core.cli``.

It explains the rules, encodes commands, updates one reservation, serves the emulator, and has a
demo that needs no network. It may import every room. No room imports it.

* ``main``: the entry point, which needs no extra itself
* ``app``: the application: commands, help, errors and exit codes
* ``commands``: explain, allowed, encode and send
* ``serve``: the emulator
* ``demo``: one reservation from assignment to completion
* ``flags``: a flag for each parameter in the catalogue
* ``redaction``: what may be printed of a command
* ``console``: text on the terminal
"""
