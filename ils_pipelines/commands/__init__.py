"""What each command of `ils` does. Imported by `ils_pipelines.cli` only when that command is asked for."""
