"""The simulated radio access network of one satellite pass."""
