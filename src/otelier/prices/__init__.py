"""The public price list in a form that loads in milliseconds.

The data are genai-prices' (https://github.com/pydantic/genai-prices, MIT), compiled by
:mod:`~otelier.prices.compiling` to one line of JSON for each provider, of which only those are
parsed that calls need. :mod:`~otelier.prices.listing` finds a model's prices in it,
:mod:`~otelier.prices.arithmetic` applies them to what was used, both as genai-prices itself does;
:mod:`~otelier.prices.sources` knows which list is the one of the installed version.
"""
