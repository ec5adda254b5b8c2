"""Nodes, zones, zonelists, watermarks and reserves, as the memory map gives them."""
