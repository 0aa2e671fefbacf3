"""The hour's steps, on a real store with a model that goes by words."""
