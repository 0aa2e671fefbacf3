"""The command line: thin commands over the library. Modules here may import Dagster and the assets, inside functions only."""
