"""What makes a training step fast without a layer knowing of it: steps recorded once and replayed."""
