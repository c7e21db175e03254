"""Training, and what is measured meanwhile: one model, or several as a stack."""
