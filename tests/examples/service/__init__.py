"""A complete service on the library, to learn from and to begin with: ``python -m tests.examples.service`` shows it at work.

It needs the ``dev`` extra, no account and no network: the platform is the emulator, which signs its webhooks as the platform does. With
``--keep`` the two go on to answer until Ctrl-C.

    service.py    the service: what you would write
    serve.py      how it is deployed: settings from the environment, one process
    __main__.py   the story: seeds the emulator, lets things happen to the service, kills it, and compares in the end
    process.py    what the story starts and kills it with
"""
