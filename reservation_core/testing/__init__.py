"""What tests of a service need: a network that fails by plan, around any gateway."""
