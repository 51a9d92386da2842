"""The live dashboard: state, drawing, and the terminal."""
