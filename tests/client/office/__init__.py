"""A project that the tests of the client compile: small workflows, each for one promise."""
