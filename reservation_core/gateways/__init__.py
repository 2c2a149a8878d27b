"""One small file per HTTP client: each sends a ``Request`` and hands back the ``Reply``; each is imported only by whoever uses it.

``settings`` holds what all of them need to know, ``base`` what all of them do, ``httpcore2`` the connections of the httpx2 ones. A gateway
decides nothing about reservations, never retries and never follows a redirect; what to do about a failure is for the delivery policy,
which goes by the class of the error.
"""
