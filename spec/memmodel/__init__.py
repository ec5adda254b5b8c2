"""Memory models: how a frame number becomes the address of its descriptor."""
