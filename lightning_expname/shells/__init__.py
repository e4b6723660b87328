"""The plugin's shells: what each does under either flavour of Lightning."""
