"""What a learner works with: lessons, recorded conversations, exercises and their checks."""
