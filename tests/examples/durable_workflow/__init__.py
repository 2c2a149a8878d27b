"""An example service whose reservations are durable workflows of DBOS."""
