"""The parameter-store framework: store, initialisers, layers, losses. Needs nothing but torch."""
