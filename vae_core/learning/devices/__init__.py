"""Training steps on the CPU and on CUDA."""
