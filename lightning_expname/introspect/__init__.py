"""Reads what a run is from live objects: constructors, hyper-parameters, loaders, optimizers."""
