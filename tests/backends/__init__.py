"""Configurations of collector-config, run by the real programs: ``make backends``, then ``make
test-backends``.
"""
