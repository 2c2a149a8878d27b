"""What tests of a service need: strategies that draw everything of the library, and a network that fails by plan around any gateway."""
