"""The nine commands, declared by their parameters.

* ``catalogue``: the nine commands
* ``base``: the base class, and the decorator that declares a command
* ``compiled``: compiled methods, for speed
* ``parsing``: a form, or the JSON that answers a callback, becomes a command
* ``rules``: rules over several parameters
* ``disputes``: rules that the sources dispute
* ``parameters``: parameters, and their declaration by annotated fields
* ``cautions``: the cautions that disputes cause
* ``types``: named types of parameters
* ``kinds``: the kinds of value behind the types
"""
