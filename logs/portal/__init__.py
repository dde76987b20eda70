"""The portal's own pages for HR, custodians and overseers; no Django admin leads here."""
