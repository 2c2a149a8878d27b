"""Generated runs: many reservations at once, around a service of yours.

Subclass :class:`ReservationRuns`, say how your service receives an event and what it believes, and
run the ``TestCase``::

    class MyRuns(ReservationRuns):
        def __init__(self):
            super().__init__()
            self.service = MyService(self.gateway)  # it sends its commands through this gateway

        def deliver(self, event):  # my service receives an event
            self.service.receive(event)

        def look_up(self, sid):  # what my service believes
            return self.service.known.get(sid)

    TestMyService = MyRuns.TestCase

A run is a sequence of steps: a worker is reserved, a fact or a rival's command moves a reservation,
an event is delivered (late, out of order or twice, as the platform documents), a fault is planned
for a coming exchange or for several in a row (an outage, after which a delivery gives up). Give the
service ``Policy(backoff=0.0)``: its pauses are real. After every step it must keep these rules:

1. **It believes nothing false.** The lifecycle leads from what it believes to where the reservation
   stands: it may lag, but never be ahead or on another branch. What it believes never goes back.
   Once all events are delivered, it is up to date.
   With ``has_unexpected_statuses`` the platform takes steps that the lifecycle does not have. Then
   a belief must be a state in which the platform truly held the reservation, and the beliefs must
   follow each other as these states did.
2. **No command acts twice.** After an exchange with an unknown outcome it sends nothing that could
   act again (without ``If-Match``) before it reads the reservation or receives a newer event.
3. **It sends no command that it could know to be refused**: none after the reservation ended, none
   while its own earlier command is being carried out, none that the last reported status forbids.

A counterexample lists the steps. Notes above a step show in order what happened in it: delivered
events, the service's own exchanges (``POST accept -> 400``), and each change on the platform.

Modules: ``machine`` (the runs), ``moves`` (steps and faults), ``events`` (what the service
receives), ``beliefs`` (rule 1), ``monitor`` (rules 2 and 3), ``unexpected`` (a ninth status).
"""

from reservation_core._extras import extra

with extra("testing"):
    from reservation_core.testing.stateful.beliefs import Belief
    from reservation_core.testing.stateful.events import ReportedEvent, reported_event
    from reservation_core.testing.stateful.machine import ReservationRuns


__all__ = ["Belief", "ReportedEvent", "ReservationRuns", "reported_event"]
