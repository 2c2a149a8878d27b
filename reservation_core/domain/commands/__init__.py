"""The nine commands and ``SetStatus``, declared by their parameters.

* ``catalogue``: the nine commands, and ``SetStatus`` for statuses without a command
* ``base``: the base class of the commands
* ``declaration``: the decorator that declares a command
* ``compiled``: compiled methods of the commands, for speed
* ``parsing``: parsing of forms, and of the JSON that answers an assignment callback
* ``extra``: parameters that this library does not know
* ``rules``: rules over several parameters
* ``disputes``: rules on which the sources disagree
* ``documentation``: docstrings of the commands, with an entry for each parameter
* ``parameters``: parameters, and the field specifier that declares them
* ``cautions``: cautions, and the disputes that cause them
* ``types``: kinds of the parameters by name, and the types of their values
* ``kinds``: kinds of value
"""
