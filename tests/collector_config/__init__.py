"""collector-config as files: what needs no program to be checked."""
