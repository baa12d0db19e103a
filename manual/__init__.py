"""The site: what of it is generated, and the running of its blocks and README's."""
