"""Assignment and event callbacks of the emulator, as the platform sends them.

The package makes callbacks from the platform's acts, sends them over HTTP and carries out the
instructions in the responses. It does not know the emulated API or the control surface.

* ``settings``: callback URLs, the signing token and simulated unreliability.
* ``model``: a callback, its result and its alert.
* ``forms``: the forms of an assignment callback and of an event callback.
* ``queue``: callbacks that are due, and the effect of their responses. No I/O.
* ``responses``: the instruction in a response.
* ``dispatcher``: threads that send what is due.
* ``exchange``: one HTTP exchange with a deadline.
"""
