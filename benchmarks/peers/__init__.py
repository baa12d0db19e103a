"""The same calls with otelier and with other instrumentations, beside bare and by hand."""
