"""WaveGlow on recordings, beside simpler densities and vocoders."""
