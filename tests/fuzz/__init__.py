"""Coverage-guided fuzzing of every reader of untrusted bytes."""
