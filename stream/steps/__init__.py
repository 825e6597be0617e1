"""Pure decisions of the workers: no await, no clock, no logger; time is an argument."""
