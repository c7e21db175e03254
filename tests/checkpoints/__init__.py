"""Tests of runner.checkpoints."""
