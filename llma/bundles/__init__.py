"""Bundles that do not ship with llma: which there are, how they are pulled from a hub, checked and chosen."""
