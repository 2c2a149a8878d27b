"""The nine commands, declared by their parameters.

* ``catalogue``: the nine commands
* ``base``: the base class, and the decorator that declares a command
* ``compiled``: compiled methods of the commands, for speed
* ``parsing``: parsing of forms, and of the JSON that answers an assignment callback
* ``rules``: rules over several parameters
* ``disputes``: rules on which the sources disagree
* ``parameters``: parameters, and their declaration by annotated fields
* ``cautions``: cautions, and the disputes that cause them
* ``types``: named types of parameters
* ``kinds``: the kinds of value behind the types
"""
